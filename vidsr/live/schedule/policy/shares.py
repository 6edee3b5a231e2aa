"""Shares of the workers: deficit round robin in predicted seconds, earliest deadline within them.

Each round gives every stream credit by its weight; a frame costs what it is predicted to take.
Streams with credit go first, and there is a new round when no frame waits that has any. So time
that others leave idle is free, and nobody runs into debt by using it. Streams that have saved up
more than a round use less than their share and go before those that use all of it: else a slow
camera's frames would always find more urgent ones before them.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator
from itertools import count

from vidsr.live.schedule.policy.lane import Lane

_LEAST_S = 1e-6  # credit that counts as some


class Shares:
    """Lanes whose frames may be put to work, in the order in which that is to be.

    Args:
        rounds: Rounds of its share that a lane may save up.
    """

    def __init__(self, rounds: float) -> None:
        self._rounds = rounds
        self._order = count()
        self._quantum_s = 0.0  # credit of a weight of 1 in the last round
        self._rich: list[tuple[bool, int, float, int, Lane]] = []
        self._poor: dict[Lane, None] = {}
        self._entries: dict[Lane, int] = {}  # the entry of each lane that counts

    def put(self, lane: Lane) -> None:
        """Note that a lane's frames, credit or work have changed."""
        self._poor.pop(lane, None)
        self._entries.pop(lane, None)
        if not lane.ready:
            return
        if lane.credit_s < _LEAST_S:
            self._poor[lane] = None
            return
        self._entries[lane] = number = next(self._order)
        greedy = lane.credit_s <= self._quantum_s * lane.terms.weight
        heapq.heappush(self._rich, (greedy, lane.in_work, lane.first_due_s, number, lane))

    def first(self, lanes: Collection[Lane]) -> Lane | None:
        """Return the lane whose frame is next, after new rounds for ``lanes`` where there must be.

        Those with fewer frames in work go before others.
        """
        while True:
            while self._rich:
                *_, number, lane = self._rich[0]
                if self._entries.get(lane) == number:
                    return lane
                heapq.heappop(self._rich)
            if not self._poor:
                return None
            self._new_rounds(lanes)

    def ready(self) -> Iterator[Lane]:
        """Give all lanes with a frame that may be put to work."""
        yield from self._entries
        yield from self._poor

    def _new_rounds(self, lanes: Collection[Lane]) -> None:
        """Give credit in as many rounds as it takes for a lane that is ready to have some."""
        poor = list(self._poor)
        # The dearest frame of now: less would make the order that of the credit, not of deadlines.
        quantum_s = max(lane.cost_s(lane.level) / lane.terms.weight for lane in poor)
        self._quantum_s = quantum_s = max(quantum_s, 2 * _LEAST_S)
        shares_s = {lane: quantum_s * lane.terms.weight for lane in lanes}
        needed = max(1, min(math.ceil((_LEAST_S - x.credit_s) / shares_s[x]) for x in poor))
        for lane, share_s in shares_s.items():
            most_s = max(lane.credit_s, self._rounds * share_s)
            lane.credit_s = min(most_s, lane.credit_s + needed * share_s)
        for lane in [*poor, *self._entries]:
            self.put(lane)
