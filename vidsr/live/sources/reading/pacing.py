"""The moment at which a decoded picture is handed on: at once, without the backlog, or when due."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, Protocol, TypeVar

# A read that took longer waited for the network: what had been held back for us is all read.
WAITED_S = 0.008
# Where decoding is so slow that no read ever waits, what is decoded has to do.
LONGEST_S = 2.0
# Later than this, the whole schedule moves: the source was late, and stays it.
LATE_S = 0.2
JUMP_S = 10.0


class Timed(Protocol):
    """Something with a time by the source's clock, in seconds; None where it has none."""

    @property
    def time_s(self) -> Fraction | None: ...


Item = TypeVar("Item", bound=Timed)


@dataclass(frozen=True)
class Drained(Generic[Item]):
    """Pictures to be handed on, in order, and the number of those that are too old."""

    items: list[Item]
    dropped: int = 0


class Drain(Generic[Item]):
    """The backlog of a connection that has just been opened.

    While it opens, pictures pile up in FFmpeg and in the network. Those older than ``backlog_s``,
    measured at the newest of the pile, are dropped; afterwards everything passes at once.

    Args:
        backlog_s: The age up to which pictures are kept, in seconds; None drops none.
    """

    def __init__(self, backlog_s: float | None) -> None:
        self._backlog_s = backlog_s
        self._held: list[Item] = []
        self._began_s: float | None = None
        self.done = backlog_s is None

    def push(self, item: Item, waited_s: float, now_s: float) -> Drained[Item]:
        """Return what is to be handed on now.

        Args:
            item: A decoded picture.
            waited_s: How long reading has waited since the picture before.
            now_s: The monotonic clock.
        """
        if self.done:
            return Drained([item])
        began_s = self._began_s = now_s if self._began_s is None else self._began_s
        if self._held and (waited_s > WAITED_S or now_s - began_s > LONGEST_S):
            held = self.finish()
            return Drained([*held.items, item], held.dropped)
        self._held.append(item)
        young = self._young()
        dropped = len(self._held) - len(young)
        self._held = young
        return Drained([], dropped)

    def finish(self) -> Drained[Item]:
        """Return what is left, and let everything pass from now on."""
        self.done = True
        held, self._held = self._held, []
        return Drained(held)

    def _young(self) -> list[Item]:
        """Return what is not too old, compared with the newest."""
        times = [item.time_s for item in self._held]
        newest = max((time for time in times if time is not None), default=None)
        if newest is None or self._backlog_s is None:
            return self._held
        first = next(
            index
            for index, time in enumerate(times)
            if time is not None and newest - time <= self._backlog_s
        )
        # RTSP's first picture has no time: it goes with the one behind it.
        return self._held if all(time is None for time in times[:first]) else self._held[first:]


class Pace:
    """A schedule that gives pictures at the pace of their times, for files and playlists."""

    def __init__(self) -> None:
        self._begin_s: float | None = None  # our clock at the source's time zero
        self._time_s = 0.0
        self._due_s = 0.0

    def resume(self, step_s: float) -> None:
        """Go on with another clock of the source, ``step_s`` after the last picture."""
        if self._begin_s is not None:
            self._due_s += step_s
            self._begin_s = None

    def due_s(self, time_s: float, now_s: float) -> float:
        """Return when a picture is due by the monotonic clock; what is past means at once.

        Args:
            time_s: The picture's time by the source.
            now_s: The monotonic clock.
        """
        if self._begin_s is None:
            at_s = self._due_s if self._due_s > 0 and now_s - self._due_s < LATE_S else now_s
            self._begin_s = at_s - time_s
        elif not -1 < time_s - self._time_s < JUMP_S:
            self._begin_s = max(now_s, self._due_s) - time_s
        due_s = self._begin_s + time_s
        if now_s - due_s > LATE_S:
            self._begin_s += now_s - due_s
            due_s = now_s
        self._time_s, self._due_s = time_s, due_s
        return due_s
