"""Losses against values worked out by hand, and what must not slip through them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from vidsr.training.choices import AdversarialKind
from vidsr.training.networks import losses

A, B = torch.tensor([0.0, 0.5, 1.0]), torch.tensor([1.0, 0.5, 3.0])  # differ by 1, 0 and 2
PIXEL_LOSSES = [losses.l1, losses.mse, losses.charbonnier]
KINDS: tuple[AdversarialKind, ...] = get_args(AdversarialKind)


def close(found: Tensor, value: float) -> None:
    """Scalars of a few float32 operations: a millionth covers their rounding."""
    assert found.shape == ()
    assert found.item() == pytest.approx(value, rel=1e-6, abs=1e-7)


def test_pixel_losses() -> None:
    close(losses.l1(A, B), (1 + 0 + 2) / 3)
    close(losses.mse(A, B), (1 + 0 + 4) / 3)
    close(losses.charbonnier(A, B, eps=0.75), (1.25 + 0.75 + math.sqrt(4.5625)) / 3)


def test_charbonnier_of_a_perfect_output_is_its_epsilon() -> None:
    close(losses.charbonnier(A, A), 1e-3)
    with pytest.raises(ValueError, match=r"eps: expected more than 0, got 0\.0"):
        losses.charbonnier(A, B, eps=0.0)


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_shapes_that_only_broadcast_are_refused(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        loss(torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4))


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_half_precision_is_summed_in_full(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    out = torch.full((300, 300), 0.25, dtype=torch.bfloat16)  # a sum far beyond its 256 steps
    found = loss(out, torch.zeros_like(out))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss(out.float(), torch.zeros(300, 300)))


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_gradients_are_those_of_the_formula(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    out = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64, requires_grad=True)
    target = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (out, target))


def test_edge_is_the_charbonnier_distance_of_gradients() -> None:
    error = torch.tensor([[0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    out = error + 0.5  # an error that is the same everywhere has no gradient
    root = [math.sqrt(step**2 + 0.75**2) for step in (1, 2, 0, 0, 0, 1, 3)]
    close(losses.edge(out, torch.zeros(2, 3), eps=0.75), sum(root) / 7)
    close(losses.edge(out, out), 1e-3)
    close(losses.edge(torch.ones(1, 1), torch.zeros(1, 1)), 0)


def test_a_soft_edge_costs_more_than_the_same_error_spread() -> None:
    target = torch.zeros(1, 1, 8, 8)
    edge, spread = target.clone(), target + 1 / 8
    edge[..., 4] = 1
    close(losses.l1(edge, target) - losses.l1(spread, target), 0)
    assert losses.edge(edge, target) > 10 * losses.edge(spread, target)


def test_colour_is_the_mean_error_of_blurred_chroma() -> None:
    target = torch.zeros(1, 3, 16, 16)
    tint = target.clone()
    tint[:, 0] = 0.1  # red alone: its luma is 0.0299, beside which 0.0701, -0.0299, -0.0299 remain
    close(losses.colour(tint, target), (0.0701 + 2 * 0.0299) / 3)
    close(losses.colour(target + 0.3, target), 0)  # brighter, and of the same colour
    checks = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1
    close(losses.colour(tint * checks, target), 0)  # detail finer than a cell
    with pytest.raises(ValueError, match=r"expected \[N, 3, H, W\]"):
        losses.colour(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16))


def test_total_variation_counts_every_pair_once() -> None:
    x = torch.tensor([[0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    across, down = (1 + 2) + 0, 0 + 1 + 3
    close(losses.total_variation(x), (across + down) / (4 + 3))
    close(losses.total_variation(x.expand(2, 3, 2, 3)), (across + down) / (4 + 3))


def test_total_variation_of_flat_pictures_and_single_pixels_is_0() -> None:
    close(losses.total_variation(torch.full((1, 3, 4, 4), 0.7)), 0)
    close(losses.total_variation(torch.zeros(1, 3, 1, 1)), 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6))
def test_total_variation_does_not_care_which_way_is_up(height: int, width: int) -> None:
    x = torch.rand(2, height, width, generator=torch.Generator().manual_seed(height * 7 + width))
    torch.testing.assert_close(
        losses.total_variation(x), losses.total_variation(x.transpose(-1, -2))
    )


def test_a_mesh_costs_its_height_and_texture_next_to_nothing() -> None:
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(1, 1, 64, 64, generator=generator)
    woven = target.clone()
    woven[..., ::4, ::4] += 0.1  # one place of sixteen: off its mean by 15/16, the others by 1/16
    close(losses.mesh(woven, target, scale=4), 0.1 * (15 / 16 + 15 * 1 / 16) / 16)
    # Independent errors, as large on the mean as the mesh: averaged over 16 cells, a quarter of
    # them is left, within what 169 places scatter.
    noise = 0.1 * torch.randn(1, 1, 64, 64, generator=generator)
    alone = float(losses.mesh(target + noise, target, scale=4))
    assert alone < 0.3 * float(noise.abs().mean())


def test_an_error_that_all_places_share_is_no_mesh() -> None:
    target = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(2))
    close(losses.mesh(target + 0.25, target, scale=4), 0)


def test_pictures_without_whole_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        losses.mesh(torch.zeros(1, 1, 33, 32), torch.zeros(1, 1, 33, 32), scale=4)
    with pytest.raises(ValueError, match="4 cells of 4 a side"):
        losses.mesh(torch.zeros(1, 1, 12, 32), torch.zeros(1, 1, 12, 32), scale=4)


def test_temporal_loss_counts_only_change_that_the_reference_lacks() -> None:
    out_a, out_b = torch.tensor([0.0, 0.0]), torch.tensor([0.5, 0.25])
    ref_a, ref_b = torch.tensor([1.0, 1.0]), torch.tensor([1.5, 0.5])
    close(losses.temporal_l1(out_a, out_b, ref_a, ref_b), (0 + 0.75) / 2)
    close(losses.temporal_l1(out_a, out_b, ref_a, ref_a), (0.5 + 0.25) / 2)
    close(losses.temporal_l1(ref_a + 0.1, ref_b + 0.1, ref_a, ref_b), 0)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_flicker_loss_is_the_mean_over_neighbouring_frames(batch: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    out, ref = (torch.rand(*batch, 3, 1, 4, 5, generator=generator) for _ in range(2))
    a, b, c = out.unbind(-4)
    p, q, r = ref.unbind(-4)
    pairs = losses.temporal_l1(a, b, p, q) + losses.temporal_l1(b, c, q, r)
    torch.testing.assert_close(losses.flicker_loss(out, ref), pairs / 2)


def test_flicker_of_one_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="T of at least 2"):
        losses.flicker_loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))


REAL, FAKE = torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 0.5])


def minus_log_sigmoid(x: float) -> float:
    return math.log1p(math.exp(-x))


def test_bce_of_logits() -> None:
    close(losses.generator_loss("bce", FAKE), (minus_log_sigmoid(-3) + minus_log_sigmoid(0.5)) / 2)
    close(
        losses.discriminator_loss("bce", REAL, FAKE),
        (minus_log_sigmoid(2) + minus_log_sigmoid(0)) / 2
        + (minus_log_sigmoid(3) + minus_log_sigmoid(-0.5)) / 2,
    )


def test_bce_stays_finite_where_the_sigmoid_is_0() -> None:
    close(losses.generator_loss("bce", torch.tensor([-500.0])), 500)


def test_bce_still_pulls_a_generator_that_loses() -> None:
    fake = torch.tensor([-20.0], requires_grad=True)
    torch.autograd.backward(losses.generator_loss("bce", fake))
    assert fake.grad is not None
    close(fake.grad[0], -1)  # log(1 - sigmoid), the saturating form, would give -2e-9


def test_hinge_of_logits() -> None:
    close(losses.generator_loss("hinge", FAKE), (3 - 0.5) / 2)
    close(losses.discriminator_loss("hinge", REAL, FAKE), (0 + 1) / 2 + (0 + 1.5) / 2)


def test_wasserstein_of_scores() -> None:
    close(losses.generator_loss("wgan-gp", FAKE), (3 - 0.5) / 2)
    close(losses.discriminator_loss("wgan-gp", REAL, FAKE), -2.5 / 2 - 2 / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_each_side_gains_where_the_other_loses(kind: AdversarialKind) -> None:
    real, fake = (torch.zeros(2, 1, 3, 3, requires_grad=True) for _ in range(2))
    torch.autograd.backward(losses.discriminator_loss(kind, real, fake))
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    (slope,) = torch.autograd.grad(losses.generator_loss(kind, fake), fake)
    assert (slope < 0).all()


def linear_critic(slope: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: (x * slope).flatten(1).sum(1, keepdim=True) + 7


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_penalty_of_a_linear_critic_is_that_of_its_slope(length: float) -> None:
    slope = torch.rand(3, 4, 4, generator=seeded())
    slope *= length / slope.norm()
    real, fake = torch.rand(2, 5, 3, 4, 4, generator=seeded(1))
    penalty = losses.gradient_penalty(linear_critic(slope), real, fake, seeded())
    # norms of 48 float32 numbers are good to about 1e-7, squared beside 1
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-6)


def test_penalty_is_taken_between_the_pictures_at_one_place_each() -> None:
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    losses.gradient_penalty(critic, torch.ones(64, 1, 2, 2), torch.zeros(64, 1, 2, 2), seeded())
    shares = seen[0][:, 0, 0, 0]
    assert torch.equal(seen[0], shares[:, None, None, None].expand(64, 1, 2, 2))
    torch.testing.assert_close(shares, torch.rand(64, generator=seeded()))


def test_penalty_of_a_quadratic_critic() -> None:
    real = fake = torch.full((1, 1, 2, 2), 0.75)  # no room between: the place is known
    penalty = losses.gradient_penalty(lambda x: (x**2).flatten(1).sum(1), real, fake, seeded())
    close(penalty, (2 * 0.75 * 2 - 1) ** 2)  # four slopes of 2x


def test_penalty_of_a_map_of_logits_is_that_of_their_mean() -> None:
    x = torch.rand(2, 1, 4, 4, generator=seeded())
    close(losses.gradient_penalty(lambda x: 8 * x, x, x, seeded()), (8 / 16 * 4 - 1) ** 2)


def test_penalty_teaches_the_critic_alone() -> None:
    first = nn.Conv2d(3, 4, 3)
    critic = nn.Sequential(first, nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3))
    real, fake = torch.rand(2, 2, 3, 8, 8, generator=seeded()).requires_grad_()
    real.retain_grad()
    fake.retain_grad()
    torch.autograd.backward(losses.gradient_penalty(critic, real, fake, seeded()))
    assert first.weight.grad is not None
    assert first.weight.grad.abs().max() > 0
    assert real.grad is None
    assert fake.grad is None


def test_penalty_of_a_flat_critic_has_no_broken_gradient() -> None:
    slope = torch.zeros(1, 2, 2, requires_grad=True)
    x = torch.rand(2, 1, 2, 2, generator=seeded())
    penalty = losses.gradient_penalty(linear_critic(slope), x, x, seeded())
    torch.autograd.backward(penalty)
    close(penalty, 1)
    assert slope.grad is not None
    assert slope.grad.isfinite().all()


def test_penalty_between_pictures_of_two_sizes_is_refused() -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        losses.gradient_penalty(
            lambda x: x, torch.ones(2, 1, 4, 4), torch.ones(1, 1, 4, 4), seeded()
        )
