"""Votes that a page gave, read and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidsr.errors import InputError, OptionError
from vidsr.quality.opinion.trials import Key, read_json

CHOICES = ("left", "right", "same")


@dataclass(frozen=True)
class Tally:
    """Counts of votes.

    Attributes:
        methods: Names, in the order of rows and columns.
        wins: Float64 ``[n, n]``: how often the row was preferred to the column; a pair that was
            called the same counts half for each.
        same: How many votes called a pair the same.
        raters: Number of files.
    """

    methods: tuple[str, ...]
    wins: NDArray[np.float64]
    same: int
    raters: int

    @property
    def votes(self) -> int:
        """Number of votes."""
        return round(float(self.wins.sum()))


def count_votes(key: Key, files: Sequence[Path]) -> Tally:
    """Return the votes of some files, one of each rater.

    Raises:
        OptionError: A file is named twice, which would count its votes twice.
        InputError: A file cannot be read, is of another page, or holds what is no vote.
    """
    _check_once(files)
    methods = tuple(sorted({name for t in key.trials for name in (t.left, t.right)}))
    wins = np.zeros((len(methods), len(methods)))
    same = 0
    for path in files:
        for number, choice in _votes_of(path, key).items():
            trial = key.trials[number]
            left, right = methods.index(trial.left), methods.index(trial.right)
            share = {"left": 1.0, "same": 0.5, "right": 0.0}[choice]
            wins[left, right] += share
            wins[right, left] += 1 - share
            same += choice == "same"
    return Tally(methods, wins, same, len(files))


def _check_once(files: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in files:
        if path.resolve() in seen:
            raise OptionError(f"{path}: named twice, expected one file of votes a rater")
        seen.add(path.resolve())


def _votes_of(path: Path, key: Key) -> dict[int, str]:
    data = read_json(path)
    if data.get("page") != key.page:
        raise InputError(
            f"{path}: votes of another page", hint="--opinion names the page that was judged."
        )
    votes: dict[int, str] = {}
    listed = data.get("votes")
    for vote in listed if isinstance(listed, list) else [None]:
        if not isinstance(vote, dict):
            raise InputError(f"{path}: expected one vote a trial, got {vote!r}")
        number = vote.get("trial")
        if type(number) is not int or not 0 <= number < len(key.trials) or number in votes:
            raise InputError(f"{path}: expected one vote a trial, got {vote!r}")
        if vote.get("choice") not in CHOICES:
            raise InputError(f"{path}: expected left, right or same, got {vote!r}")
        votes[number] = vote["choice"]
    return votes
