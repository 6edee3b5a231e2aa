"""Scores from pairwise votes, by the model of Bradley and Terry 1952.

Item i is preferred to item j with probability 1 / (1 + exp(s_j - s_i)). The scores s that make the
votes most likely are found by Newton's method; their mean is 0. Intervals come from the curvature
there: the covariance is the inverse of the information matrix, of scores less their mean, and votes
are taken to be independent of one another.

The maximum is finite where one can get from every item to every other along wins (Ford 1957). Where
not (an item that never lost or never won, or groups that were never compared) every item is given
one vote more, half won and half lost, against an item of score 0; ``Fit.finite`` is False then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Z_95 = 1.959963984540054  # 95 % of a normal distribution lie within so many deviations
ROUNDS, ENOUGH = 100, 1e-10


@dataclass(frozen=True)
class Fit:
    """Scores with their intervals.

    Attributes:
        scores: Of each item, mean 0; a difference of 1 is a preference of 73 %.
        low: Lower ends of 95 % intervals.
        high: Upper ends.
        finite: True if the votes alone have a most likely answer.
        groups: Items that votes link with one another, by number; several cannot be compared.
    """

    scores: Matrix
    low: Matrix
    high: Matrix
    finite: bool
    groups: tuple[tuple[int, ...], ...]


def fit(wins: Matrix) -> Fit:
    """Fit scores to votes.

    Args:
        wins: ``[n, n]``: how often the row was preferred to the column; n is 1 or more.
    """
    finite = bool(_reached(wins > 0).all())
    scores, information = _newton(wins, 0.0 if finite else 1.0)
    centre = np.eye(len(wins)) - 1 / len(wins)
    covariance = centre @ np.linalg.inv(information) @ centre
    spread = Z_95 * np.sqrt(np.maximum(np.diag(covariance), 0))
    return Fit(scores, scores - spread, scores + spread, finite, _groups(wins))


def chance(difference: Matrix) -> Matrix:
    """Return the probability of being preferred, for a difference of scores."""
    return np.asarray(1 / (1 + np.exp(-difference)))


def _newton(wins: Matrix, extra: float) -> tuple[Matrix, Matrix]:
    """Return scores and information; ``extra`` votes of each against an item of score 0.

    Without these, votes say nothing of the mean of the scores: the information about it is then
    made up, so that the matrix has an inverse, and the mean stays 0.
    """
    games, scores = wins + wins.T, np.zeros(len(wins))
    information = np.zeros_like(games)
    for _ in range(ROUNDS):
        slope, information = _slope(wins, games, scores, extra)
        step = np.linalg.solve(information, slope)
        length = 1.0  # halved as long as it leads down: far from the answer Newton goes too far
        while _likelihood(wins, scores + length * step, extra) < _likelihood(
            wins, scores, extra
        ) - 1e-12 and (length > ENOUGH):
            length /= 2
        scores = scores + length * step
        if np.abs(length * step).max() < ENOUGH:
            break
    return scores - scores.mean(), information


def _slope(wins: Matrix, games: Matrix, scores: Matrix, extra: float) -> tuple[Matrix, Matrix]:
    expected = chance(scores[:, None] - scores[None])
    slope = (wins - games * expected).sum(1) + extra * (0.5 - chance(scores))
    weight = games * expected * (1 - expected)
    own = extra * chance(scores) * (1 - chance(scores))
    information = np.diag(weight.sum(1) + own) - weight
    if not extra:
        information += (float(weight.max()) or 1.0) / len(wins)
    return slope, information


def _likelihood(wins: Matrix, scores: Matrix, extra: float) -> float:
    ahead = scores[:, None] - scores[None]
    lone = -np.logaddexp(0, -scores) - np.logaddexp(0, scores)
    return float(-(wins * np.logaddexp(0, -ahead)).sum() + extra / 2 * lone.sum())


def _reached(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return ``[n, n]``: True where there is a way along edges, or none is needed."""
    reached = edges | np.eye(len(edges), dtype=bool)
    for middle in range(len(edges)):
        reached |= reached[:, middle : middle + 1] & reached[middle : middle + 1]
    return np.asarray(reached)


def _groups(wins: Matrix) -> tuple[tuple[int, ...], ...]:
    linked = _reached((wins + wins.T) > 0)
    return tuple(dict.fromkeys(tuple(int(j) for j in np.flatnonzero(row)) for row in linked))
