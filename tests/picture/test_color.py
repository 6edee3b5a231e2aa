"""Tags, quantisation and matrices against the numbers printed in the standards."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
import torch

from tests.paths import ROOT
from vidsr.kernels.triton_kernels.scalars import ToRgb, ToYuv
from vidsr.picture.color import (
    LUMA_WEIGHTS,
    MATRIX_BT601,
    MATRIX_BT709,
    MATRIX_BT2020,
    MATRIX_RGB,
    RANGE_FULL,
    RANGE_LIMITED,
    ColorSpec,
    Quantization,
    assumed_matrix,
    chroma_position,
)
from vidsr.picture.frame import PixelFormat, VideoFormat


@pytest.mark.parametrize(
    ("depth", "full_range", "expected"),
    [
        (8, False, (16, 219, 128, 224, 255)),
        (10, False, (64, 876, 512, 896, 1023)),
        (12, False, (256, 3504, 2048, 3584, 4095)),
        (16, False, (4096, 56064, 32768, 57344, 65535)),
        (8, True, (0, 255, 128, 255, 255)),
        (10, True, (0, 1023, 512, 1023, 1023)),
    ],
)
def test_quantization_is_that_of_h273(
    depth: int, full_range: bool, expected: tuple[int, ...]
) -> None:
    quant = Quantization.of(depth, full_range=full_range)
    assert expected == (
        quant.luma_offset,
        quant.luma_span,
        quant.chroma_offset,
        quant.chroma_span,
        quant.peak,
    )


def full_range(matrix: int) -> VideoFormat:
    color = ColorSpec(matrix=matrix, range=RANGE_FULL)
    return VideoFormat(16, 16, PixelFormat("yuv", 8), color)


def yuv_to_rgb_matrix(matrix: int) -> torch.Tensor:
    """``[3, 3]`` of what the kernels compute with, for values instead of codes."""
    rows = ToRgb.of(full_range(matrix))
    return torch.tensor([rows.red, rows.green, rows.blue], dtype=torch.float64) * 255


def rgb_to_yuv_matrix(matrix: int) -> torch.Tensor:
    to = ToYuv.of(full_range(matrix))
    luma = torch.tensor([to.kr, to.kg, to.kb], dtype=torch.float64)
    red, _, blue = torch.eye(3, dtype=torch.float64)
    return torch.stack((luma, (blue - luma) * to.cb, (red - luma) * to.cr))


@pytest.mark.parametrize(
    ("matrix", "red_of_cr", "green_of_cb", "green_of_cr", "blue_of_cb"),
    [  # as printed in BT.601, BT.709 and BT.2020 texts, four decimals
        (MATRIX_BT601, 1.4020, -0.3441, -0.7141, 1.7720),
        (MATRIX_BT709, 1.5748, -0.1873, -0.4681, 1.8556),
        (MATRIX_BT2020, 1.4746, -0.1646, -0.5714, 1.8814),
    ],
)
def test_matrices_carry_the_published_coefficients(
    matrix: int, red_of_cr: float, green_of_cb: float, green_of_cr: float, blue_of_cb: float
) -> None:
    got = yuv_to_rgb_matrix(matrix)
    want = [[1, 0, red_of_cr], [1, green_of_cb, green_of_cr], [1, blue_of_cb, 0]]
    assert torch.allclose(got, torch.tensor(want, dtype=torch.float64), atol=5e-5)


@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
def test_matrices_are_inverse_and_keep_grey(matrix: int) -> None:
    forward, back = rgb_to_yuv_matrix(matrix), yuv_to_rgb_matrix(matrix)
    identity = torch.eye(3, dtype=torch.float64)
    assert torch.allclose(forward @ back, identity, rtol=0, atol=1e-14)
    grey = forward @ torch.ones(3, dtype=torch.float64)
    assert torch.allclose(grey, identity[0], rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("siting", "x", "y"),
    [
        ("left", Fraction(0), Fraction(1, 2)),
        ("center", Fraction(1, 2), Fraction(1, 2)),
        ("topleft", Fraction(0), Fraction(0)),
    ],
)
def test_chroma_position(siting: str, x: Fraction, y: Fraction) -> None:
    assert chroma_position(2, "x", siting) == x  # type: ignore[arg-type]
    assert chroma_position(2, "y", siting) == y  # type: ignore[arg-type]
    assert chroma_position(1, "x", siting) == 0  # type: ignore[arg-type]
    assert chroma_position(1, "y", siting) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("matrix", "range_", "full"),
    [
        (MATRIX_BT709, 0, False),
        (MATRIX_BT709, RANGE_LIMITED, False),
        (MATRIX_BT709, RANGE_FULL, True),
        (MATRIX_RGB, 0, True),
        (MATRIX_RGB, RANGE_FULL, True),
        (MATRIX_RGB, RANGE_LIMITED, False),
    ],
)
def test_a_range_that_is_named_wins(matrix: int, range_: int, full: bool) -> None:
    assert ColorSpec(matrix=matrix, range=range_).full_range is full


def test_describe_names_what_matters() -> None:
    hdr = ColorSpec(matrix=9, primaries=9, transfer=16, range=RANGE_LIMITED, siting="topleft")
    assert hdr.describe() == "BT.2020 limited PQ"
    assert ColorSpec(matrix=MATRIX_BT709, range=RANGE_FULL).describe() == "BT.709 full"
    assert ColorSpec(matrix=77).describe() == "matrix 77 limited"


def test_assumed_matrix_changes_at_720_lines() -> None:
    assert assumed_matrix(719) == MATRIX_BT601
    assert assumed_matrix(720) == MATRIX_BT709


def test_matrices_without_kr_and_kb_have_no_luma_weights() -> None:
    for matrix in (0, 2, 8, 14):
        with pytest.raises(KeyError):
            _ = ColorSpec(matrix=matrix).luma_weights


def test_nothing_but_the_standard_library_is_imported() -> None:
    code = "import sys, vidsr.picture.color; print({'torch', 'numpy', 'av'} & set(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"
