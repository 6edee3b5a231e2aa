"""Cells that changed: every bit of every sample is seen, and no other cell is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidsr.upscaling.reuse.cells import CELL, any_in_cells, changed_cells

DTYPES = [torch.uint8, torch.uint16, torch.float32]


def noise(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    random = np.random.default_rng(1)
    kind = {torch.uint8: np.uint8, torch.uint16: np.uint16, torch.float32: np.float32}[dtype]
    return torch.from_numpy(random.integers(1, 200, shape).astype(kind))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (8, 8), (17, 33), (64, 64), (3, 21, 30)])
def test_one_sample_is_one_cell(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    random = np.random.default_rng(2)
    old = noise(shape, dtype)
    for _ in range(20):
        new = old.clone()
        place = tuple(int(random.integers(length)) for length in shape)
        new.numpy()[place] += 1
        found = np.argwhere(changed_cells(old, new))
        assert found.tolist() == [[place[-2] // CELL, place[-1] // CELL]]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_equal_has_no_cell(dtype: torch.dtype) -> None:
    old = noise((19, 37), dtype)
    found = changed_cells(old, old.clone())
    assert found.shape == (3, 5)
    assert not found.any()


def test_floats_are_compared_as_bits() -> None:
    old = torch.zeros(8, 9)
    new = old.clone()
    new[0, 0] = new[0, 8] = -0.0
    assert changed_cells(old, new).all()
    nan = torch.full((8, 9), torch.nan)
    assert not changed_cells(nan, nan.clone()).any()


def test_planes_with_padded_rows() -> None:
    padded = noise((24, 64), torch.uint8)
    old = padded[:, :41]
    new = old.clone()
    assert not changed_cells(old, new).any()
    new[23, 40] ^= 1
    assert np.argwhere(changed_cells(old, new)).tolist() == [[2, 5]]


def test_marks_of_subsampled_planes() -> None:
    marks = np.zeros((9, 11), np.bool_)
    marks[8, 10] = marks[0, 3] = True
    assert np.argwhere(any_in_cells(marks, 4, 4)).tolist() == [[0, 0], [2, 2]]
