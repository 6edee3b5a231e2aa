"""Pieces and the source's other streams, joined into the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import av

from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.video.header import StreamHeader
from vidsr.video.items import Packet
from vidsr.video.pieces.decoding_times import DecodingTimes
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_file import CodedFrame, PieceFile
from vidsr.video.sink.base import Written
from vidsr.video.sink.file_sink import FileSink
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.streams.copies import MUX_ERRORS

# Frames at the end whose decoding times may have to move for the file's length to be right.
LAST_FRAMES = 64


class JoinSink(FileSink):
    """The sink of a target whose frames are coded already, in pieces that lie in a folder."""

    kept = "the pieces are kept; the same command goes on from there."

    def __init__(
        self, plan: OutputPlan, header: StreamHeader, notes: Notes, folder: JobFolder
    ) -> None:
        self._folder = folder
        super().__init__(plan, header, notes)

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

    def _commit(self) -> None:
        written = Written(self.frames, self.bytes_written, self.video_s)
        self._folder.note_finished(self.plan.target.working, written)
        super()._commit()

    def end_video(self) -> None:
        """Do nothing: the encoder was opened for its parameter sets and has seen no frame."""


class Moved(Exception):
    """A later piece moves decoding times that are written already: the target begins anew."""


def join(
    sink: JoinSink, pieces: Iterable[PieceFile], others: Iterable[Packet], *, growing: bool = False
) -> None:
    """Write all pieces and the packets of the other streams in the order of their times.

    Args:
        sink: The target, open; the caller finishes it.
        pieces: Every piece in order.
        others: The source's packets of all streams but the video, as they are copied.
        growing: True to write what is there and wait for pieces only where they are needed. The
            result is the same.

    Raises:
        OutputError: The target cannot be written, or the pieces do not fit each other.
        Moved: While growing only: everything is to be written again.
    """
    video = _Video(sink, pieces)
    if not growing:
        video.read_all()
    for packet in others:
        time = packet.dts if packet.dts is not None else packet.pts
        if time is not None and packet.time_base:
            video.write_until(time * packet.time_base)
        sink.copy(packet)
    video.write_until(None)


def _do_not_fit(sink: JoinSink, why: str) -> OutputError:
    return OutputError(
        f"{sink.plan.target.locator}: its pieces {why}", hint="`restart` makes all of them here."
    )


class _Video:
    """The frames of all pieces, written as far as the other streams have come."""

    def __init__(self, sink: JoinSink, pieces: Iterable[PieceFile]) -> None:
        self._sink, self._coming = sink, iter(pieces)
        self._known: list[PieceFile] = []
        self._encoders: set[str] = set()
        self._counted = DecodingTimes()
        self._frames, self._done = self._timed(), 0

    @property
    def _times(self) -> list[int]:
        return self._counted.times

    def read_all(self) -> None:
        """Take all pieces, whose decoding times are known from then on."""
        pieces = [*self._coming]
        self._add(pieces)

    def _add(self, pieces: Sequence[PieceFile]) -> None:
        """Take the next pieces and count the decoding times, which follow from all so far."""
        coded = [piece for piece in pieces if piece.head.frames]
        self._known += coded
        self._encoders |= {piece.head.parameters for piece in coded}
        if len(self._encoders) > 1:
            raise _do_not_fit(self._sink, "come from different encoders")
        try:
            stay = self._counted.add([time for piece in coded for time in piece.times])
        except ValueError as error:
            raise _do_not_fit(self._sink, "hold frames of the same time") from error
        if stay < self._done:
            raise Moved

    def _timed(self) -> Iterator[CodedFrame]:
        place = 0
        for piece in self._known:  # which grows meanwhile
            for one in piece:
                yield CodedFrame(one.data, one.pts, self._times[place], one.duration, one.key)
                place += 1

    def _is_known(self) -> bool:
        """Return True if the next frame is none of the last ones; waits for as many pieces."""
        while len(self._times) - self._done <= LAST_FRAMES:
            piece = next(self._coming, None)
            if piece is None:
                return False
            self._add([piece])
        return True

    def write_until(self, time: Fraction | None) -> None:
        """Write what is decoded before ``time``, in seconds; with None all that is left."""
        base = self._sink.plan.time_base
        while self._is_known() and (time is None or self._times[self._done] * base <= time):
            self._sink.write_coded([next(self._frames)])
            self._done += 1
        if time is None:
            self._sink.write_coded([*self._frames], last=True)
