"""Losses of unpaired training against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vidsr.training.networks.losses import l1
from vidsr.training.unpaired.critic import GAIN, MultiScaleCritic, detail
from vidsr.training.unpaired.losses import cycle, deceit, judgement, penalty

FINE, COARSE = torch.tensor([2.0, 0.0]), torch.tensor([3.0])


def close(found: Tensor, value: float) -> None:
    assert found.shape == ()
    assert found.item() == pytest.approx(value, rel=1e-5, abs=1e-6)


class Slopes(MultiScaleCritic):
    """Critics of known slopes: 1 a sample at the first scale, 2 at the second."""

    def judge(self, index: int, x: Tensor) -> Tensor:
        return (index + 1) * x.flatten(1).sum(1)


def test_scales_count_alike_however_many_logits_they_have() -> None:
    close(deceit("lsgan", [FINE, COARSE]), ((1 + 1) / 2 + 4) / 2)
    close(deceit("wgan-gp", [FINE, COARSE]), (-1 - 3) / 2)


def test_the_critic_is_judged_at_every_scale() -> None:
    real, fake = [torch.tensor([1.0]), torch.tensor([0.5])], [FINE, COARSE]
    # (r - 1)^2 and f^2; max(0, 1 - r) and max(0, 1 + f).
    close(judgement("lsgan", real, fake), ((0 + (4 + 0) / 2) + (0.25 + 9)) / 2)
    close(judgement("hinge", real, fake), ((0 + (3 + 1) / 2) + (0.5 + 4)) / 2)


def test_the_penalty_is_the_mean_over_scales() -> None:
    critic = Slopes(2, adversarial="wgan-gp", width=4)
    real, fake = torch.rand(2, 2, 3, 4, 4).unbind()
    # 3 x 4 x 4 samples of slope 1, and 3 x 2 x 2 of slope 2.
    slopes = (math.sqrt(48), 2 * math.sqrt(12))
    wanted = sum((slope - 1) ** 2 for slope in slopes) / 2
    close(penalty(critic, real, fake, torch.Generator().manual_seed(0)), wanted)


def test_cycles_of_both_directions_are_added() -> None:
    x = torch.zeros(1, 3, 2, 2)
    close(cycle(l1, [(x + 0.5, x), (x, x + 0.25)]), 0.75)


def test_detail_is_what_the_neighbours_lack() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[..., 8, 8] = 1
    found = detail(x)[0, 0]
    close(found[8, 8], 1 - 1 / 81)
    close(found[4, 11], -1 / 81)
    close(found[3, 8], 0)
    x = torch.zeros(1, 1, 16, 16)
    x[..., 0, 0] = 1
    close(detail(x)[0, 0, 0, 0], 1 - 1 / 25)  # of the pixels that there are
    assert float(detail(torch.full((1, 3, 16, 16), 0.7)).abs().max()) < 1e-6


def test_a_critic_has_a_map_a_scale_and_does_not_see_brightness() -> None:
    critic = MultiScaleCritic(2, adversarial="lsgan", width=4).eval()
    x = torch.rand(2, 3, 48, 48) / 2
    with torch.no_grad():
        dark, bright = critic(x), critic(x + 0.25)
    assert [tuple(m.shape) for m in dark] == [(2, 1, 10, 10), (2, 1, 4, 4)]
    for a, b in zip(dark, bright, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4 * GAIN, rtol=0)
    torch.testing.assert_close(critic.pyramid(x)[1][0, 0, 0, 0], x[0, 0, :2, :2].mean())
