"""Products with bands equal those with whole matrices."""

from __future__ import annotations

import pytest
import torch

from vidsr.classical.bands import Bands
from vidsr.classical.captures import capture
from vidsr.picture.size import Size

MATRICES = {
    "bicubic": capture(Size(9, 3), 4, dtype=torch.float64).across,
    "area": capture(Size(9, 3), 3, shrinking="area", dtype=torch.float64).across,
    "moved": capture(Size(9, 3), 2, shift_px=(0, 1.4), blur_px=0.7, dtype=torch.float64).across,
    "every fourth": capture(Size(9, 3), 4, dtype=torch.float64).across[1::4],
    "one row": capture(Size(1, 3), 4, dtype=torch.float64).across,
    "zeros": torch.zeros(3, 12, dtype=torch.float64),
    "full": torch.arange(1.0, 22.0, dtype=torch.float64).reshape(3, 7),
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_bands_multiply_as_their_matrix(matrix: torch.Tensor) -> None:
    bands, draw = Bands.of(matrix), torch.Generator().manual_seed(0)
    x = torch.randn(2, matrix.shape[1], 5, generator=draw, dtype=torch.float64)
    y = torch.randn(2, matrix.shape[0], 5, generator=draw, dtype=torch.float64)
    torch.testing.assert_close(bands.times(x, -2), matrix @ x)
    torch.testing.assert_close(bands.times(x.mT, -1), (matrix @ x).mT)
    torch.testing.assert_close(bands.transposed_times(y, -2), matrix.T @ y)
    torch.testing.assert_close(bands.transposed_times(y.mT, -1), (matrix.T @ y).mT)


def test_bands_are_as_narrow_as_the_kernel() -> None:
    assert len(Bands.of(capture(Size(50, 40), 4).across).weights) == 16


def test_a_capture_of_a_wide_frame_is_made_in_parts() -> None:
    way = capture(Size(200, 1), 4)
    flat = way.forward(torch.full((1, 4, 800), 7.0))
    torch.testing.assert_close(flat, torch.full((1, 1, 200), 7.0))
