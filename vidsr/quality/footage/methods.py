"""Methods that upscale a clip as the command does: from the file on, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vidsr.picture import conversion
from vidsr.picture.chroma import chroma_planes, components
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.quality.footage.originals import Clip, frames_of, open_clip
from vidsr.video.items import Discontinuity

if TYPE_CHECKING:
    from vidsr.upscaling.upscaler import Upscaler

Filter = Callable[[Tensor, int], Tensor]  # [C, h, w] and a scale to [C, h * scale, w * scale]


@dataclass(frozen=True)
class ClipMethod:
    """Way to upscale a clip, and the name of its column; frames may be lent, see ``Frame``."""

    name: str
    upscale: Callable[[Clip], Iterator[Frame]]


def clip_filters(filters: Mapping[str, Filter], scale: int) -> list[ClipMethod]:
    """Return plain upscaling, by the name of each filter."""
    return [ClipMethod(name, _filtered(each, scale)) for name, each in filters.items()]


def clip_models(upscalers: Mapping[str, Upscaler]) -> list[ClipMethod]:
    """Return models, each as the stream of its upscaler."""
    return [ClipMethod(name, _streamed(upscaler)) for name, upscaler in upscalers.items()]


def _streamed(upscaler: Upscaler) -> Callable[[Clip], Iterator[Frame]]:
    def upscale(clip: Clip) -> Iterator[Frame]:
        with open_clip(clip) as source:
            results = upscaler.stream(
                _first_frames(source, clip.frames),
                ends=lambda item: isinstance(item, Discontinuity),
            )
            for item in results:
                if isinstance(item, Frame):
                    yield item

    return upscale


def _first_frames(items: Iterable[object], count: int | None) -> Iterator[object]:
    """Yield all items up to a number of frames."""
    frames = 0
    for item in items:
        yield item
        frames += isinstance(item, Frame)
        if frames == count:
            return


def _filtered(plain: Filter, scale: int) -> Callable[[Clip], Iterator[Frame]]:
    def upscale(clip: Clip) -> Iterator[Frame]:
        for frame in frames_of(clip):
            yield _enlarge(frame, plain, scale)

    return upscale


def _enlarge(frame: Frame, plain: Filter, scale: int) -> Frame:
    """Upscale luma (or RGB) by a plain filter, and chroma by bicubic as luma networks have it."""
    source = frame.format
    target = replace(source, width=source.width * scale, height=source.height * scale)
    filtered = frame.planes if source.pixel.family == "rgb" else frame.planes[:1]
    planes = [_filter(plane, plain, scale, target) for plane in filtered]
    if source.pixel.family == "yuv":
        planes += chroma_planes(components(frame), target, conversion.quantization(target))
    return replace(frame, planes=tuple(planes), format=target)


def _filter(plane: Tensor, plain: Filter, scale: int, target: VideoFormat) -> Tensor:
    if plane.dtype == torch.uint8:
        return plain(plane[None], scale)[0]
    peak = 2**target.pixel.depth - 1
    large = plain(plane[None].float(), scale)[0]
    return large.round().clamp(0, peak).to(plane.dtype)
