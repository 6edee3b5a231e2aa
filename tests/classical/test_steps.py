"""Steps of back-projection, of projections and of descent, against values by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from vidsr.classical.back_projection import back_project, times_seen
from vidsr.classical.captures import Capture, capture
from vidsr.classical.convex_sets import project, project_frame, spacing
from vidsr.classical.most_likely import cost, descent, most_likely
from vidsr.classical.observation import Observation, back_projected
from vidsr.classical.priors import HuberMarkov, Prior, TotalVariation
from vidsr.picture.size import Size

PICTURE = torch.tensor([[[1.0, 3.0], [5.0, 7.0]]], dtype=torch.float64)


def mean_of_four(value: float) -> Observation:
    """Return a frame of one sample, the mean of a picture of 2x2."""
    frame = torch.tensor([[[value]]], dtype=torch.float64)
    return Observation(frame, capture(Size(1, 1), 2, shrinking="area", dtype=torch.float64))


def noise(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 255


def two_frames() -> list[Observation]:
    """Return two frames of one picture, displaced, the second half believed."""
    picture = noise(2, 12, 16)
    ways = [
        capture(Size(8, 6), 2, shift_px=(by, -by), blur_px=0.5, dtype=torch.float64)
        for by in (0.0, 0.7)
    ]
    weights = [None, torch.full((6, 8), 0.5, dtype=torch.float64)]
    return [
        Observation(way.forward(picture), way, weight)
        for way, weight in zip(ways, weights, strict=True)
    ]


def test_a_step_of_back_projection_by_hand() -> None:
    # The mean is 4, and 4 are missing: 1/4 of that goes back to each sample that was seen 1/4.
    seen = mean_of_four(8.0)
    assert back_projected(PICTURE, [seen]).tolist() == [[[1, 1], [1, 1]]]
    assert times_seen([seen]).tolist() == [[[0.25, 0.25], [0.25, 0.25]]]
    assert back_project(PICTURE, [seen], rounds=1).tolist() == [[[5, 7], [9, 11]]]
    assert back_project(PICTURE, [seen], rounds=1, step=0.5).tolist() == [[[3, 5], [7, 9]]]
    # Two frames that disagree: half of each correction.
    both = [seen, mean_of_four(4.0)]
    assert back_project(PICTURE, both, rounds=1).tolist() == [[[3, 5], [7, 9]]]


def test_back_projection_leaves_what_fits() -> None:
    assert back_project(PICTURE, [mean_of_four(4.0)], rounds=5).equal(PICTURE)


def test_back_projection_comes_nearer_to_the_frames() -> None:
    frames = two_frames()
    start = torch.full((2, 12, 16), 128.0, dtype=torch.float64)
    errors = [
        sum(float(o.residual(back_project(start, frames, rounds=n)).square().sum()) for o in frames)
        for n in (0, 1, 5, 50)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 50


def test_a_projection_by_hand() -> None:
    # 8 - 4 exceeds the tolerance of 1 by 3; the sample's weights are 1/4, their squares sum to 1/4.
    picture = PICTURE.clone()
    project_frame(picture, mean_of_four(8.0), tolerance=1.0)
    assert picture.tolist() == [[[4, 6], [8, 10]]]
    project_frame(picture, mean_of_four(8.0), tolerance=1.0)
    assert picture.tolist() == [[[4, 6], [8, 10]]]


def test_projections_stay_within_the_bounds_and_reach_the_sets() -> None:
    truth = noise(1, 16, 24)
    way = capture(Size(6, 4), 4, dtype=torch.float64)
    seen = Observation(way.forward(truth), way)
    start = torch.full((1, 16, 24), 300.0, dtype=torch.float64)
    found = project(start, [seen], rounds=60, tolerance=0.5)
    assert 0 <= float(found.min()) <= float(found.max()) <= 255
    assert float(seen.residual(found).abs().max()) < 0.51
    assert start.equal(torch.full_like(start, 300.0))


def test_a_projection_never_moves_away_from_a_picture_that_is_in_all_sets() -> None:
    truth, frames = noise(2, 12, 16), two_frames()
    picture = torch.zeros_like(truth)
    apart = [float((picture - truth).norm())]
    for _ in range(4):
        for each in frames:
            project_frame(picture, each, tolerance=0.0)
            apart.append(float((picture - truth).norm()))
    assert apart == sorted(apart, reverse=True)


def test_a_sample_without_weight_binds_nothing() -> None:
    seen = mean_of_four(8.0)
    blind = Observation(seen.frame, seen.capture, torch.zeros(1, 1, dtype=torch.float64))
    assert project(PICTURE, [blind]).equal(PICTURE)
    assert back_project(PICTURE, [blind]).equal(PICTURE)


@pytest.mark.parametrize(("shrinking", "expected"), [("area", 1), ("bicubic", 4)])
def test_spacing(shrinking: str, expected: int) -> None:
    way: Capture = capture(Size(12, 12), 4, shrinking=shrinking)  # type: ignore[arg-type]
    assert spacing(way.down) == expected


def test_huber_markov_by_hand() -> None:
    # One bend of 1 - 2 * 3 + 9 = 4, beyond the threshold of 2: 2 * 4 - 2 = 6.
    line = torch.tensor([[[1.0, 3.0, 9.0]]], dtype=torch.float64)
    prior = HuberMarkov(threshold=2.0)
    assert float(prior.value(line)) == 6
    assert prior.gradient(line).tolist() == [[[2, -4, 2]]]
    # Within a threshold of 5: 4^2 / 2.
    assert float(HuberMarkov(5.0).value(line)) == 8
    assert HuberMarkov(5.0).gradient(line).tolist() == [[[4, -8, 4]]]


def test_total_variation_by_hand() -> None:
    # Gradients of (3, 4), of 0 at the edges but for one more of -3 and one of -4.
    corner = torch.tensor([[[0.0, 4.0], [3.0, 0.0]]], dtype=torch.float64)
    assert float(TotalVariation(1e-9).value(corner)) == pytest.approx(5 + 4 + 3)


@pytest.mark.parametrize("prior", [HuberMarkov(20.0), TotalVariation(3.0)])
@pytest.mark.parametrize("shape", [(2, 7, 9), (1, 1, 6), (1, 2, 2)])
def test_gradients_of_priors_are_those_of_autograd(prior: Prior, shape: tuple[int, ...]) -> None:
    picture = noise(*shape).requires_grad_()
    prior.value(picture).backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    torch.testing.assert_close(prior.gradient(picture.detach()), picture.grad)


@pytest.mark.parametrize("prior", [HuberMarkov(20.0), TotalVariation(3.0)])
def test_descent_is_minus_the_gradient_of_the_cost(prior: Prior) -> None:
    picture, frames = noise(2, 12, 16, seed=3).requires_grad_(), two_frames()
    cost(picture, frames, prior, 0.3).backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    torch.testing.assert_close(descent(picture.detach(), frames, prior, 0.3), -picture.grad)


@pytest.mark.parametrize("prior", [HuberMarkov(2.0), TotalVariation(1.0)])
def test_curvature_bounds_the_second_derivative(prior: Prior) -> None:
    flat = noise(1, 6, 6) / 2550  # bends within the threshold, where the second derivative is
    hessian: Any = torch.autograd.functional.hessian
    second = hessian(prior.value, flat).reshape(36, 36)
    assert 0 < float(torch.linalg.eigvalsh(second).max()) <= prior.curvature


@pytest.mark.parametrize("prior", [HuberMarkov(2.0), TotalVariation(1.0)])
def test_the_cost_falls(prior: Prior) -> None:
    frames = two_frames()
    start = torch.full((2, 12, 16), 128.0, dtype=torch.float64)
    run: Callable[[int], Tensor] = lambda n: most_likely(  # noqa: E731
        start, frames, prior, strength=0.05, rounds=n
    )
    costs = [float(cost(run(n), frames, prior, 0.05)) for n in (0, 1, 10, 100)]
    assert costs == sorted(costs, reverse=True)
