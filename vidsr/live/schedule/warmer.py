"""Warming of levels off the live frames: what they take is known before the first one comes."""

from __future__ import annotations

import queue
import time

from vidsr.live.schedule.desk import Desk
from vidsr.live.schedule.member import Member
from vidsr.picture.frame import VideoFormat

UNSEEN_S = 0.01  # what a level is taken to need that could not be warmed


class Warmer:
    """A thread's work: levels of streams that have joined, one stream after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: queue.SimpleQueue[tuple[Member, VideoFormat] | None] = queue.SimpleQueue()

    def put(self, member: Member, source: VideoFormat) -> None:
        """Have the levels of a stream warmed for frames of a format."""
        self._waiting.put((member, source))

    def stop(self) -> None:
        """End ``run`` after what it is doing."""
        self._waiting.put(None)

    def run(self) -> None:
        """Warm what comes until ``stop``."""
        while (one := self._waiting.get()) is not None:
            self._warm(*one)
            one[0].is_warm = True

    def _warm(self, member: Member, source: VideoFormat) -> None:
        """Warm levels from the fastest to the best: each serves as soon as it is known."""
        count = len(member.levels)
        used = range(count) if member.lane.terms.late == "ladder" else range(1)
        for level in reversed(used):
            if member.lane.gone or self._desk.stopped:
                return
            try:
                seconds = member.levels[level].warm(source)
            except Exception as error:
                member.level_failed(level, error)
                if level != used[-1]:
                    return  # those below serve
                seconds = UNSEEN_S  # every frame shows that it fails
            with self._desk.changed:
                self._desk.policy.seed(member.lane, level, seconds, time.monotonic())
                self._desk.changed.notify_all()
