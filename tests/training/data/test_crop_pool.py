"""Crops cut from pictures that lie in one piece of memory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidsr.errors import InputError
from vidsr.training.data.crop_pool import CropPool, TrainingPair, luma, to_luma


def pair(height: int, width: int, scale: int, seed: int = 0, channels: int = 3) -> TrainingPair:
    """LR samples that are known, each repeated ``scale`` x ``scale`` in HR."""
    generator = torch.Generator().manual_seed(seed)
    low = torch.randint(0, 256, (channels, height, width), generator=generator, dtype=torch.uint8)
    return TrainingPair(low, low.repeat_interleave(scale, 1).repeat_interleave(scale, 2))


def turned(crop: Tensor, turn: int) -> Tensor:
    """Turn a crop as a draw of ``turn`` means: out[i, j] = crop[a, b]."""
    if turn // 2 % 2:
        crop = crop.flip(-2)
    if turn // 4:
        crop = crop.flip(-1)
    return crop.transpose(-2, -1) if turn % 2 else crop


@given(st.sampled_from([1, 2, 4]), st.sampled_from([1, 3]), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_low_and_high_are_the_same_place(scale: int, channels: int, seed: int) -> None:
    pairs = [pair(9, 17, scale, 1, channels), pair(23, 8, scale, 2, channels)]
    pool = CropPool(pairs, scale=scale, crop=8, device="cpu")
    low, high = pool.cut(pool.draw(6, seed, 3))
    assert low.shape == (6, channels, 8, 8)
    assert high.shape == (6, channels, 8 * scale, 8 * scale)
    assert torch.equal(high, low.repeat_interleave(scale, 2).repeat_interleave(scale, 3))


def test_crops_are_what_the_draw_says() -> None:
    pairs = [pair(20, 12, 2, 1), pair(11, 30, 2, 2)]
    pool = CropPool(pairs, scale=2, crop=8)
    draws = pool.draw(32, 5, 0)
    low, _ = pool.cut(draws)
    for crop, candidates in zip(low, draws, strict=True):
        options = []
        for picture, top, left, turn in candidates.tolist():
            plane = pairs[picture].low[:, top : top + 8, left : left + 8]
            assert plane.shape == (3, 8, 8)
            options.append(turned(plane, turn).float() / 255)
        best = max(options, key=lambda p: float(p.std()))
        assert torch.equal(crop, best)


def test_all_turns_and_places_come_up() -> None:
    pool = CropPool([pair(10, 11, 2)], scale=2, crop=8)
    draws = torch.cat([pool.draw(64, 0, step) for step in range(20)]).view(-1, 4)
    assert set(draws[:, 3].tolist()) == set(range(8))
    assert set(draws[:, 1].tolist()) == {0, 1, 2}
    assert set(draws[:, 2].tolist()) == {0, 1, 2, 3}


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    pool = CropPool([pair(40, 40, 2)], scale=2, crop=8)
    again = CropPool([pair(40, 40, 2)], scale=2, crop=8)
    again.draw(4, 9, 9)
    assert torch.equal(pool.draw(4, 1, 7), again.draw(4, 1, 7))
    assert not torch.equal(pool.draw(4, 1, 7), pool.draw(4, 1, 8))
    assert not torch.equal(pool.draw(4, 1, 7), pool.draw(4, 2, 7))


def test_too_small_pictures_are_left_out() -> None:
    pool = CropPool([pair(7, 40, 2), pair(40, 40, 2)], scale=2, crop=8)
    assert pool.count == 1
    with pytest.raises(InputError, match="at least 16x16"):
        CropPool([pair(7, 40, 2)], scale=2, crop=8)


def test_flat_crops_lose_against_busy_ones() -> None:
    flat = TrainingPair(
        torch.full((1, 16, 16), 99, dtype=torch.uint8), torch.zeros(1, 16, 16).byte()
    )
    busy = pair(16, 16, 1, channels=1)
    pool = CropPool([flat, busy], scale=1, crop=8)
    low, _ = pool.cut(pool.draw(400, 0, 0))
    share = (low.std((1, 2, 3)) == 0).float().mean()
    # Both of two candidates are flat in a quarter of all draws; 400 of them scatter by 0.022.
    assert abs(float(share) - 0.25) < 0.1


def test_luma_of_primaries() -> None:
    colours = torch.eye(3).view(3, 3, 1, 1)
    assert luma(colours).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    white = torch.full((3, 1, 1), 255, dtype=torch.uint8)
    assert to_luma(white).item() == 255
