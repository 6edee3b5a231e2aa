"""Tags, quantisation and matrices against the numbers printed in the standards."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from vidsr.color import (
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
    rgb_to_yuv_matrix,
    yuv_to_rgb_matrix,
)


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
    got = yuv_to_rgb_matrix(*LUMA_WEIGHTS[matrix])
    want = [[1, 0, red_of_cr], [1, green_of_cb, green_of_cr], [1, blue_of_cb, 0]]
    assert torch.allclose(got, torch.tensor(want, dtype=torch.float64), atol=5e-5)


@pytest.mark.parametrize("weights", sorted(set(LUMA_WEIGHTS.values())))
def test_matrices_are_inverse_and_keep_grey(weights: tuple[float, float]) -> None:
    forward, back = rgb_to_yuv_matrix(*weights), yuv_to_rgb_matrix(*weights)
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
