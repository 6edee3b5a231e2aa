"""Scores from pairwise votes, against cases by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vidsr.quality.opinion.bradley_terry import Z_95, chance, fit


def matrix(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, dtype=float)


def test_two_items_by_hand() -> None:
    # Three of four votes: a preference of 3/4 is a difference of ln 3. The information of the
    # difference is 4 * 3/4 * 1/4, so that each score, half of it, has a variance of 1/4 / (3/4).
    found = fit(matrix((0, 3), (1, 0)))
    assert found.scores == pytest.approx([math.log(3) / 2, -math.log(3) / 2])
    assert found.high - found.scores == pytest.approx(Z_95 * math.sqrt(1 / 3))
    assert found.scores - found.low == pytest.approx(Z_95 * math.sqrt(1 / 3))
    assert (found.finite, found.groups) == (True, ((0, 1),))


def test_three_items_by_hand() -> None:
    # Votes in exactly the shares of strengths 1, 2 and 4: 1 to 2, 1 to 2, and 1 to 4.
    found = fit(matrix((0, 1, 1), (2, 0, 1), (4, 2, 0)))
    assert found.scores == pytest.approx([-math.log(2), 0, math.log(2)], abs=1e-8)
    assert found.finite


def test_the_middle_is_at_zero_and_ties_are_even() -> None:
    found = fit(matrix((0, 2.5), (2.5, 0)))
    assert found.scores == pytest.approx([0, 0])
    assert fit(matrix((0, 5, 1), (2, 0, 7), (3, 1, 0))).scores.sum() == pytest.approx(0, abs=1e-9)


def test_more_votes_narrow_the_interval() -> None:
    few, many = fit(matrix((0, 3), (1, 0))), fit(matrix((0, 300), (100, 0)))
    assert many.scores == pytest.approx(few.scores)
    assert many.high - many.low == pytest.approx((few.high - few.low) / 10)


def test_an_undefeated_item_gets_a_finite_score() -> None:
    # With one vote more of each against 0, half won: s maximises 5 ln p(2s) + ln p(s) p(-s) for
    # scores s and -s, so that 5 (1 - p(2s)) = p(s) - 1/2, each item having half of the slope.
    found = fit(matrix((0, 5), (0, 0)))
    assert not found.finite
    s = float(found.scores[0])
    p = 1 / (1 + math.exp(-2 * s))
    assert 5 * (1 - p) == pytest.approx(1 / (1 + math.exp(-s)) - 0.5, abs=1e-6)
    assert found.low[0] < s < found.high[0]
    assert np.isfinite([found.low, found.high]).all()


def test_groups_that_were_never_compared() -> None:
    wins = np.zeros((5, 5))
    wins[0, 1] = wins[1, 0] = 2
    wins[2, 3] = 3
    found = fit(wins)
    assert not found.finite
    assert found.groups == ((0, 1), (2, 3), (4,))
    assert np.isfinite(found.scores).all()
    assert found.scores[2] > found.scores[0] > found.scores[3]
    assert found.scores[4] == pytest.approx(found.scores[0])


def test_no_vote_and_one_item() -> None:
    assert fit(np.zeros((3, 3))).scores == pytest.approx([0, 0, 0])
    assert fit(np.zeros((1, 1))).finite


def test_lopsided_votes_converge() -> None:
    found = fit(matrix((0, 1000, 900), (1, 0, 500), (1, 1, 0)))
    ahead = chance(found.scores[:, None] - found.scores[None])
    games = matrix((0, 1001, 901), (1001, 0, 501), (901, 501, 0))
    # At the maximum as many votes are expected for each as there were.
    assert (games * ahead).sum(1) == pytest.approx([1900, 501, 2], rel=1e-6)


@pytest.mark.parametrize("wins", [1e2, 1e3, 1e4, 1e6])
def test_intervals_of_lopsided_votes_by_hand(wins: float) -> None:
    # The information of the difference is n p (1 - p) = wins / (wins + 1), with one vote lost; a
    # score is half of the difference.
    found = fit(matrix((0, wins), (1, 0)))
    assert found.scores[0] == pytest.approx(math.log(wins) / 2)
    assert found.high - found.scores == pytest.approx(Z_95 * math.sqrt((wins + 1) / wins) / 2)


def test_intervals_are_those_of_scores_less_their_mean() -> None:
    # Five votes to none: the mean of both is 0 by definition, so what the made-up votes leave open
    # about it is no part of the interval. Of the difference the information is 5 p (1 - p), and
    # half of q (1 - q) of the made-up vote of each.
    found = fit(matrix((0, 5), (0, 0)))
    s = float(found.scores[0])
    p, q = 1 / (1 + math.exp(-2 * s)), 1 / (1 + math.exp(-s))
    expected = Z_95 * math.sqrt(0.5 / (2 * 5 * p * (1 - p) + q * (1 - q)))
    assert found.high - found.scores == pytest.approx([expected, expected])
