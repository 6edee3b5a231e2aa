"""Packed and half-planar pictures to planes; tags, ranges and matrices on the way."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from tests.makers.clips import noise, picture, samples
from vidsr.errors import InputError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.video.filters import FrameFilter
from vidsr.video.pixel_formats import conform, has_alpha, read_format, resolve_matrix

SIZES = [(64, 33), (18, 10), (17, 9), (2, 2), (1, 1)]


def rows(plane: Any, dtype: str = "u1") -> np.ndarray[Any, Any]:
    """A plane's memory, writable, padding included."""
    return np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)


def half_planar(drawn: av.VideoFrame, name: str, dtype: str, shift: int) -> av.VideoFrame:
    image = av.VideoFrame(drawn.width, drawn.height, name)
    luma, blue, red = (plane << shift for plane in samples(drawn))
    rows(image.planes[0], dtype)[:, : drawn.width] = luma
    pairs = rows(image.planes[1], dtype)
    pairs[:, 0 : 2 * blue.shape[1] : 2], pairs[:, 1 : 2 * blue.shape[1] : 2] = blue, red
    return image


def conformed(image: av.VideoFrame) -> av.VideoFrame:
    layout = read_format(image, "h264")
    return conform(image, layout, layout)


def assert_equal(image: av.VideoFrame, drawn: av.VideoFrame) -> None:
    assert image.format.name == drawn.format.name
    for got, wanted in zip(samples(image), samples(drawn), strict=True):
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value_range", [0, 1, 2])
def test_half_planar_keeps_every_sample(size: tuple[int, int], value_range: int) -> None:
    """No range may be converted on the way, whatever the tag; odd widths keep their last column.

    swscale's slice threads overwrote luma of P010 at odd widths.
    """
    kinds = [
        ("nv12", "yuv420p", "u1", 0),
        ("p010le", "yuv420p10le", "<u2", 6),
        ("nv16", "yuv422p", "u1", 0),
        ("nv24", "yuv444p", "u1", 0),
    ]
    for name, planar, dtype, shift in kinds:
        drawn = noise(*size, planar)
        image = half_planar(drawn, name, dtype, shift)
        image.color_range = value_range
        assert_equal(conformed(image), drawn)


@pytest.mark.parametrize(("name", "order"), [("yuyv422", (0, 1, 3)), ("uyvy422", (1, 0, 2))])
@pytest.mark.parametrize("value_range", [0, 1, 2])
def test_packed_422_keeps_every_sample(
    name: str, order: tuple[int, int, int], value_range: int
) -> None:
    for width, height in ((64, 33), (18, 10), (2, 2)):
        drawn = noise(width, height, "yuv422p")
        image = av.VideoFrame(width, height, name)
        luma, blue, red = samples(drawn)
        memory = rows(image.planes[0])
        memory[:, order[0] : 2 * width : 2] = luma
        memory[:, order[1] : 2 * width : 4] = blue
        memory[:, order[2] : 2 * width : 4] = red
        image.color_range = value_range
        assert_equal(conformed(image), drawn)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("rgb24", (1, 2, 0)),
        ("bgr24", (1, 0, 2)),
        ("rgba", (1, 2, 0, None)),
        ("bgra", (1, 0, 2, None)),
        ("argb", (2, 3, 1, None)),
        ("bgr0", (1, 0, 2, None)),
    ],
)
def test_packed_rgb_keeps_every_sample(
    size: tuple[int, int], name: str, places: tuple[int | None, ...]
) -> None:
    width, height = size
    drawn = noise(width, height, "gbrp")
    image = av.VideoFrame(width, height, name)
    memory, step = rows(image.planes[0]), len(places)
    memory[:] = 5
    for plane, place in zip(samples(drawn), places[:3], strict=True):
        memory[:, place : step * width : step] = plane
    assert_equal(conformed(image), drawn)
    assert has_alpha(image) == (name in ("rgba", "bgra", "argb"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "planar", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "yuv420p", "yuv422p10le", "yuv444p12le"]
)
def test_alpha_is_dropped_and_nothing_else(size: tuple[int, int], planar: str) -> None:
    drawn = noise(*size, planar)
    name = planar.replace("gbrp", "gbrap").replace("yuv", "yuva")
    image = av.VideoFrame(*size, name)
    dtype = "u1" if drawn.format.components[0].bits == 8 else "<u2"
    for plane, wanted in zip(image.planes, samples(drawn), strict=False):
        rows(plane, dtype)[:, : wanted.shape[1]] = wanted
    rows(image.planes[3])[:] = 3
    assert_equal(conformed(image), drawn)


@pytest.mark.parametrize("name", ["yuv420p10be", "yuv444p12be", "gray16be", "gbrp10be"])
def test_big_endian_keeps_every_sample(name: str) -> None:
    drawn = noise(17, 9, name.replace("be", "le"))
    image = av.VideoFrame(17, 9, name)
    for plane, wanted in zip(image.planes, samples(drawn), strict=True):
        rows(plane, ">u2")[:, : wanted.shape[1]] = wanted
    assert_equal(conformed(image), drawn)


def test_yuv411p_repeats_no_luma() -> None:
    drawn = picture(64, 48, "yuv411p")
    result = conformed(drawn)
    assert result.format.name == "yuv422p"
    assert np.array_equal(samples(result)[0], samples(drawn)[0])


def test_planar_pictures_pass_untouched() -> None:
    image = noise(17, 9, "yuv420p10le")
    assert conformed(image) is image


def test_a_picture_stored_bottom_up_is_turned_over() -> None:
    """vflip only makes the pitch negative, as some decoders do."""
    drawn = noise(18, 10)
    (flipped,) = FrameFilter((("vflip", ""),), Fraction(1)).push(drawn)
    assert flipped.planes[0].line_size < 0
    for got, wanted in zip(samples(conformed(flipped)), samples(drawn), strict=True):
        assert np.array_equal(got, wanted[::-1])


def test_pts_survive_a_conversion() -> None:
    image = picture(16, 16, "nv12")
    image.pts = 12345
    assert conformed(image).pts == 12345


def test_what_cannot_be_converted_is_an_input_error() -> None:
    image = noise(16, 16)
    layout = read_format(image, "h264")

    class Hardware:
        format, width, pts, planes = image.format, 16, 0, image.planes

        def reformat(self, **_: object) -> None:
            raise ValueError("no such conversion")

    target = VideoFormat(16, 16, PixelFormat("yuv", 10, (2, 2)), layout.color)
    with pytest.raises(InputError, match="yuv420p pictures cannot be converted to yuv420p10le"):
        conform(Hardware(), layout, target)  # type: ignore[arg-type]


# --- tags ------------------------------------------------------------------------------------


def tagged(name: str, matrix: int, value_range: int) -> av.VideoFrame:
    image = av.VideoFrame(16, 16, name)
    image.colorspace, image.color_range = matrix, value_range
    return image


@pytest.mark.parametrize(
    ("name", "codec", "matrix", "value_range", "siting", "full"),
    [
        ("yuv420p", "h264", 1, 1, "left", False),
        ("yuv420p", "h264", 1, 0, "left", False),
        ("yuv420p", "hevc", 9, 1, "topleft", False),
        ("yuvj420p", "mjpeg", 5, 0, "center", True),
        ("yuv420p", "mpeg1video", 6, 1, "center", False),
        ("gbrp", "ffv1", 0, 0, "left", True),
        ("rgb24", "png", 2, 0, "center", True),
        ("gbrp", "ffv1", 0, 1, "left", False),
    ],
)
def test_tags_are_read(
    name: str, codec: str, matrix: int, value_range: int, siting: str, full: bool
) -> None:
    color = read_format(tagged(name, matrix, value_range), codec).color
    assert color.siting == siting
    assert color.full_range == full
    assert color.matrix == (0 if name in ("gbrp", "rgb24") else matrix)


def test_an_rgb_matrix_on_yuv_is_no_matrix() -> None:
    assert read_format(tagged("yuv420p", 0, 1), "h264").color.matrix == 2


@pytest.mark.parametrize(("height", "matrix"), [(719, 6), (720, 1)])
def test_the_stated_policy_for_an_unnamed_matrix(height: int, matrix: int) -> None:
    color = ColorSpec(primaries=9, transfer=16, range=2, siting="center")
    resolved = resolve_matrix(color, height)
    assert resolved.matrix == matrix
    assert (resolved.primaries, resolved.transfer, resolved.range) == (9, 16, 2)
    assert resolved.siting == "center"
    assert resolve_matrix(ColorSpec(matrix=7), height).matrix == 7


def flat(levels: tuple[int, int, int]) -> av.VideoFrame:
    image = av.VideoFrame(32, 32, "yuv444p")
    for plane, level in zip(image.planes, levels, strict=True):
        rows(plane)[:] = level
    return image


def test_a_range_is_converted_by_the_book() -> None:
    full, limited = ColorSpec(matrix=1, range=2), ColorSpec(matrix=1, range=1)
    pixel = PixelFormat("yuv", 8)
    image = conform(
        flat((200, 60, 220)), VideoFormat(32, 32, pixel, full), VideoFormat(32, 32, pixel, limited)
    )
    got = [int(plane[16, 16]) for plane in samples(image)]
    wanted = [16 + 200 * 219 / 255, 128 - 68 * 224 / 255, 128 + 92 * 224 / 255]
    # swscale computes in 15 bits and truncates: within a level.
    assert all(abs(g - w) <= 1.1 for g, w in zip(got, wanted, strict=True))


def test_a_matrix_is_converted_by_the_book() -> None:
    old, new = ColorSpec(matrix=6, range=1), ColorSpec(matrix=1, range=1)
    pixel = PixelFormat("yuv", 8)
    # A red of BT.601 and of BT.709, limited range: H.273's equations rounded.
    image = conform(
        flat((81, 90, 240)), VideoFormat(32, 32, pixel, old), VideoFormat(32, 32, pixel, new)
    )
    got = [int(plane[16, 16]) for plane in samples(image)]
    assert all(abs(g - w) <= 2 for g, w in zip(got, (63, 102, 240), strict=True))


def test_rgb_becomes_yuv_in_the_target_s_matrix() -> None:
    red = av.VideoFrame(32, 32, "rgb24")
    rows(red.planes[0])[:, :96] = np.tile(np.array([255, 0, 0], np.uint8), 32)
    layout = read_format(red, "png")
    pixel = PixelFormat("yuv", 8)
    for matrix, wanted in ((6, (81, 90, 240)), (1, (63, 102, 240))):
        target = VideoFormat(32, 32, pixel, ColorSpec(matrix=matrix, range=1))
        got = [int(plane[16, 16]) for plane in samples(conform(red, layout, target))]
        assert all(abs(g - w) <= 2 for g, w in zip(got, wanted, strict=True))
