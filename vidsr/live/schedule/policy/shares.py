"""Shares of the workers: deficit round robin in predicted seconds, earliest deadline within them.

Each round gives every stream credit by its weight; a frame costs what it is predicted to take.
Streams with credit go first, and there is a new round when no frame waits that has any. So time
that others leave idle is free, and nobody runs into debt by using it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from vidsr.live.schedule.policy.lane import Lane

_LEAST_S = 1e-6  # credit that counts as some


def next_lane(ready: Collection[Lane], lanes: Iterable[Lane], rounds: float) -> Lane | None:
    """Return the lane whose frame is next, after a new round where that is necessary.

    Args:
        ready: Those with a frame that may be put to work.
        lanes: All.
        rounds: Rounds of its share that a lane may save up.
    """
    if not ready:
        return None
    able = [lane for lane in ready if lane.credit_s >= _LEAST_S]
    if not able:
        _new_rounds(ready, lanes, rounds)
        able = [lane for lane in ready if lane.credit_s >= _LEAST_S]
    return min(able, key=lambda lane: (lane.in_work, lane.first_due_s))


def _new_rounds(ready: Collection[Lane], lanes: Iterable[Lane], rounds: float) -> None:
    """Give credit in as many rounds as it takes for a lane that is ready to have some."""
    # The dearest frame of now: less would make the order that of the credit, not of deadlines.
    quantum_s = max(lane.cost_s(lane.level) / lane.terms.weight for lane in ready)
    quantum_s = max(quantum_s, 2 * _LEAST_S)
    needed = min(
        math.ceil((_LEAST_S - lane.credit_s) / (quantum_s * lane.terms.weight)) for lane in ready
    )
    for lane in lanes:
        share_s = quantum_s * lane.terms.weight
        most_s = rounds * share_s
        lane.credit_s = max(lane.credit_s, min(most_s, lane.credit_s + max(1, needed) * share_s))
