"""Private learner: the step of DP-SGD (Abadi et al., 2016) around a learner of fidelity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vidsr.training.private.guarantee import Guarantee, Spending, as_text, in_words
from vidsr.training.private.keys import Key
from vidsr.training.private.optimiser import KeyedOptimiser, descend, forget, watched
from vidsr.training.steps.fidelity import Fidelity, Losses

HEADER = "vidsr.privacy"
"""The entry of a safetensors header that states the guarantee, as JSON."""


class PrivateLearner:
    """Learner whose weights say little about any one source.

    No loss is returned: it is measured on the pictures themselves, without noise.
    """

    def __init__(self, inner: Fidelity, spending: Spending, key: Key, sources: str) -> None:
        self.inner, self.spending, self._key, self._sources = inner, spending, key, sources
        self.average = inner.average
        generator = inner.student.generator
        assert isinstance(generator, nn.Module)
        self._network = watched(generator)
        self._optimiser = KeyedOptimiser(
            inner.optimiser.adam, spending.guarantee, key, inner.options.batch
        )

    @property
    def guarantee(self) -> Guarantee:
        return self.spending.guarantee

    def learn(self, low: Tensor, high: Tensor, step: int) -> Losses:
        """Do one step on one crop of each source drawn; perhaps on none."""
        self._optimiser.at = step
        self._optimiser.zero_grad(set_to_none=True)
        if len(low):
            out = self._network(self.inner.seen(low).contiguous()).float()
            # All crops are of one size: the mean over the batch, times their number, is the sum.
            loss = len(low) * self.inner.loss(out, self.inner.seen(high))
            descend(loss)
        else:
            forget(self.inner.optimiser.learned)
        self._optimiser.step()
        self.spending.step()
        self.inner.update_average()
        return {}

    def figures(self) -> dict[str, float]:
        """Return what the log shows: epsilon so far, and delta."""
        return {"epsilon": self.spending.epsilon, "delta": self.guarantee.delta}

    def notes(self) -> dict[str, str]:
        """Return the guarantee for the header of the weights."""
        secret = self.inner.options.dp_seed is None
        return {HEADER: as_text(self.spending, secret=secret)}

    def set_rate(self, rate: float) -> None:
        self.inner.set_rate(rate)

    def state(self) -> dict[str, Any]:
        """Return all that a resume needs; the key only as long as steps are to come."""
        ended = self.spending.steps >= self.guarantee.steps
        known = self.inner.options.dp_seed is not None
        private = {
            "noise": self.guarantee.noise,
            "rate": self.guarantee.rate,
            "history": self.spending.history,
            "key": None if ended or known else self._key.secret.hex(),
            "sources": self._sources,
        }
        return {**self.inner.state(), "private": private}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        self.inner.restore(state)


def card_line(notes: Mapping[str, str], init: str | None) -> str:
    """Return one line for the model card from ``notes`` of a private learner."""
    line = in_words(json.loads(notes[HEADER]))
    return line if init is None else f"{line}; not covered: what {init} has learned before"
