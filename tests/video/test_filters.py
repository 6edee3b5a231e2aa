"""One frame in, one frame out: deinterlacing and turning, with times kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers.clips import decode, interlaced_pictures, make_clip, noise, samples
from vidsr.video.filters import (
    DEINTERLACE,
    FrameFilter,
    can_deinterlace,
    swaps_sides,
    top_down,
    upright_filters,
)

BASE = Fraction(1, 90_000)
ONE = 1 << 16


def stamped(image: av.VideoFrame, pts: int) -> av.VideoFrame:
    image.pts, image.time_base = pts, BASE
    return image


def run(chain: FrameFilter, images: list[av.VideoFrame]) -> list[av.VideoFrame]:
    out = [result for image in images for result in chain.push(image)]
    return out + list(chain.flush())


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_deinterlacing_keeps_count_and_odd_times(tmp_path: Path, count: int) -> None:
    """The filter's own clock ticks twice as fast: odd times and tiny gaps must survive."""
    pts = [0, 1, 4, 3003, 3004, 9001, 9003, 90_001, 10**12 + 1][:count]
    clip = make_clip(tmp_path / "a.mkv", pictures=interlaced_pictures(count), interlaced=True)
    images = [stamped(image, t) for image, t in zip(decode(clip.path), pts, strict=True)]
    assert all(image.interlaced_frame for image in images)
    out = run(FrameFilter(DEINTERLACE, BASE), images)
    assert [image.pts for image in out] == pts
    assert not any(image.interlaced_frame for image in out)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p12le", "gray", "gbrp"])
def test_progressive_frames_pass_untouched(pix_fmt: str) -> None:
    images = [stamped(noise(32, 16, pix_fmt, seed=i), i) for i in range(4)]
    out = run(FrameFilter(DEINTERLACE, BASE), images)
    for image, result in zip(images, out, strict=True):
        assert result.format.name == pix_fmt
        assert all(map(np.array_equal, samples(image), samples(result)))


def test_a_new_size_gets_a_new_graph() -> None:
    sizes = [(32, 16), (32, 16), (48, 24), (32, 16)]
    images = [stamped(noise(*size, seed=i), i) for i, size in enumerate(sizes)]
    out = run(FrameFilter(DEINTERLACE, BASE), images)
    assert [(image.width, image.height) for image in out] == sizes
    assert [image.pts for image in out] == [0, 1, 2, 3]


def test_flushing_twice_gives_nothing_more() -> None:
    chain = FrameFilter(DEINTERLACE, BASE)
    assert list(chain.flush()) == []
    assert len(run(chain, [stamped(noise(32, 16), 5)])) == 1
    assert list(chain.flush()) == []
    assert len(run(chain, [stamped(noise(32, 16), 6)])) == 1


@pytest.mark.parametrize(
    ("size", "pix_fmt", "can"),
    [
        ((6, 8), "yuv420p", True),
        ((5, 7), "yuv420p", True),
        ((4, 8), "yuv420p", False),
        ((6, 6), "yuv420p", False),
        ((3, 4), "yuv444p", True),
        ((2, 4), "yuv444p", False),
        ((3, 3), "gray", False),
        ((16, 16), "gray10le", False),
        ((16, 16), "gray16le", True),
    ],
)
def test_what_can_be_deinterlaced(size: tuple[int, int], pix_fmt: str, can: bool) -> None:
    """Asked beforehand, because the filter itself fails, or changes the format in silence."""
    image = stamped(noise(*size, pix_fmt), 0)
    assert can_deinterlace(image) == can
    if can:
        (result,) = run(FrameFilter(DEINTERLACE, BASE), [image])
        assert result.format.name == pix_fmt


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ((ONE, 0, 0, ONE), []),
        ((-ONE, 0, 0, ONE), ["hflip"]),
        ((ONE, 0, 0, -ONE), ["vflip", "copy"]),
        ((-ONE, 0, 0, -ONE), ["hflip", "vflip", "copy"]),
        ((0, ONE, -ONE, 0), ["transpose"]),
        ((0, -ONE, ONE, 0), ["transpose"]),
        ((0, ONE, ONE, 0), ["transpose"]),
        ((0, -ONE, -ONE, 0), ["transpose"]),
    ],
)
def test_quarter_turns_have_filters(numbers: tuple[int, ...], names: list[str]) -> None:
    a, b, c, d = numbers
    filters = upright_filters((a, b, 0, c, d, 0, 0, 0, 1 << 30))
    assert filters is not None
    assert [name for name, _ in filters] == names
    assert swaps_sides(filters) == (names == ["transpose"])
    if filters:
        image = stamped(noise(24, 16), 0)
        (result,) = run(FrameFilter(filters, BASE), [image])
        # A display matrix maps (x, y) to (ax + cy, bx + dy); the origin moves along.
        across, down = np.meshgrid(np.arange(24), np.arange(16))
        x, y = np.sign(a) * across + np.sign(c) * down, np.sign(b) * across + np.sign(d) * down
        expected = np.zeros((16, 24) if names != ["transpose"] else (24, 16), np.uint8)
        expected[y - y.min(), x - x.min()] = samples(image)[0]
        assert np.array_equal(samples(result)[0], expected)
        assert all(plane.line_size > 0 for plane in result.planes)


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (50000, 42000, -42000, 50000), (ONE, 0, 1, ONE)])
def test_other_matrices_have_none(numbers: tuple[int, ...]) -> None:
    a, b, c, d = numbers
    assert upright_filters((a, b, 0, c, d, 0, 0, 0, 1 << 30)) is None


def test_top_down_leaves_ordinary_pictures_alone() -> None:
    image = noise(16, 16)
    assert top_down(image) is image
