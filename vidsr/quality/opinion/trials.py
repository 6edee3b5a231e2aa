"""Trials of a blind page: pairs of crops in random order, and the key that says what they were."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from vidsr.errors import InputError, NoInputError


@dataclass(frozen=True)
class Trial:
    """One pair: which picture it is of, and the methods at the left and at the right."""

    picture: str
    left: str
    right: str

    def __post_init__(self) -> None:
        names = (self.picture, self.left, self.right)
        if not all(isinstance(name, str) for name in names) or self.left == self.right:
            raise ValueError(f"expected names of a picture and of two methods, got {names}")


@dataclass(frozen=True)
class Key:
    """What a page shows, trial by trial; the page itself names no method.

    Attributes:
        page: Digest that ties votes to the page.
        seed: Number that the order follows from.
        trials: Trials in the order of the page.
    """

    page: str
    seed: int
    trials: tuple[Trial, ...]

    def to_json(self) -> str:
        """Return the key as a JSON object."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def read(cls, path: Path) -> Key:
        """Read a key file. Raises InputError."""
        data = read_json(path)
        try:
            trials = tuple(Trial(**each) for each in data["trials"])
            key = cls(str(data["page"]), int(data["seed"]), trials)
            if not trials:
                raise ValueError("expected one trial or more")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not the key of a page: {error}") from error
        return key


def plan_trials(rows: Mapping[str, Sequence[str]], seed: int) -> list[Trial]:
    """Return every pair of methods of every picture once, in random order and on random sides.

    Args:
        rows: Names of methods by that of the picture.
        seed: Number that the order follows from; one number gives one order.
    """
    rng = random.Random(seed)
    trials = []
    for picture, methods in rows.items():
        for pair in combinations(methods, 2):
            left, right = rng.sample(pair, 2)
            trials.append(Trial(picture, left, right))
    rng.shuffle(trials)
    return trials


def page_id(trials: Sequence[Trial], seed: int) -> str:
    """Return what ties votes to a page: a digest of its trials."""
    text = json.dumps([seed, [asdict(trial) for trial in trials]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_path(page: Path) -> Path:
    """Return the name of the key of a page: ``blind.key.json`` of ``blind.html``."""
    return page.with_suffix(".key.json")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file. Raises InputError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NoInputError(f"{path}: no such file", hint="check the name.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected a JSON object")
    return data
