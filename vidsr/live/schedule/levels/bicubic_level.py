"""The last level: bicubic interpolation of every plane, for which there is always time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.live.base.options import BICUBIC
from vidsr.live.schedule.levels.blank import blank
from vidsr.picture import conversion
from vidsr.picture.chroma import (
    chroma_planes,
    components,
    join,
    keeps_matrix,
    with_weights,
)
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.resample import resample
from vidsr.picture.size import Size

SIDE_BY_SIDE = 64  # keeps nothing from frame to frame


class BicubicLevel:
    """Bicubic interpolation of luma and chroma, each where it is sited, on the CPU.

    Args:
        target: Function from a source's format to that of the frames that come out.
    """

    name = BICUBIC
    side_by_side = SIDE_BY_SIDE

    def __init__(self, target: Callable[[VideoFormat], VideoFormat]) -> None:
        self._target = target

    def warm(self, source: VideoFormat) -> float:
        """Upscale a grey frame twice; return the seconds of the second time."""
        frame = blank(source)
        self.upscale(frame)
        began_s = time.monotonic()
        self.upscale(frame)
        return time.monotonic() - began_s

    def upscale(self, frame: Frame) -> Frame:
        """Return the large frame."""
        target = self._target(frame.format)
        with torch.inference_mode():
            planes = interpolate(frame, target)
        return Frame(planes, target, frame.pts, frame.duration)

    def batch_key(self, source: VideoFormat) -> Hashable:
        """Return None: interpolation on a CPU gains nothing by batches."""
        return None

    def upscale_batch(self, frames: Sequence[Frame], size: int) -> list[Frame]:
        """Upscale frames one by one."""
        return [self.upscale(frame) for frame in frames]

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def interpolate(frame: Frame, target: VideoFormat) -> tuple[Tensor, ...]:
    """Return the planes of ``frame``, interpolated to ``target``."""
    parts = components(frame)
    luma = _resized(parts.luma, target)
    if not keeps_matrix(frame.format, target):
        return conversion.rgb_to_yuv(join(luma, parts, target), with_weights(target))
    quant = conversion.quantization(target)
    plane = conversion.quantize_luma(luma, quant, target.pixel.dtype)
    if target.pixel.family == "gray":
        return (plane,)
    return (plane, *chroma_planes(parts, target, quant))


def _resized(luma: Tensor, target: VideoFormat) -> Tensor:
    step = (Fraction(luma.shape[0], target.height), Fraction(luma.shape[1], target.width))
    size = Size(target.width, target.height)
    origin = ((step[0] - 1) / 2, (step[1] - 1) / 2)
    return resample(luma[None, None], size, step=step, origin=origin)[0, 0]
