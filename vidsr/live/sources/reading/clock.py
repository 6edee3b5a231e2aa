"""The clock of a live source: one line of times over all of its connections, in ``TIME_BASE``.

A source's own times are kept: what is between two frames of one connection stays as it was. Where
they cannot go on, after a new connection, a jump of the source's clock, or without any time, the
line goes on by what has passed on our clock, a frame's length at least.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from vidsr.live.base.items import CLOCK_HZ

# Times jitter by some frames; a clock that was set goes further back, or forward by more than what
# a source can have been silent beside the time that has passed here.
BACKWARD = CLOCK_HZ
FORWARD = 10 * CLOCK_HZ
# The least step between two frames: RTMP knows none that is smaller.
LEAST = CLOCK_HZ // 1000
# Sound further away from the pictures than this comes from before or after a jump.
APART = 2 * CLOCK_HZ


class LiveClock:
    """A maker of times for pictures and sound, fed in the order in which they come.

    Args:
        mode: ``source`` keeps the source's times, ``arrival`` replaces them by ours.
        step: Length of a frame where nothing else tells, in ``TIME_BASE``.
        finite: True for a source that is read as fast as it can be, whose times may go forward by
            any amount.
    """

    def __init__(
        self,
        mode: Literal["source", "arrival"] = "source",
        step: int = CLOCK_HZ // 25,
        *,
        finite: bool = False,
    ) -> None:
        self.step = step
        self.jumps = 0
        self._arrival, self._finite = mode == "arrival", finite
        self._offset: int | None = None
        self._old_offset: int | None = None
        self._source: int | None = None  # the last picture's time by the source
        self._last: int | None = None  # the last picture's time by this clock
        self._last_sound: int | None = None
        self._arrived_s = self._epoch_s = 0.0

    def connect(self) -> None:
        """Take note of a new connection, whose times have nothing to do with those before."""
        self._offset = self._old_offset = self._source = None

    def picture(self, ticks: int | None, base: Fraction, arrived_s: float) -> int:
        """Return a picture's time, later than that of every picture before.

        Args:
            ticks: The source's time in units of ``base``, None where it has none.
            base: Seconds of a unit.
            arrived_s: The monotonic clock when it came.
        """
        source = None if ticks is None or self._arrival else _in_clock(ticks, base)
        time = self._resume(arrived_s)
        if source is not None:
            if self._offset is None or self._jumped(source, arrived_s):
                self._old_offset, self._offset = self._offset, time - source
            time = source + self._offset
        if self._last is not None:
            time = max(time, self._last + LEAST)
        if source is not None:
            self._source = source
        self._last, self._arrived_s = time, arrived_s
        return time

    def sound(self, ticks: int | None, base: Fraction, arrived_s: float) -> int | None:
        """Return the time of a packet of sound, None for one that belongs to no picture's time."""
        if self._last is None:
            return None
        if self._arrival:
            time: int | None = self._at(arrived_s)
        elif ticks is None or self._offset is None:
            time = None
        else:
            time = self._nearest(_in_clock(ticks, base))
        if time is None or time < 0:
            return None
        if self._last_sound is not None and time <= self._last_sound:
            if time < self._last_sound - BACKWARD:
                return None
            time = self._last_sound + 1
        self._last_sound = time
        return time

    def _resume(self, arrived_s: float) -> int:
        """Return the time of a picture by our clock alone."""
        if self._last is None:
            self._epoch_s = arrived_s
            return 0
        return self._at(arrived_s) if self._arrival else self._after(arrived_s)

    def _after(self, arrived_s: float) -> int:
        assert self._last is not None
        return self._last + max(self.step, round((arrived_s - self._arrived_s) * CLOCK_HZ))

    def _at(self, arrived_s: float) -> int:
        return round((arrived_s - self._epoch_s) * CLOCK_HZ)

    def _jumped(self, source: int, arrived_s: float) -> bool:
        """Return True if the source's clock was set since its last picture."""
        if self._source is None:
            return False
        passed = round((arrived_s - self._arrived_s) * CLOCK_HZ)
        ahead = source - self._source
        jumped = ahead < -BACKWARD or (ahead > passed + FORWARD and not self._finite)
        self.jumps += jumped
        return jumped

    def _nearest(self, source: int) -> int | None:
        """Return the time on whichever side of a jump is nearer to the pictures."""
        assert self._last is not None
        times = [
            source + offset for offset in (self._offset, self._old_offset) if offset is not None
        ]
        last = self._last
        time = min(times, key=lambda each: abs(each - last))
        return time if abs(time - last) <= APART or len(times) == 1 else None


def _in_clock(ticks: int, base: Fraction) -> int:
    return round(ticks * base * CLOCK_HZ)
