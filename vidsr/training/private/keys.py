"""Key of a private run: 128 bits that sampling and noise are drawn from, to be kept secret."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

BYTES = 16
_PURPOSES = {"sampling": 1, "noise": 2}


@dataclass(frozen=True)
class Key:
    """Secret of a run. Whoever knows it can take the noise away again.

    PyTorch's generator on CPUs heeds 32 bits of a seed, which can be tried one by one; Philox
    takes all 128.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Key:
        """Return a key of the system's own randomness."""
        return cls(secrets.token_bytes(BYTES))

    @classmethod
    def of_seed(cls, seed: int) -> Key:
        """Return the key that a number stands for: for measurements that others repeat."""
        return cls(hashlib.sha256(f"vidsr dp seed {seed}".encode()).digest()[:BYTES])

    def draws(self, purpose: Literal["sampling", "noise"], step: int) -> np.random.Generator:
        """Return a generator for one purpose at one step, whatever was drawn before."""
        key = np.frombuffer(self.secret, dtype="<u8").astype(np.uint64)
        counter = np.array([0, 0, _PURPOSES[purpose], step], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=counter))
