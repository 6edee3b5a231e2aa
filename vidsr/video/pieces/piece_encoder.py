"""The encoder of one piece: frames in, coded frames out, with no container around them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from pathlib import Path

import av

from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.close_codecs import writing
from vidsr.video.pieces.frame_log import Making
from vidsr.video.pieces.piece_file import CodedFrame, PieceHead, Spool, write_piece
from vidsr.video.sink.encoder_images import encoder_image
from vidsr.video.sink.output_plan import OutputPlan, configure_encoder
from vidsr.video.streams.captions import HeldCaptions
from vidsr.video.streams.copies import MUX_ERRORS

# x264 and libvpx write other bits with other numbers of threads, and a run may go on on another
# machine. With 4, x264 keeps two to six cores busy beside the network.
THREADS = "4"
_PINNED = ("h264", "vp9")
# x264 chooses other arithmetic on other CPUs, and some of it (macroblock tree, pictures of few
# macroblocks) differs from run to run: of six runs on 96x64 up to six differed, with this none.
# x265 writes its settings, threads among them, into the stream's head.
_FIXED = {"h264": ("x264-params", "cpu-independent=1"), "hevc": ("x265-params", "info=0")}


def pinned(options: dict[str, str], codec: str) -> dict[str, str]:
    """Return an encoder's options with everything fixed that would follow from the machine."""
    fixed = dict(options)
    if codec in _PINNED:
        fixed.setdefault("threads", THREADS)
    if codec in _FIXED:
        name, setting = _FIXED[codec]
        fixed[name] = ":".join(filter(None, (fixed.get(name), setting)))
    return fixed


class PieceEncoder:
    """One piece while it grows. Raises one of MUX_ERRORS. Not thread-safe.

    Args:
        piece: Its number.
        plan: The target.
        notes: What collects losses.
        path: The name of the piece's file.
    """

    def __init__(self, piece: int, plan: OutputPlan, notes: Notes, path: Path) -> None:
        self.piece, self.plan = piece, plan
        self._path, self._frames = path, Spool(path.parent)
        self._durations: dict[int, int] = {}
        self._captions = HeldCaptions(plan.codec.name, plan.codec.bitstream, notes)
        self._begin_s = time.monotonic()
        # A container is there for the flags that it asks of encoders; nothing is muxed into it.
        self._container = av.open(io.BytesIO(), "w", format=plan.target.container)
        self._stream = configure_encoder(self._container, plan)
        self._container.start_encoding()

    def encode(self, frame: Frame) -> None:
        """Encode one frame and release it."""
        image = encoder_image(frame, self.plan)
        image.pts, image.time_base = frame.pts, self.plan.time_base
        if frame.pts is not None and frame.duration is not None:
            self._durations[frame.pts] = frame.duration
        if frame.captions:
            self._captions.keep(frame.pts, frame.captions)
        self._take(image)

    def finish(self, making: Making) -> PieceHead:
        """Drain the encoder, keep the piece, and return its head; to be closed then."""
        self._take(None)
        parameters = bytes(self._stream.codec_context.extradata or b"")
        self._close_container()
        times = self._frames.times
        head = PieceHead(
            piece=self.piece,
            frames=len(times),
            data_bytes=self._frames.data_bytes,
            first_pts=min(times, default=None),
            last_pts=max(times, default=None),
            parameters=hashlib.sha256(parameters).hexdigest(),
            precision=making.precision,
            engine=making.engine,
            elapsed_s=time.monotonic() - self._begin_s,
            origin=making.origin,
        )
        write_piece(self._path, head, self._frames)
        return head

    def _take(self, image: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(image):
            assert packet.pts is not None
            duration = self._durations.pop(packet.pts, packet.duration or 0)
            dts = packet.pts if packet.dts is None else packet.dts
            key = packet.is_keyframe
            data = self._captions.put_into(packet)
            data = bytes(packet) if data is None else data
            self._frames.append(CodedFrame(data, packet.pts, dts, duration, key))

    def close(self) -> None:
        """Give the encoder up, with what is in it. May be called twice."""
        self._close_container()
        self._frames.close()

    def _close_container(self) -> None:
        with contextlib.suppress(*MUX_ERRORS), writing(self._container):
            pass
