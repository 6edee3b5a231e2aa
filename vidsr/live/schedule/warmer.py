"""Warming of levels off the live frames: what they take is known before the first one comes.

And measured anew later, where what was known keeps a stream from a level: see ``Rules.measure_s``.
"""

from __future__ import annotations

import queue
import time

from vidsr.live.schedule.desk import Desk
from vidsr.live.schedule.member import Member

UNSEEN_S = 0.01  # what a level is taken to need that could not be warmed
_Task = tuple[Member, int | None]  # a level to be measured, None for all to be warmed


class Warmer:
    """A thread's work: levels of streams that have joined, one stream after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()

    def put(self, member: Member) -> None:
        """Have the levels of a stream warmed for its frames."""
        self._waiting.put((member, None))

    def measure(self, member: Member, level: int) -> None:
        """Have one level of a stream measured anew."""
        self._waiting.put((member, level))

    def stop(self) -> None:
        """End ``run`` after what it is doing."""
        self._waiting.put(None)

    def run(self) -> None:
        """Warm and measure what comes until ``stop``."""
        while (task := self._waiting.get()) is not None:
            member, level = task
            if level is None:
                self._warm(member)
                member.is_warm = True
            else:
                self._measured(member, level)

    def _warm(self, member: Member) -> None:
        """Warm levels from the fastest to the best: each serves as soon as it is known."""
        count = len(member.levels)
        used = range(count) if member.lane.terms.late == "ladder" else range(1)
        for level in reversed(used):
            if member.lane.gone or self._desk.stopped:
                return
            try:
                seconds = member.levels[level].warm(member.source)
            except Exception as error:
                member.level_failed(level, error)
                if level != used[-1]:
                    return  # those below serve
                seconds = UNSEEN_S  # every frame shows that it fails
            with self._desk.changed:
                self._desk.policy.seed(member.lane, level, seconds, time.monotonic())
                self._desk.changed.notify_all()

    def _measured(self, member: Member, level: int) -> None:
        """Measure a level; one that fails meanwhile is left as it is known."""
        began_s, seconds = time.monotonic(), None
        if not (member.lane.gone or self._desk.stopped):
            try:
                seconds = member.levels[level].warm(member.source)
            except Exception:
                seconds = None
        took_s = time.monotonic() - began_s
        with self._desk.changed:
            self._desk.policy.measured(member.lane, level, seconds, took_s)
