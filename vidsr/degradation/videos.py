"""Degrading videos frame by frame: sound and timestamps are kept, memory is bounded.

The chain is drawn once for the whole video, and noise and codecs run through it without a break.
Held in memory are the frames inside an encoder (about ten), a few between the stages of the run
and, where pairs are asked for, those pictures that wait for their other half.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from vidsr.degradation.chain import Chain, ChainStream
from vidsr.degradation.files import check_video, codec_name
from vidsr.degradation.pairs import Pairs, frame_name
from vidsr.degradation.stills import Done
from vidsr.errors import InputError, OptionError
from vidsr.notes import Notes
from vidsr.picture.conversion import rgb_to_yuv, yuv_to_rgb
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.size import Size
from vidsr.run.loop import run_to_sink
from vidsr.video.header import StreamHeader
from vidsr.video.items import Item
from vidsr.video.locator import Locator
from vidsr.video.progress import Progress
from vidsr.video.sink.output_options import OutputOptions
from vidsr.video.sink.output_plan import (
    NO_DISPLAY_MATRIX,
    OutputPlan,
    plan_output,
    plan_streams,
)
from vidsr.video.sink.target_file import Target
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.source_kinds import open_source
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
    request = SourceRequest(upright=target.container in NO_DISPLAY_MATRIX)
    name = Locator.of(source_path)
    with open_source(name, request, notes) as source:
        info = source.header.info
        rate = min(info.rate, Fraction(MAX_RATE))
        try:
            stream = chain.open(Size(info.format.width, info.format.height), scale, rate=rate)
        except OptionError as error:
            raise OptionError(f"{source_path}: {error.message}", hint=error.hint) from error
        plan = _plan(source.header, target, stream, options, notes)
        work = _Degrading(name, stream, plan.format, pairs)
        finished = run_to_sink(source, work.through, plan, notes, progress, stage="degrade")
    return Done(finished.written.frames)


def _plan(
    header: StreamHeader,
    target: Target,
    stream: ChainStream,
    options: OutputOptions,
    notes: Notes,
) -> OutputPlan:
    size, layout = stream.lr_size, header.info.format
    streams = plan_streams(header, target, options, notes)
    settings = near_lossless(options, target, layout, size)
    plan = plan_output(header.info, target, streams, size, settings, notes)
    return replace(plan, bitexact=True)  # else Matroska draws its identifiers at random


def near_lossless(
    options: OutputOptions, target: Target, source: VideoFormat, size: Size
) -> OutputOptions:
    """Return ``options`` filled in so that no artefacts come to those made: FFV1 or a low CRF.

    Odd sizes of subsampled formats become 4:4:4, which H.264 can hold.
    """
    if target.container == "image2":
        return options
    codec = codec_name(options, target)
    crf = options.crf
    if crf is None and codec in ("h264", "hevc", "vp9", "av1"):
        crf = NEAR_LOSSLESS_CRF
    across, down = source.pixel.subsampling
    odd = source.pixel.family == "yuv" and (size.width % across or size.height % down)
    full = replace(source.pixel, subsampling=(1, 1)).name
    pix_fmt = full if odd and codec != "ffv1" else options.pix_fmt
    return replace(options, codec=codec, crf=crf, pix_fmt=pix_fmt)


class _Degrading:
    """The work on one video: frames through the chain, each with the times it came with."""

    def __init__(
        self, name: Locator, stream: ChainStream, target: VideoFormat, pairs: Pairs | None
    ) -> None:
        self._name, self._stream, self._target, self._pairs = name, stream, target, pairs
        self._waiting: deque[Frame] = deque()  # frames without planes: their times alone
        self._sizes: list[tuple[int, int]] | None = None
        self._pushed = self._shown = 0

    def through(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield degraded frames as they are ready; packets pass in between."""
        for item in items:
            if isinstance(item, Frame):
                yield from self._ready(self._push(item))
            else:
                yield item
        yield from self._ready(self._stream.finish())

    def _push(self, frame: Frame) -> list[Tensor]:
        sizes = self._sizes = self._sizes or frame.format.plane_sizes
        if frame.format.plane_sizes != sizes:
            raise InputError(f"{self._name}: changes its size at frame {self._pushed}")
        rgb = self._stream.trim(yuv_to_rgb(frame.planes, frame.format))
        if self._pairs is not None and self._pairs.wants(self._pushed):
            self._pairs.hold(frame_name(self._name.path, self._pushed), to_bytes(rgb))
        self._waiting.append(replace(frame, planes=()))
        self._pushed += 1
        return self._stream.push(rgb[None])

    def _ready(self, pictures: list[Tensor]) -> Iterator[Frame]:
        for rgb in pictures:
            if self._pairs is not None:
                self._pairs.match(frame_name(self._name.path, self._shown), to_bytes(rgb[0]))
            times = self._waiting.popleft()
            planes = rgb_to_yuv(rgb[0], self._target)
            self._shown += 1
            yield replace(times, planes=planes, format=self._target)
