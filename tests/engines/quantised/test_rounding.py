"""Codes of 8 bits and back, against values computed by hand, and gradients that pass straight."""

from __future__ import annotations

import pytest
import torch

from vidsr.engines.quantised.codes import ZERO
from vidsr.engines.quantised.rounding import (
    input_step,
    rounded,
    rounded_fp8,
    rounded_weight,
    weight_steps,
    weight_steps_of,
)
from vidsr.engines.quantised.steps import LayerSteps


def test_symmetric_codes_round_half_to_even_and_end() -> None:
    x = torch.tensor([0.0, 0.24, 0.25, 0.75, 1.25, -0.25, -0.75, 63.4, 63.6, 99.0, -64.0, -99.0])
    # Steps of 0.5, codes -128 to 127: 63.5 is the highest, -64 the lowest.
    wanted = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, -1.0, 63.5, 63.5, 63.5, -64.0, -64.0]
    assert rounded(x, 0.5).tolist() == wanted


def test_a_zero_point_moves_where_codes_end() -> None:
    x = torch.tensor([-3.0, -1.1, 0.6, 122.4, 300.0])
    # Codes 0 to 255 less 2: from -2 to 253.
    assert rounded(x, 1.0, zero=2).tolist() == [-2.0, -1.0, 1.0, 122.0, 253.0]
    assert rounded(x, 0.5, zero=0).tolist() == [0.0, 0.0, 0.5, 122.5, 127.5]


def test_e4m3_has_three_bits_after_the_first() -> None:
    x = torch.tensor([1.0, 1.06, 1.07, 17.0, 19.0, 460.0, -1e9, 0.0009])
    # From 1 to 2 in eighths, from 16 to 32 in twos; 17 lies half-way, to the even one; ends at 448.
    wanted = [1.0, 1.0, 1.125, 16.0, 20.0, 448.0, -448.0]
    found = rounded_fp8(x, 1.0)
    assert found[:-1].tolist() == wanted
    assert float(found[-1]) == 0  # under half of the smallest, 2**-9
    assert rounded_fp8(x * 0.5, 0.5)[:-1].tolist() == [0.5 * value for value in wanted]


def test_weights_have_a_step_a_channel_up_to_the_largest() -> None:
    weight = torch.tensor([[1.27, -0.014, 0.016], [0.254, 0.0029, -0.254]]).view(2, 3, 1, 1)
    steps = weight_steps(weight)
    assert steps.tolist() == pytest.approx([0.01, 0.002])
    found = rounded_weight(weight, steps).flatten().tolist()
    assert found == pytest.approx([1.27, -0.01, 0.02, 0.254, 0.002, -0.254])


def test_weights_in_e4m3_share_one_step() -> None:
    weight = torch.tensor([[4.48], [0.0107]]).view(2, 1, 1, 1)
    step = weight_steps_of(weight, "fp8")
    assert step.ndim == 0
    assert float(step) == pytest.approx(0.01)
    # 1.07 steps lie between 1 and 9/8.
    assert rounded_weight(weight, step, "fp8").flatten().tolist() == pytest.approx([4.48, 0.01125])
    assert input_step(448.0, "fp8") == 127.0
    assert input_step(448.0, "int8") == 448.0


def test_a_channel_that_does_nothing_stays_nothing() -> None:
    weight = torch.zeros(2, 1, 1, 1)
    assert rounded_weight(weight, weight_steps(weight)).tolist() == weight.tolist()


def test_gradients_pass_straight_and_stop_at_the_ends() -> None:
    x = torch.tensor([0.3, -0.3, 1000.0, -1000.0], requires_grad=True)
    torch.autograd.backward([rounded(x, 0.5).sum()])
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 1.0, 0.0, 0.0]
    weight = torch.tensor([0.3, -1.27]).view(1, 2, 1, 1).requires_grad_()
    torch.autograd.backward([rounded_weight(weight, weight_steps(weight)).sum()])
    assert weight.grad is not None
    assert weight.grad.flatten().tolist() == [1.0, 1.0]


def test_a_step_learns_from_its_rounding_error_and_from_what_is_cut_off() -> None:
    for value, wanted in ((0.3, 1 - 0.6), (0.2, 0 - 0.4), (1000.0, 127.0), (-1000.0, -128.0)):
        step = torch.tensor(0.5, requires_grad=True)
        torch.autograd.backward([rounded(torch.tensor(value), step)])
        assert step.grad is not None
        assert float(step.grad) == pytest.approx(wanted)  # code less the number in steps


@pytest.mark.parametrize(
    ("step", "zero", "symmetric"), [(0.1, 128, 0.1), (0.1, 64, 0.1 * 191 / 127), (0.1, 192, 0.15)]
)
def test_symmetric_steps_reach_as_far(step: float, zero: int, symmetric: float) -> None:
    found = LayerSteps(step, zero, (1.0,)).symmetric
    assert found.zero == ZERO
    assert found.step == pytest.approx(symmetric)
    low, high = -zero * step, (255 - zero) * step
    assert -128 * found.step <= low + 1e-9
    assert 127 * found.step >= high - 1e-9
