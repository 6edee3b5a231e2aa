"""Resizing: what each method computes, and that none of them moves the picture."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from vidsr.degradation.operations.resize import METHODS, resize
from vidsr.errors import OptionError
from vidsr.picture.size import Size


def blob(size: int, sigma: float) -> Tensor:
    """Draw a round spot in the middle, ``[1, 3, size, size]``."""
    place = torch.arange(size) - (size - 1) / 2
    line = torch.exp(-0.5 * (place / sigma) ** 2)
    return (line[:, None] * line[None]).expand(1, 3, size, size).contiguous()


def centroid(x: Tensor) -> tuple[float, float]:
    """(y, x) of the mass, from the middle of the picture, in shares of its size."""
    mass = x.double().mean((0, 1))
    found = []
    for dim in (1, 0):
        line = mass.sum(dim)
        place = (torch.arange(len(line), dtype=torch.float64) + 0.5) / len(line) - 0.5
        found.append(float((line * place).sum() / line.sum()))
    return found[0], found[1]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METHODS), st.integers(17, 90))
def test_nothing_moves(method: str, side: int) -> None:
    """64 -> any size: within 0.06 pixel, which is what unevenly placed nearest samples leave."""
    small = resize(blob(64, 8.0), Size(side, side), method)
    y, x = centroid(small)
    assert abs(y) * 64 < 0.06
    assert abs(x) * 64 < 0.06


def test_bicubic_is_torchs_antialiased() -> None:
    x = torch.rand(1, 3, 24, 36)
    wanted = F.interpolate(x, (6, 9), mode="bicubic", antialias=True)
    assert torch.equal(resize(x, Size(9, 6), "bicubic"), wanted)


@pytest.mark.parametrize(
    ("method", "wanted"),
    [("area", [2.5, 6.5]), ("nearest", [2.5, 6.5])],  # nearest: the mean of the middle two
)
def test_by_hand_an_even_factor(method: str, wanted: list[float]) -> None:
    x = torch.arange(1.0, 9).view(1, 1, 1, 8)
    assert resize(x, Size(2, 1), method)[0, 0, 0].tolist() == wanted


def test_by_hand_odd_factors() -> None:
    x = torch.arange(6.0).view(1, 1, 1, 6)
    assert resize(x, Size(2, 1), "nearest")[0, 0, 0].tolist() == [1, 4]
    assert resize(x, Size(4, 1), "area")[0, 0, 0].tolist() == pytest.approx(
        [1 / 3, 5 / 3, 10 / 3, 14 / 3]
    )
    assert resize(x, Size(12, 1), "nearest")[0, 0, 0].tolist() == [v // 2 for v in range(12)]


def test_area_keeps_the_mean() -> None:
    x = torch.rand(2, 3, 31, 43)
    assert float(resize(x, Size(12, 7), "area").mean()) == pytest.approx(float(x.mean()), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_flat_stays_flat_and_the_same_size_is_the_same(method: str) -> None:
    x = torch.full((1, 3, 13, 21), 0.4)
    assert torch.allclose(resize(x, Size(30, 5), method), torch.tensor(0.4), atol=1e-6)
    assert resize(x, Size(21, 13), method) is x


def test_what_is_refused() -> None:
    with pytest.raises(OptionError, match="lanczos"):
        resize(torch.rand(1, 3, 8, 8), Size(4, 4), "sinc")
    with pytest.raises(OptionError, match="1 or more"):
        resize(torch.rand(1, 3, 8, 8), Size(4, 0))
