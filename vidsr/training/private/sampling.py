"""Poisson sampling: each photograph or video by its own chance, and one crop of it a step."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vidsr.training.data.crop_pool import CANDIDATES, CropPool
from vidsr.training.private.keys import Key


class PoissonPool:
    """Pool whose steps take every source with probability ``rate``, independently of the others.

    A crop comes from one source alone, both candidates of it included, so a source changes one
    gradient of a step at the most, however many pairs were made of it.
    """

    def __init__(self, pool: CropPool, key: Key, rate: float) -> None:
        self._pool, self._key, self.rate = pool, key, rate
        self.sources = sorted(set(pool.sources))
        self._pairs = [
            np.flatnonzero([name == source for name in pool.sources]) for source in self.sources
        ]

    @property
    def bytes(self) -> int:
        return self._pool.bytes

    @property
    def count(self) -> int:
        return self._pool.count

    def draw(self, batch: int, seed: int, step: int) -> Tensor:
        """Choose places as ``CropPool.draw`` does, one for each source taken: perhaps none.

        They depend on the key and ``step``; ``batch`` and ``seed`` are of no account.
        """
        draws = self._key.draws("sampling", step)
        taken = np.flatnonzero(draws.random(len(self.sources)) < self.rate)
        u = draws.random((len(taken), CANDIDATES, 4))
        picture = np.zeros((len(taken), CANDIDATES), dtype=np.int64)
        for row, source in enumerate(taken):
            pairs = self._pairs[source]
            picture[row] = pairs[(u[row, :, 0] * len(pairs)).astype(np.int64)]
        room = self._pool.sizes.numpy()[picture] - self._pool.crop + 1
        corner = (u[..., 1:3] * room).astype(np.int64)
        turn = (u[..., 3:] * 8).astype(np.int64)
        return torch.from_numpy(np.concatenate((picture[..., None], corner, turn), axis=-1))

    def cut(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Cut LR and HR as ``CropPool.cut`` does."""
        if not len(draws):
            sides = (self._pool.crop, self._pool.crop * self._pool.scale)
            low, high = (torch.zeros(0, self._pool.channels, side, side) for side in sides)
            return low, high
        return self._pool.cut(draws)
