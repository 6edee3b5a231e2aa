"""Reconstruction of one frame by name, and as a baseline of evaluations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.classical import captures
from vidsr.classical.methods import METHODS, reconstruct
from vidsr.quality import baselines, request
from vidsr.quality.baselines import BASELINES, bicubic, shrink
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.reconstruction import burst

ALL = pytest.mark.parametrize("name", METHODS)
# Gains over bicubic that are at least there, in dB, on the drawing below.
GAINS_DB = {"ibp": 0.5, "pocs": 0.5, "map-huber": 0.5, "map-tv": 0.5}


@pytest.fixture(scope="module")
def original() -> Tensor:
    return photograph(1, 96, 128)


@ALL
def test_a_reconstruction_is_nearer_to_the_original_than_bicubic(
    name: str, original: Tensor
) -> None:
    small = shrink(original, 4)
    truth = luma_601(original)
    ours, plain = (
        psnr_db(luma_601(large), truth, border=4)
        for large in (BASELINES[name](small, 4), bicubic(small, 4))
    )
    assert ours - plain > GAINS_DB[name]


@ALL
def test_the_reconstruction_gives_the_small_picture_again(name: str, original: Tensor) -> None:
    small = shrink(original, 4)
    again = shrink(reconstruct(small, 4, name).double(), 4)
    off = float((again - small).square().mean().sqrt())
    plain = float((shrink(bicubic(small, 4).double(), 4) - small).square().mean().sqrt())
    assert off < plain / 2


@ALL
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize(("height", "width", "scale"), [(1, 1, 2), (1, 7, 4), (9, 5, 3)])
def test_shapes_types_and_constants(
    name: str, dtype: torch.dtype, height: int, width: int, scale: int
) -> None:
    flat = torch.full((3, height, width), 200, dtype=dtype)
    large = reconstruct(flat, scale, name)
    assert (large.shape, large.dtype) == ((3, height * scale, width * scale), dtype)
    torch.testing.assert_close(large, torch.full_like(large, 200), rtol=0, atol=1e-2)


@ALL
def test_ten_bits_are_reconstructed_as_eight(name: str, original: Tensor) -> None:
    small = shrink(original[:1, :32, :32], 2).float()
    small[0, 0, 0] = 255
    deep = reconstruct(small * (1023 / 255), 2, name)
    torch.testing.assert_close(deep * (255 / 1023), reconstruct(small, 2, name), rtol=0, atol=0.02)


def test_names_agree_wherever_they_stand() -> None:
    assert tuple(BASELINES) == request.BASELINES
    assert tuple(baselines.FILTERS) == request.FILTERS
    assert tuple(METHODS) == burst.METHODS
    assert set(captures.SHRINKINGS) == set(burst.SHRINKINGS)
