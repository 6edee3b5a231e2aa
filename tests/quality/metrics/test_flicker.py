"""Flicker against values worked out by hand and all at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidsr.quality.metrics.flicker import Flicker


def flicker_of(outputs: list[Tensor], references: list[Tensor]) -> float:
    flicker = Flicker()
    for output, reference in zip(outputs, references, strict=True):
        flicker.add(output, reference)
    return flicker.rms


def random_frames(count: int, size: tuple[int, int], seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 256, size, generator=generator) for _ in range(count)]


def test_worked_out_by_hand() -> None:
    # Output minus reference is [0, 0], [3, -1], [3, 1]: d = [3, -1], then [0, 2].
    references = [torch.tensor([[10, 20]]), torch.tensor([[30, 5]]), torch.tensor([[0, 255]])]
    errors = [torch.tensor([[0, 0]]), torch.tensor([[3, -1]]), torch.tensor([[3, 1]])]
    outputs = [r + e for r, e in zip(references, errors, strict=True)]
    assert flicker_of(outputs, references) == pytest.approx(math.sqrt(((9 + 1) / 2 + 4 / 2) / 2))


def test_equal_sequences_do_not_flicker() -> None:
    frames = random_frames(5, (6, 7), 0)
    assert flicker_of(frames, frames) == 0


def test_an_error_that_stays_counts_nothing() -> None:
    references = random_frames(5, (6, 7), 0)
    error = random_frames(1, (6, 7), 1)[0]
    assert flicker_of([frame + error for frame in references], references) == 0


def test_a_still_picture_that_blinks() -> None:
    still = [torch.full((4, 4), 100)] * 4
    assert flicker_of([still[0] + 2 * (i % 2) for i in range(4)], still) == pytest.approx(2)


@settings(max_examples=20, deadline=None)
@given(
    count=st.integers(2, 6), height=st.integers(1, 9), width=st.integers(1, 9),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_frame_by_frame_is_all_at_once(count: int, height: int, width: int, seed: int) -> None:
    outputs = random_frames(count, (height, width), seed)
    references = random_frames(count, (height, width), seed + 100)
    y, r = (np.stack([f.numpy() for f in frames]) for frames in (outputs, references))
    expected = np.sqrt(((np.diff(y, axis=0) - np.diff(r, axis=0)) ** 2.0).mean())
    # The same sums in another order, in float64.
    assert flicker_of(outputs, references) == pytest.approx(float(expected), rel=1e-12)


def test_uint8_does_not_wrap_around() -> None:
    dark, bright = torch.zeros(3, 3, dtype=torch.uint8), torch.full((3, 3), 255, dtype=torch.uint8)
    assert flicker_of([dark, bright], [bright, dark]) == 510


def test_frames_given_may_be_overwritten() -> None:
    buffer, flicker = torch.zeros(2, 2, dtype=torch.float64), Flicker()
    reference = torch.zeros(2, 2, dtype=torch.float64)
    for level in (0, 5, 5):
        buffer.fill_(level)
        flicker.add(buffer, reference)
    assert flicker.rms == pytest.approx(math.sqrt(25 / 2))
    assert flicker.frames == 3


def test_is_no_number_before_the_second_frame() -> None:
    flicker = Flicker()
    assert math.isnan(flicker.rms)
    flicker.add(torch.zeros(2, 2), torch.zeros(2, 2))
    assert math.isnan(flicker.rms)


def test_sizes_must_be_equal_and_stay() -> None:
    flicker = Flicker()
    with pytest.raises(ValueError, match="expected equal shapes"):
        flicker.add(torch.zeros(2, 2), torch.zeros(2, 3))
    flicker.add(torch.zeros(2, 2), torch.zeros(2, 2))
    with pytest.raises(ValueError, match=r"frame 1: expected \(2, 2\) as before, got \(2, 3\)"):
        flicker.add(torch.zeros(2, 3), torch.zeros(2, 3))
    assert flicker.frames == 1
