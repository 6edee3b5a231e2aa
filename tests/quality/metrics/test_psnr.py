"""PSNR and luma against values worked out elsewhere."""

from __future__ import annotations

import math

import pytest
import torch

from vidsr.quality.metrics.psnr import luma_601, psnr_db


def flat(value: float, size: tuple[int, int] = (8, 8)) -> torch.Tensor:
    return torch.full(size, value)


@pytest.mark.parametrize(
    ("difference", "expected_db"),
    [(1, 48.1308036), (2, 42.1102037), (16, 24.0484044), (255, 0.0)],
)
def test_psnr_of_a_constant_difference(difference: int, expected_db: float) -> None:
    assert psnr_db(flat(0), flat(difference)) == pytest.approx(expected_db, abs=1e-6)


def test_psnr_of_equal_planes_is_infinite() -> None:
    assert psnr_db(flat(7), flat(7)) == math.inf


def test_psnr_does_not_wrap_around_in_uint8() -> None:
    a, b = flat(3).to(torch.uint8), flat(5).to(torch.uint8)
    assert psnr_db(a, b) == psnr_db(b, a) == pytest.approx(42.1102037, abs=1e-6)


def test_peak_sets_the_scale() -> None:
    assert psnr_db(flat(0), flat(0.1), peak=1.0) == pytest.approx(20.0, abs=1e-5)


def test_border_leaves_out_the_edge() -> None:
    a, b = flat(10), flat(10)
    b[0], b[:, -1] = 200, 200
    assert psnr_db(a, b) < 20
    assert psnr_db(a, b, border=1) == math.inf


def test_sizes_must_be_equal() -> None:
    with pytest.raises(ValueError, match=r"expected equal shapes, got \(8, 8\) and \(8, 9\)"):
        psnr_db(flat(0), flat(0, (8, 9)))


@pytest.mark.parametrize("border", [-1, 4, 100])
def test_border_must_leave_something(border: int) -> None:
    with pytest.raises(ValueError, match=f"border = {border} leaves nothing of 8x8"):
        psnr_db(flat(0), flat(0), border=border)


# MATLAB: rgb2ycbcr(uint8(reshape([r g b], 1, 1, 3)))(1)
@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 81),
        ((0, 255, 0), 145),
        ((0, 0, 255), 41),
        ((128, 128, 128), 126),
        ((255, 255, 0), 210),
    ],
)
def test_luma_is_matlabs(rgb: tuple[int, int, int], expected: int) -> None:
    pixel = torch.tensor(rgb, dtype=torch.uint8).view(3, 1, 1)
    assert luma_601(pixel).item() == expected


def test_luma_of_floats_is_not_rounded() -> None:
    pixel = torch.tensor([255.0, 0.0, 0.0]).view(3, 1, 1)
    assert luma_601(pixel).item() == pytest.approx(16 + 65.481)


def test_luma_keeps_leading_dimensions() -> None:
    assert luma_601(torch.zeros(2, 5, 3, 4, 6)).shape == (2, 5, 4, 6)
