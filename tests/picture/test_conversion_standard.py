"""The reference conversion against the standard written out in float64 NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidsr.picture.color import ColorSpec, Siting
from vidsr.picture.conversion import rgb_to_yuv, yuv_to_rgb
from vidsr.picture.frame import PixelFormat, VideoFormat

Array = NDArray[np.float64]
WEIGHTS = {6: (0.299, 0.114), 1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}
SIZES = ((1, 1), (2, 3), (37, 23), (16, 10))  # width, height

every_case = pytest.mark.parametrize(
    ("matrix", "full", "depth", "subsampling", "siting"),
    list(
        itertools.product(
            WEIGHTS,
            (False, True),
            (8, 10, 12),
            ((2, 2), (2, 1), (1, 1)),
            ("left", "center", "topleft"),
        )
    ),
)


def layout(
    width: int,
    height: int,
    *,
    matrix: int,
    full: bool,
    depth: int,
    subsampling: tuple[int, int],
    siting: Siting,
) -> VideoFormat:
    color = ColorSpec(matrix=matrix, range=2 if full else 1, siting=siting)
    return VideoFormat(width, height, PixelFormat("yuv", depth, subsampling), color)


# ---- the standard, in float64; nothing here comes from vidsr ------------------------------------


def scaling(depth: int, full: bool) -> tuple[float, float, float, float]:
    """Luma offset and span, chroma offset and span."""
    if full:
        return 0, 2**depth - 1, 2 ** (depth - 1), 2**depth - 1
    unit = 2 ** (depth - 8)
    return 16 * unit, 219 * unit, 128 * unit, 224 * unit


def positions(siting: Siting) -> tuple[float, float]:
    """Return where chroma sample 0 lies across and down, in luma samples, if subsampled by two."""
    return {"left": (0.0, 0.5), "center": (0.5, 0.5), "topleft": (0.0, 0.0)}[siting]


def interpolated(plane: Array, size: int, factor: int, position: float, axis: int) -> Array:
    """Bilinear: luma sample X reads chroma coordinate (X - position) / factor."""
    if factor == 1:
        return plane
    last = plane.shape[axis] - 1
    columns = []
    for x in range(size):
        coordinate = (x - position) / factor
        low = int(np.floor(coordinate))
        share = coordinate - low
        before = plane.take(min(max(low, 0), last), axis)
        after = plane.take(min(max(low + 1, 0), last), axis)
        columns.append((1 - share) * before + share * after)
    return np.stack(columns, axis)


def filtered(plane: Array, factor: int, position: float, axis: int) -> Array:
    """[1 2 1]/4 on a sample, [1 1]/2 between two."""
    if factor == 1:
        return plane
    last = plane.shape[axis] - 1
    columns = []
    for x in range(0, last + 1, 2):
        here, after = plane.take(x, axis), plane.take(min(x + 1, last), axis)
        before = plane.take(max(x - 1, 0), axis)
        columns.append((before + 2 * here + after) / 4 if position == 0 else (here + after) / 2)
    return np.stack(columns, axis)


def standard_rgb(planes: list[Array], form: VideoFormat) -> Array:
    kr, kb = WEIGHTS[form.color.matrix]
    y0, ys, c0, cs = scaling(form.pixel.depth, form.color.range == 2)
    px, py = positions(form.color.siting)
    across, down = form.pixel.subsampling
    luma = (planes[0] - y0) / ys
    cb, cr = (
        interpolated(
            interpolated((p - c0) / cs, form.height, down, py, 0), form.width, across, px, 1
        )
        for p in planes[1:]
    )
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack((red, green, blue)), 0, 1)


def standard_yuv(rgb: Array, form: VideoFormat) -> list[Array]:
    kr, kb = WEIGHTS[form.color.matrix]
    y0, ys, c0, cs = scaling(form.pixel.depth, form.color.range == 2)
    px, py = positions(form.color.siting)
    across, down = form.pixel.subsampling
    red, green, blue = np.clip(rgb, 0, 1)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (
        filtered(filtered(c, across, px, 1), down, py, 0)
        for c in ((blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr)))
    )
    levels = (y0 + ys * luma, c0 + cs * cb, c0 + cs * cr)
    return [np.clip(np.floor(v + 0.5), 0, 2**form.pixel.depth - 1) for v in levels]


def assert_close_levels(pairs: list[tuple[Array, Array]]) -> None:
    """float32 rounds to another level only when the value is within 1e-3 of a half: <= 1 level."""
    difference = np.concatenate([np.abs(a - b).ravel() for a, b in pairs])
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < 0.005 * difference.size


def numpy_of(plane: Tensor) -> Array:
    return plane.to(torch.float64).numpy()


# ---- against the standard -----------------------------------------------------------------------


@every_case
def test_yuv_to_rgb_is_the_standard(
    matrix: int, full: bool, depth: int, subsampling: tuple[int, int], siting: Siting
) -> None:
    random = np.random.default_rng(depth)
    pairs: list[tuple[Array, Array]] = []
    for width, height in SIZES:
        form = layout(
            width, height, matrix=matrix, full=full, depth=depth,
            subsampling=subsampling, siting=siting,
        )  # fmt: skip
        codes = [random.integers(0, 2**depth, size).astype(float) for size in form.plane_sizes]
        planes = [torch.from_numpy(c).to(form.pixel.dtype) for c in codes]
        got = numpy_of(yuv_to_rgb(planes, form))
        pairs.append((np.floor(got * 255 + 0.5), np.floor(standard_rgb(codes, form) * 255 + 0.5)))
    assert_close_levels(pairs)


@every_case
def test_rgb_to_yuv_is_the_standard(
    matrix: int, full: bool, depth: int, subsampling: tuple[int, int], siting: Siting
) -> None:
    random = np.random.default_rng(depth)
    pairs: list[tuple[Array, Array]] = []
    for width, height in SIZES:
        form = layout(
            width, height, matrix=matrix, full=full, depth=depth,
            subsampling=subsampling, siting=siting,
        )  # fmt: skip
        rgb = torch.from_numpy(random.uniform(-0.2, 1.2, (3, height, width))).float()
        kept = rgb.clone()
        got = rgb_to_yuv(rgb, form)
        assert torch.equal(rgb, kept), "the input was written to"
        assert all(plane.dtype == form.pixel.dtype for plane in got)
        pairs += zip(map(numpy_of, got), standard_yuv(numpy_of(rgb), form), strict=True)
    assert_close_levels(pairs)
