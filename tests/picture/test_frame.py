"""Pixel formats and the way of samples into and out of FFmpeg's pictures."""

from __future__ import annotations

import av
import pytest
import torch

from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, to_image, view_planes

PLANAR = [
    *(PixelFormat("yuv", d, s) for d in (8, 10, 12, 16) for s in ((2, 2), (2, 1), (1, 1))),
    *(PixelFormat("gray", d) for d in (8, 10, 12, 16)),
    *(PixelFormat("rgb", d) for d in (8, 10, 12, 16)),
]


@pytest.mark.parametrize(
    ("source", "nearest"),
    [
        ("yuv420p", "yuv420p"),
        ("yuvj420p", "yuv420p"),
        ("nv12", "yuv420p"),
        ("nv16", "yuv422p"),
        ("p010le", "yuv420p10le"),
        ("p016le", "yuv420p16le"),
        ("y210le", "yuv422p10le"),
        ("yuyv422", "yuv422p"),
        ("yuv411p", "yuv422p"),
        ("yuv410p", "yuv420p"),
        ("yuv440p", "yuv444p"),
        ("yuva420p", "yuv420p"),
        ("ayuv64le", "yuv444p16le"),
        ("yuv420p9le", "yuv420p10le"),
        ("yuv420p14le", "yuv420p16le"),
        ("yuv422p12be", "yuv422p12le"),
        ("rgb24", "gbrp"),
        ("rgba", "gbrp"),
        ("rgb565le", "gbrp"),
        ("x2rgb10le", "gbrp10le"),
        ("rgb48be", "gbrp16le"),
        ("gbrapf32le", "gbrp16le"),
        ("pal8", "gbrp"),
        ("bayer_rggb8", "gbrp"),
        ("bayer_rggb16le", "gbrp16le"),
        ("gray", "gray"),
        ("monow", "gray"),
        ("ya8", "gray"),
        ("ya16be", "gray16le"),
        ("gray16be", "gray16le"),
        ("gray9le", "gray10le"),
    ],
)
def test_nearest_holds_all_of_the_source(source: str, nearest: str) -> None:
    assert PixelFormat.nearest(source).name == nearest


@pytest.mark.parametrize("pixel", PLANAR, ids=lambda p: p.name)
def test_ffmpeg_knows_every_format_by_our_name(pixel: PixelFormat) -> None:
    assert av.VideoFormat(pixel.name, 16, 16).name == pixel.name
    assert PixelFormat.nearest(pixel.name) == pixel


def test_chroma_sizes_round_up() -> None:
    assert PixelFormat("yuv", 8, (2, 2)).plane_sizes(5, 3) == [(3, 5), (2, 3), (2, 3)]
    assert PixelFormat("yuv", 8, (2, 1)).plane_sizes(5, 3) == [(3, 5), (3, 3), (3, 3)]
    assert PixelFormat("rgb", 8).plane_sizes(5, 3) == [(3, 5)] * 3
    assert PixelFormat("gray", 8).plane_sizes(5, 3) == [(3, 5)]


def test_frame_bytes() -> None:
    layout = VideoFormat(5, 3, PixelFormat("yuv", 10, (2, 2)), ColorSpec())
    assert layout.frame_bytes == 2 * (15 + 6 + 6)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (37, 23), (64, 16)], ids=str)
@pytest.mark.parametrize("pixel", PLANAR, ids=lambda p: p.name)
def test_planes_survive_the_round_trip(pixel: PixelFormat, size: tuple[int, int]) -> None:
    width, height = size
    layout = VideoFormat(width, height, pixel, ColorSpec(matrix=1, range=1))
    generator = torch.Generator().manual_seed(width)
    planes = tuple(
        torch.randint(0, 2**pixel.depth, s, generator=generator).to(pixel.dtype)
        for s in layout.plane_sizes
    )
    image = to_image(Frame(planes, layout, pts=7))
    assert (image.width, image.height, image.pts) == (width, height, 7)
    for before, after in zip(planes, view_planes(image), strict=True):
        assert after.dtype == before.dtype
        assert torch.equal(after, before)


def test_views_share_memory_and_outlive_the_image() -> None:
    image = av.VideoFrame(33, 9, "yuv420p")
    first, again = view_planes(image), view_planes(image)
    first[1].fill_(201)
    assert first[1].data_ptr() == again[1].data_ptr()
    del image, again
    assert int(first[1].min()) == 201


def test_images_carry_the_colour_tags() -> None:
    color = ColorSpec(matrix=9, primaries=9, transfer=16, range=2)
    layout = VideoFormat(2, 2, PixelFormat("gray", 8), color)
    image = to_image(Frame((torch.zeros(2, 2, dtype=torch.uint8),), layout))
    assert (image.colorspace, image.color_range) == (9, 2)
    assert (image.color_primaries, image.color_trc) == (9, 16)
