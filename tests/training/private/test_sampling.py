"""Key and Poisson sampling: who is drawn, how often, and from what."""

from __future__ import annotations

import numpy as np
import torch

from vidsr.training.data.crop_pool import CropPool, TrainingPair
from vidsr.training.private.keys import Key
from vidsr.training.private.sampling import PoissonPool

KEY = Key.of_seed(7)


def pool_of(counts: dict[str, int], rate: float) -> PoissonPool:
    """Return a pool whose pairs hold the number of their source in every sample."""
    pairs = []
    for number, (source, count) in enumerate(counts.items()):
        low = torch.full((1, 12, 14), number, dtype=torch.uint8)
        high = torch.full((1, 24, 28), number, dtype=torch.uint8)
        pairs += [TrainingPair(low, high, source=source)] * count
    return PoissonPool(CropPool(pairs, scale=2, crop=8), KEY, rate)


def drawn(pool: PoissonPool, step: int) -> list[int]:
    low, high = pool.cut(pool.draw(0, 0, step))
    assert torch.equal(low.mean((1, 2, 3)), high.mean((1, 2, 3)))
    return (255 * low.mean((1, 2, 3))).round().int().tolist()


def test_a_source_is_drawn_once_a_step_however_many_pairs_it_has() -> None:
    pool = pool_of({"a": 9, "b": 1, "c": 4}, rate=1.0)
    assert all(drawn(pool, step) == [0, 1, 2] for step in range(5))


def test_each_source_is_drawn_by_its_own_chance() -> None:
    pool = pool_of({"a": 9, "b": 1, "c": 4}, rate=0.25)
    steps = [drawn(pool, step) for step in range(2000)]
    shares = [sum(number in step for step in steps) / 2000 for number in range(3)]
    np.testing.assert_allclose(shares, 0.25, atol=0.04)  # four deviations
    together = sum(0 in step and 1 in step for step in steps) / 2000
    np.testing.assert_allclose(together, 0.0625, atol=0.022)
    sizes = {len(step) for step in steps}
    assert {0, 1, 2} <= sizes


def test_both_candidates_of_a_crop_are_of_one_source() -> None:
    pool = pool_of({"a": 2, "b": 2}, rate=1.0)
    picture = pool.draw(0, 0, 3)[..., 0]
    assert (picture // 2 == torch.tensor([[0], [1]])).all()


def test_a_step_without_sources_has_an_empty_batch() -> None:
    low, high = pool_of({"a": 1}, rate=0.0).cut(pool_of({"a": 1}, rate=0.0).draw(0, 0, 0))
    assert low.shape == (0, 1, 8, 8)
    assert high.shape == (0, 1, 16, 16)


def test_draws_depend_on_key_purpose_and_step_alone() -> None:
    first = KEY.draws("noise", 3).random(5)
    assert np.array_equal(first, Key.of_seed(7).draws("noise", 3).random(5))
    for other in (KEY.draws("noise", 4), KEY.draws("sampling", 3), Key.fresh().draws("noise", 3)):
        assert not np.array_equal(first, other.random(5))


def test_a_key_is_new_every_time_and_is_not_printed() -> None:
    one, other = Key.fresh(), Key.fresh()
    assert len(one.secret) == 16
    assert one != other
    assert one.secret.hex() not in repr(one)
    assert str(one.secret) not in repr(one)
