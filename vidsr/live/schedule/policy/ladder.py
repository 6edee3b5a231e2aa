"""Ladder of a stream: down at once, up when there has been room for a while."""

from __future__ import annotations

import math

from vidsr.live.schedule.policy.rules import Rules


class Ladder:
    """Position of a stream among its levels; 0 is the best.

    Args:
        levels: How many there are.
        rules: Numbers of frames and seconds.
    """

    def __init__(self, levels: int, rules: Rules) -> None:
        self.levels, self._rules = levels, rules
        self.level = 0
        self._needed = rules.climb_frames
        self._fitting = 0
        self._fits_since_s = math.inf
        self._climbed_s = -math.inf
        self.relapses = 0
        """Steps down in a row that were relapses."""
        self.fell_s = -math.inf
        """When the newest step down was."""

    @property
    def is_last(self) -> bool:
        """True on the fastest level."""
        return self.level == self.levels - 1

    def place(self, level: int) -> None:
        """Take a level without history, as at the start."""
        self.level, self._fitting = level, 0

    def fall(self, level: int, now_s: float) -> None:
        """Go down to ``level``."""
        relapse = now_s - self._climbed_s < self._rules.relapse_s
        doubled = min(2 * self._needed, self._rules.climb_most)
        self._needed = doubled if relapse else self._rules.climb_frames
        self.relapses = self.relapses + 1 if relapse else 0
        self.level, self._fitting, self.fell_s = level, 0, now_s

    def forgive(self) -> None:
        """Take the patience back that relapses have made."""
        self._needed = self._rules.climb_frames

    def see(self, fits: bool, now_s: float) -> bool:
        """Note whether the better level had room with a frame; return True if it is time for it."""
        rules = self._rules
        self._fitting = self._fitting + 1 if fits and self.level > 0 else 0
        if self._fitting == 1:
            self._fits_since_s = now_s
        apart = now_s - self._climbed_s >= rules.climb_apart_s
        long_s = self._needed * rules.climb_frame_s  # else a slow camera would wait for minutes
        long = self._fitting >= rules.climb_least and now_s - self._fits_since_s >= long_s
        return (long or self._fitting >= self._needed) and apart

    def climb(self, now_s: float) -> None:
        """Go up by one level."""
        self.level, self._fitting, self._climbed_s = self.level - 1, 0, now_s
