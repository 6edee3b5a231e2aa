"""Begin of a private run: the guarantee is chosen, or taken up again, and put around the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from vidsr.errors import InputError, OptionError
from vidsr.training.data.crop_pool import CropPool
from vidsr.training.options import Options
from vidsr.training.private.guarantee import Guarantee, Spending
from vidsr.training.private.keys import Key
from vidsr.training.private.learner import PrivateLearner
from vidsr.training.private.sampling import PoissonPool
from vidsr.training.steps.fidelity import Fidelity


def protect(
    options: Options,
    learner: Fidelity,
    pool: CropPool,
    state: Mapping[str, Any] | None,
    tell: Callable[[str], None],
) -> tuple[PrivateLearner, PoissonPool]:
    """Return learner and pool of a private run, or of the rest of one that left ``state``.

    Raises:
        OptionError: The sources are too few, no noise is enough, or they are others than before.
        InputError: The state is damaged.
    """
    guarantee = Guarantee.choose(options, len(set(pool.sources)))
    key = Key.fresh() if options.dp_seed is None else Key.of_seed(options.dp_seed)
    history: list[tuple[float, float, int]] = []
    sources = fingerprint(pool)
    if state is not None:
        guarantee, key, history = _taken_up(guarantee, key, sources, state)
    tell(
        f"epsilon {guarantee.epsilon:g} at delta {guarantee.delta:g} for each of "
        f"{guarantee.sources} photographs and videos takes noise {guarantee.noise:.3g}; "
        f"each is drawn with probability {guarantee.rate:.3g} a step"
    )
    if options.init is not None:
        tell(f"not covered: what {options.init} has learned before")
    if options.dp_seed is not None:
        tell("no guarantee in force: noise of a known seed can be taken away again")
    private = PrivateLearner(learner, Spending(guarantee, history), key, sources)
    return private, PoissonPool(pool, key, guarantee.rate)


def _taken_up(
    guarantee: Guarantee, key: Key, sources: str, state: Mapping[str, Any]
) -> tuple[Guarantee, Key, list[tuple[float, float, int]]]:
    """Return noise, key and history of the run that left ``state``, the learner's."""
    try:
        private = state["private"]
        known, secret = private["sources"], private["key"]
        key = Key(bytes.fromhex(secret)) if secret is not None else key
        old = replace(guarantee, noise=float(private["noise"]), rate=float(private["rate"]))
        history = [(float(n), float(r), int(steps)) for n, r, steps in private["history"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the state of no private run ({type(error).__name__})") from error
    if known != sources:
        raise OptionError(
            "the pictures are not those that the private run was begun with, and its guarantee "
            "counts them",
            hint="begin another run in another --out",
        )
    return old, key, history


def fingerprint(pool: CropPool) -> str:
    """Return a text that tells the sources of a pool from others, by name and size."""
    text = repr((pool.sources, pool.bytes))
    return hashlib.sha256(text.encode()).hexdigest()
