"""Pieces and the source's other streams, joined into the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import av

from vidsr.errors import OutputError
from vidsr.video.items import Packet
from vidsr.video.pieces.decoding_times import decoding_times
from vidsr.video.pieces.piece_file import CodedFrame, PieceFile
from vidsr.video.sink.base import Written
from vidsr.video.sink.file_sink import FileSink
from vidsr.video.streams.copies import MUX_ERRORS

# Frames at the end whose decoding times may have to move for the file's length to be right.
LAST_FRAMES = 64


class JoinSink(FileSink):
    """The sink of a target whose frames are coded already."""

    kept = "the pieces are kept; the same command goes on from there."

    def write_coded(self, coded: Sequence[CodedFrame], *, last: bool = False) -> None:
        """Mux coded frames, in decoding order. Raises OutputError."""
        try:
            packets = [self._packet(one) for one in coded]
            self._times.settle(packets, last=last)
            for packet in packets:
                if self._early is not None:
                    self._early.settle(packet)
                self.bytes_written += packet.size
                self.container.mux_one(packet)
        except MUX_ERRORS as error:
            raise self._failure(f"joining failed at frame {self.frames}", error) from error
        self.frames += len(coded)

    def _packet(self, coded: CodedFrame) -> Packet:
        packet: Packet = av.Packet(coded.data)
        packet.stream, packet.time_base = self.stream, self.plan.time_base
        packet.pts, packet.dts = coded.pts, coded.dts
        packet.duration, packet.is_keyframe = coded.duration, coded.key
        self._times.showing(coded.pts, coded.duration)
        first = coded.pts if self._first_pts is None else min(self._first_pts, coded.pts)
        self._first_pts, self._last_pts = first, max(self._last_pts, coded.pts)
        return packet

    def end_video(self) -> None:
        """Do nothing: the encoder was opened for its parameter sets and has seen no frame."""


def join(sink: JoinSink, pieces: Sequence[PieceFile], others: Iterable[Packet]) -> Written:
    """Write all pieces and the packets of the other streams in the order of their times.

    Args:
        sink: The target, open; it is put in its place.
        pieces: Every piece in order.
        others: The source's packets of all streams but the video, as they are copied.

    Raises:
        OutputError: The target cannot be written, or the pieces do not fit each other.
    """
    check_kin(sink, pieces)
    video = _Video(sink, pieces)
    for packet in others:
        time = packet.dts if packet.dts is not None else packet.pts
        if time is not None and packet.time_base:
            video.write_until(time * packet.time_base)
        sink.copy(packet)
    video.write_until(None)
    return sink.finish()


def check_kin(sink: JoinSink, pieces: Sequence[PieceFile]) -> None:
    """Raise OutputError unless all pieces come from encoders with the same parameter sets."""
    kinds = {piece.head.parameters for piece in pieces if piece.head.frames}
    if len(kinds) > 1:
        raise _do_not_fit(sink, "come from different encoders")


def _do_not_fit(sink: JoinSink, why: str) -> OutputError:
    return OutputError(
        f"{sink.plan.target.locator}: its pieces {why}", hint="`restart` makes all of them here."
    )


class _Video:
    """The frames of all pieces, written as far as the other streams have come."""

    def __init__(self, sink: JoinSink, pieces: Sequence[PieceFile]) -> None:
        times = [pts for piece in pieces for pts in piece.times]
        try:
            self._sink, self._times = sink, decoding_times(times)
        except ValueError as error:
            raise _do_not_fit(sink, "hold frames of the same time") from error
        self._frames = self._timed(pieces)
        self._done = 0

    def _timed(self, pieces: Sequence[PieceFile]) -> Iterator[CodedFrame]:
        times = iter(self._times)
        for piece in pieces:
            for one in piece:
                yield CodedFrame(one.data, one.pts, next(times), one.duration, one.key)

    def write_until(self, time: Fraction | None) -> None:
        """Write what is decoded before ``time``, in seconds; with None all that is left."""
        base, left = self._sink.plan.time_base, max(0, len(self._times) - LAST_FRAMES)
        while self._done < left and (time is None or self._times[self._done] * base <= time):
            self._sink.write_coded([next(self._frames)])
            self._done += 1
        if time is None:
            self._sink.write_coded([*self._frames], last=True)
