"""Degrading videos frame by frame: sound and timestamps are kept, memory is bounded.

The chain is drawn once for the whole video, and noise and codecs run through it without a break.
Held in memory are the frames inside an encoder (about ten) and, where pairs are asked for, those
pictures that wait for their other half.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from av.container import Flags
from torch import Tensor

from vidsr.degradation.chain import Chain, ChainStream
from vidsr.degradation.files import check_video, codec_name
from vidsr.degradation.pairs import Pairs
from vidsr.degradation.stills import Done
from vidsr.errors import InputError, OptionError
from vidsr.notes import Notes
from vidsr.picture.conversion import rgb_to_yuv, yuv_to_rgb
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.video.progress import Progress
from vidsr.video.sink.file_sink import Sink
from vidsr.video.sink.output_options import OutputOptions
from vidsr.video.sink.output_plan import (
    NO_DISPLAY_MATRIX,
    OutputPlan,
    plan_output,
    plan_streams,
)
from vidsr.video.sink.target_file import Target
from vidsr.video.source.file_source import Source
from vidsr.video.still_images import to_bytes

NEAR_LOSSLESS_CRF = 8
MAX_RATE = 240  # frames a second told to codecs; beyond, the container's rate is made up


def degrade_video(
    source_path: Path,
    target_path: Path,
    chain: Chain,
    *,
    scale: int,
    options: OutputOptions,
    pairs: Pairs | None = None,
    notes: Notes,
    progress: Progress | None = None,
) -> Done:
    """Run ``chain`` over a video. The target appears when it is whole. Raises a VidsrError."""
    target = check_video(source_path, target_path, options)
    upright = target.container in NO_DISPLAY_MATRIX
    with Source(source_path, upright=upright, notes=notes) as source:
        info = source.info
        rate = min(info.rate, Fraction(MAX_RATE))
        try:
            stream = chain.open((info.format.height, info.format.width), scale, rate=rate)
        except OptionError as error:
            raise OptionError(f"{source_path}: {error.message}", hint=error.hint) from error
        streams = plan_streams(source, target, options, notes)
        height, width = stream.lr_size
        settings = near_lossless(options, target, info.format, (width, height))
        plan = plan_output(info, target, streams, (width, height), settings, notes)
        return _Run(source, stream, plan, pairs, notes, progress).run()


def near_lossless(
    options: OutputOptions, target: Target, source: VideoFormat, size: tuple[int, int]
) -> OutputOptions:
    """``options`` filled in so that no artefacts come to those made: FFV1 or a low CRF.

    Odd sizes (width, height) of subsampled formats become 4:4:4, which H.264 can hold.
    """
    if target.container == "image2":
        return options
    codec = codec_name(options, target)
    crf = options.crf
    if crf is None and codec in ("h264", "hevc", "vp9", "av1"):
        crf = NEAR_LOSSLESS_CRF
    across, down = source.pixel.subsampling
    odd = source.pixel.family == "yuv" and (size[0] % across or size[1] % down)
    full = replace(source.pixel, subsampling=(1, 1)).name
    pix_fmt = full if odd and codec != "ffv1" else options.pix_fmt
    return replace(options, codec=codec, crf=crf, pix_fmt=pix_fmt)


class _Run:
    """One video on its way."""

    def __init__(
        self,
        source: Source,
        stream: ChainStream,
        plan: OutputPlan,
        pairs: Pairs | None,
        notes: Notes,
        progress: Progress | None,
    ) -> None:
        self._source, self._stream, self._plan = source, stream, plan
        self._pairs, self._progress = pairs, progress
        self._sink = Sink(plan, source, notes)
        # Else Matroska draws its identifiers at random. Read with the header, at the first packet.
        self._sink.container.flags |= Flags.bitexact.value  # type: ignore[operator]
        self._waiting: deque[Frame] = deque()  # frames without planes: their times alone
        self._pushed = self._shown = 0

    def run(self) -> Done:
        try:
            if self._progress is not None:
                self._progress.start(self._source.info)
            for item in self._source:
                if isinstance(item, Frame):
                    self._push(item)
                else:
                    self._sink.copy(item)
            self._write(self._stream.finish())
            self._sink.finish()
        except BaseException:  # Ctrl-C too: nothing unfinished may stay
            self._sink.abort()
            raise
        finally:
            if self._progress is not None:
                self._progress.close()
        return Done(self._shown)

    def _push(self, frame: Frame) -> None:
        if frame.format.plane_sizes != self._source.info.format.plane_sizes:
            raise InputError(f"{self._source.path}: changes its size at frame {self._pushed}")
        rgb = self._stream.trim(yuv_to_rgb(frame.planes, frame.format))
        if self._pairs is not None and self._pairs.wants(self._pushed):
            self._pairs.hold(f"{self._pushed:06d}", to_bytes(rgb))
        self._waiting.append(replace(frame, planes=()))
        self._pushed += 1
        self._write(self._stream.push(rgb[None]))

    def _write(self, pictures: list[Tensor]) -> None:
        layout = self._plan.format
        for rgb in pictures:
            if self._pairs is not None:
                self._pairs.match(f"{self._shown:06d}", to_bytes(rgb[0]))
            times = self._waiting.popleft()
            planes = rgb_to_yuv(rgb[0], layout)
            self._sink.write(replace(times, planes=planes, format=layout))
            self._shown += 1
            if self._progress is not None:
                self._progress.frame(self._shown, self._sink.bytes_written)
