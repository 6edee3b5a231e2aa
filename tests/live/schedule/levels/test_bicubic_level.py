"""Bicubic interpolation as the last level: values, siting, every pixel format."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from vidsr.live.schedule.levels.bicubic_level import BicubicLevel
from vidsr.live.schedule.levels.blank import blank
from vidsr.live.schedule.levels.shape import Shape
from vidsr.picture.color import ColorSpec, Siting, chroma_position
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.quality.baselines import bicubic

COLOR = ColorSpec(matrix=1, range=1)
YUV = VideoFormat(24, 16, PixelFormat("yuv", 8, (2, 2)), COLOR)


def noisy(layout: VideoFormat) -> Frame:
    """A frame of noise, its planes of the depth of their format."""
    made, top = torch.Generator().manual_seed(0), 1 << layout.pixel.depth
    planes = [
        torch.randint(0, top, size, generator=made, dtype=torch.int32).to(layout.pixel.dtype)
        for size in layout.plane_sizes
    ]
    return Frame(tuple(planes), layout, 7, 3600)


@pytest.mark.parametrize("scale", [2, 4])
def test_luma_is_what_the_baseline_gives(scale: int) -> None:
    frame = noisy(YUV)
    large = BicubicLevel(Shape(scale)).upscale(frame)
    expected = bicubic(frame.planes[0][None].float(), scale)[0].round().clamp(0, 255)
    inner = slice(2 * scale, -2 * scale)  # edges are repeated here and left out there
    assert (large.planes[0].float() - expected)[inner, inner].abs().max() <= 1
    assert (large.pts, large.duration) == (7, 3600)


@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
def test_chroma_stays_where_it_is_sited(siting: Siting) -> None:
    """A ramp over the picture is the same ramp in the large one, wherever samples lie."""
    layout = replace(YUV, color=replace(COLOR, siting=siting))
    x0 = chroma_position(2, "x", siting)

    def ramp(width: int, scale: int) -> Tensor:
        places = [((2 * k + x0 + Fraction(1, 2)) / scale) for k in range(width)]
        return torch.tensor([60 + 6 * float(place) for place in places])

    small = ramp(12, 1).round().to(torch.uint8).expand(8, -1)
    frame = Frame((blank(layout).planes[0], small, small), layout)
    large = BicubicLevel(Shape(2)).upscale(frame)
    inner = slice(6, -6)
    assert (large.planes[1][8].float() - ramp(24, 2))[inner].abs().max() <= 1.5


@pytest.mark.parametrize(
    "pixel",
    [
        PixelFormat("yuv", 8, (2, 2)),
        PixelFormat("yuv", 10, (2, 1)),
        PixelFormat("yuv", 16, (1, 1)),
        PixelFormat("gray", 12),
        PixelFormat("rgb", 8),
    ],
    ids=lambda pixel: pixel.name,
)
@pytest.mark.parametrize("shape", [Shape(2), Shape(1), Shape(1, (37, 51))], ids=str)
def test_every_format_and_odd_sizes(pixel: PixelFormat, shape: Shape) -> None:
    color = replace(COLOR, matrix=0, range=2) if pixel.family == "rgb" else COLOR
    frame = noisy(VideoFormat(17, 11, pixel, color))
    large = BicubicLevel(shape).upscale(frame)
    assert large.format == shape(frame.format)
    assert [tuple(plane.shape) for plane in large.planes] == large.format.plane_sizes
    assert all(plane.dtype == pixel.dtype for plane in large.planes)
    if shape == Shape(1) and pixel.family != "rgb":
        for plane, old in zip(large.planes, frame.planes, strict=True):
            assert torch.equal(plane, old)
            assert plane.data_ptr() != old.data_ptr()  # the source's planes go back


def test_rgb_to_what_encoders_take() -> None:
    frame = noisy(VideoFormat(16, 16, PixelFormat("rgb", 8), ColorSpec(matrix=0, range=2)))
    shape = Shape(2, pixel=PixelFormat("yuv", 8, (2, 2)))
    large = BicubicLevel(shape).upscale(frame)
    assert large.format.pixel.name == "yuv420p"
    assert len(large.planes) == 3


def test_warming_gives_a_time() -> None:
    level = BicubicLevel(Shape(2))
    assert 0 < level.warm(YUV) < 5
    assert level.batch_key(YUV) is None
