"""Guarantee of a private run: what is promised, the noise it takes, and what is spent so far."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opacus.accountants import RDPAccountant
from opacus.accountants.utils import get_noise_multiplier

from vidsr.errors import OptionError
from vidsr.training.options import Options
from vidsr.training.privacy_rules import check_sources

UNIT = "photograph or video"
CLOSENESS = 1e-3  # of the epsilon that the noise is chosen for, as a share of the one asked for


@dataclass(frozen=True)
class Guarantee:
    """Numbers that decide what a run gives away of one source.

    Attributes:
        epsilon: Bound asked for, at the end of the run.
        delta: Chance that the bound does not hold.
        clip: Greatest norm of a source's gradient.
        noise: Deviation of the noise on the sum of gradients, in units of ``clip``.
        rate: Chance of a source to take part in a step.
        sources: Number of sources.
        steps: Steps of the whole run.
    """

    epsilon: float
    delta: float
    clip: float
    noise: float
    rate: float
    sources: int
    steps: int

    @classmethod
    def choose(cls, options: Options, sources: int) -> Guarantee:
        """Choose the noise for the epsilon of ``options``. Raises OptionError if none is enough."""
        assert options.dp_epsilon is not None
        assert options.steps is not None
        check_sources(options, sources)
        rate = options.batch / sources
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the bound holds at any order of divergence
                noise = get_noise_multiplier(
                    target_epsilon=options.dp_epsilon,
                    target_delta=options.dp_delta,
                    sample_rate=rate,
                    steps=options.steps,
                    accountant="rdp",
                    epsilon_tolerance=CLOSENESS * options.dp_epsilon,
                )
        except ValueError as error:
            raise OptionError(
                f"dp_epsilon = {options.dp_epsilon:g} with dp_delta = {options.dp_delta:g}: "
                "no noise is enough; expected more of either"
            ) from error
        return cls(
            options.dp_epsilon,
            options.dp_delta,
            options.dp_clip,
            float(noise),
            rate,
            sources,
            options.steps,
        )


class Spending:
    """Account of the steps done: Opacus's accountant by Rényi divergence."""

    def __init__(self, guarantee: Guarantee, history: Sequence[Sequence[float]] = ()) -> None:
        self.guarantee = guarantee
        self._accountant = RDPAccountant()
        for noise, rate, steps in history:
            self._accountant.history.append((float(noise), float(rate), int(steps)))

    def step(self) -> None:
        """Count one step, whatever was drawn in it."""
        self._accountant.step(
            noise_multiplier=self.guarantee.noise, sample_rate=self.guarantee.rate
        )

    @property
    def history(self) -> list[tuple[float, float, int]]:
        """Return noise, rate and number of the steps done."""
        return list(self._accountant.history)

    @property
    def steps(self) -> int:
        return sum(steps for _, _, steps in self.history)

    @property
    def epsilon(self) -> float:
        """Return what is spent so far at the guarantee's delta."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the bound holds at any order of divergence
            return float(self._accountant.get_epsilon(self.guarantee.delta))


def as_text(spending: Spending, *, secret: bool) -> str:
    """Return what the header of the weights says, as JSON."""
    return json.dumps(facts(spending, secret=secret), sort_keys=True)


def facts(spending: Spending, *, secret: bool) -> dict[str, Any]:
    """Return the guarantee in numbers; ``secret`` False says that the noise can be repeated."""
    guarantee = spending.guarantee
    return {
        "epsilon": round(spending.epsilon, 4),
        "delta": guarantee.delta,
        "unit": UNIT,
        "sources": guarantee.sources,
        "clip": guarantee.clip,
        "noise": guarantee.noise,
        "rate": guarantee.rate,
        "steps": spending.steps,
        "accountant": "rdp",
        "noise is secret": secret,
    }


def in_words(said: Mapping[str, Any]) -> str:
    """Return one line for a card from ``facts``."""
    line = (
        f"epsilon {said['epsilon']:.3g}, delta {said['delta']:.2g} for each {said['unit']} of "
        f"{said['sources']}: gradients clipped to {said['clip']:g}, noise {said['noise']:.4g}, "
        f"rate {said['rate']:.4g}, {said['steps']} steps, Rényi accountant"
    )
    if not said["noise is secret"]:
        line += "; not in force: the noise comes from --dp-seed and can be taken away again"
    return line
