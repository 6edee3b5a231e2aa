"""Times of the pictures that leave a stream: the source's own, or a fixed grid with repeats.

Nothing here knows of threads or pictures: source times and the clock come in, output times go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from vidsr.live.base.items import CLOCK_HZ

HOLD_AFTER_S = 1.0  # without a picture, before the last one is repeated
HOLD_FPS = 5  # of repeats where there is no grid: a still picture, and a peer that stays awake
LONGEST_GAP_S = 1.0  # that a grid fills after the fact; a longer one is left open


@dataclass(frozen=True)
class Placing:
    """Place of a frame in the output.

    Args:
        pts: Its time of showing, in units of ``TIME_BASE``.
        repeats: Times before it, at which the picture before it has to be shown again.
    """

    pts: int
    repeats: tuple[int, ...] = ()


class Cadence(Protocol):
    """The rule by which pictures get their times. Times grow strictly."""

    def place(self, pts: int, now_s: float) -> Placing | None:
        """Return the place of a frame of the source; None where there is none for it."""
        ...

    def due_s(self) -> float | None:
        """Return when a picture has to be repeated if no frame comes; None before the first."""
        ...

    def fill(self, now_s: float) -> int:
        """Return the time of a picture that is repeated now."""
        ...

    def shift(self, pts: int) -> int:
        """Return the output's time of a moment of the source, for what is shown beside pictures."""
        ...


class SourceTimes:
    """Cadence of the source: its times, moved on where repeats have passed them.

    Args:
        rate: Frames a second of the source; repeats are no more frequent.
    """

    def __init__(self, rate: float) -> None:
        self._step_s = 1 / max(1.0, min(rate, HOLD_FPS))
        self._offset = 0
        self._last: int | None = None
        self._shown = (0, 0.0)  # time and clock of the last frame
        self._due_s: float | None = None

    def place(self, pts: int, now_s: float) -> Placing:
        """Return the place of a frame: its own time where that is later than the last one."""
        if self._last is not None:
            self._offset = max(self._offset, self._last + 1 - pts)
        self._last = pts + self._offset
        self._shown = (self._last, now_s)
        self._due_s = now_s + HOLD_AFTER_S
        return Placing(self._last)

    def due_s(self) -> float | None:
        """Return when the last picture has to be repeated."""
        return self._due_s

    def fill(self, now_s: float) -> int:
        """Return the time that the clock says has come since the last frame."""
        assert self._last is not None, "a picture has to be there before it is repeated"
        pts, shown_s = self._shown
        self._last = max(self._last + 1, pts + round((now_s - shown_s) * CLOCK_HZ))
        self._due_s = now_s + self._step_s
        return self._last

    def shift(self, pts: int) -> int:
        """Return ``pts`` as frames of that time are moved now."""
        return pts + self._offset


class Grid:
    """Cadence of a fixed rate: every place of the grid gets a picture, and only one.

    A frame that comes after its place was filled takes the next one; the delay that this makes is
    taken back at the next gap.

    Args:
        rate: Places a second.
        patience_s: Seconds that a place waits for its frame before the last one is repeated.
    """

    def __init__(self, rate: Fraction, patience_s: float) -> None:
        self._rate, self._patience_s = rate, patience_s
        self._origin = 0
        self._wished: int | None = None  # the place that the last frame's time asks for
        self._last = -1
        self._moved = 0  # places by which frames are later than their times ask for
        self._anchor = (0, 0.0)  # place and clock of the last frame

    def place(self, pts: int, now_s: float) -> Placing | None:
        """Return the place of a frame, with repeats for those that it leaves free before it."""
        if self._wished is None:
            self._origin = pts
        wished = round((pts - self._origin) * self._rate / CLOCK_HZ)
        if self._wished is not None and wished <= self._wished:
            return None
        self._wished = wished
        free = wished + self._moved - self._last - 1
        self._moved -= min(free, self._moved) if free > 0 else free
        place = wished + self._moved
        fits = place - self._last - 1 <= LONGEST_GAP_S * self._rate
        gap = range(self._last + 1, place) if fits and self._last >= 0 else ()
        self._last, self._anchor = place, (place, now_s)
        return Placing(self._time(place), tuple(self._time(each) for each in gap))

    def due_s(self) -> float | None:
        """Return when the next place has waited long enough."""
        if self._wished is None:
            return None
        place, now_s = self._anchor
        return now_s + float((self._last + 1 - place) / self._rate) + self._patience_s

    def fill(self, now_s: float) -> int:
        """Return the time of the next place."""
        self._last += 1
        return self._time(self._last)

    def shift(self, pts: int) -> int:
        """Return ``pts`` on the grid's clock, which begins where the first frame stood."""
        return pts + round(self._moved * CLOCK_HZ / self._rate)

    def _time(self, place: int) -> int:
        return self._origin + round(place * CLOCK_HZ / self._rate)
