"""Pieces given to workers: each once, again where one was lost, twice where one is slow."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vidsr.clusters.messages import Assignment, Event
from vidsr.errors import OutputError

MOST_TRIES = 3
# A piece that takes so many times the median is given to a second worker when one is idle, unless
# it is a matter of seconds: the first piece of a worker waits for the model to be loaded.
SLOW, LEAST_SLOW_S = 2.0, 15.0
HELD_S = 2.0  # until somebody else's piece is looked at again


@dataclass
class _Piece:
    """A piece at work: since when, by how many, and how many of its frames are done."""

    since_s: float
    workers: int = 1
    frames: int = 0


@dataclass
class Tally:
    """What has been done: pieces and frames made, pieces lost, given twice, and left to others.

    ``took_s`` holds the seconds of pieces in rising order.
    """

    made: int = 0
    frames: int = 0
    lost: int = 0
    twice: int = 0
    held: int = 0
    took_s: list[float] = field(default_factory=list)


class Dispatch:
    """The order in which pieces are given out. It reads no clock: times are handed in.

    Args:
        missing: Numbers of the pieces to be made.
        has: A function that is true for a piece that is there, whoever made it.
        twice: True to give a slow piece to a second worker when one is idle.
    """

    def __init__(
        self, missing: Iterable[int], has: Callable[[int], bool], *, twice: bool = True
    ) -> None:
        self._waiting = deque(Assignment(piece) for piece in missing)
        self._has, self._twice = has, twice
        self._held: dict[int, float] = {}
        self._tries: dict[int, int] = {}
        self._at_work: dict[int, _Piece] = {}
        self.tally = Tally()

    @property
    def finished(self) -> bool:
        """True once no piece is missing; slow ones may still be made a second time."""
        return not (self._waiting or self._held or self._at_work)

    @property
    def frames_at_work(self) -> int:
        """The frames that are done of pieces that are not."""
        return sum(piece.frames for piece in self._at_work.values())

    def next(self, now_s: float) -> Assignment | None:
        """Return the piece for an idle worker; None where there is none."""
        for piece in [p for p, until_s in self._held.items() if until_s <= now_s]:
            del self._held[piece]
            self._waiting.append(Assignment(piece))
        while self._waiting:
            given = self._waiting.popleft()
            if not self._has(given.piece):
                self._at_work[given.piece] = _Piece(now_s)
                return given
        return self._second(now_s)

    def _second(self, now_s: float) -> Assignment | None:
        """Return the slowest piece, where it is slow enough for a second worker."""
        took_s = self.tally.took_s
        if not took_s or not self._twice:
            return None
        slow_s = max(LEAST_SLOW_S, SLOW * took_s[len(took_s) // 2])
        alone = [(at.since_s, p) for p, at in self._at_work.items() if at.workers == 1]
        since_s, piece = min(alone, default=(now_s, -1))
        if now_s - since_s <= slow_s:
            return None
        self._at_work[piece].workers += 1
        self.tally.twice += 1
        return Assignment(piece, anyway=True)

    def take(self, event: Event, now_s: float) -> None:
        """Take what happened to a piece. Raises a VidsrError where the run cannot go on."""
        if event.kind == "broken":
            raise event.as_error()
        at_work = self._at_work.get(event.piece)
        if at_work is None:  # of a piece that another has finished
            return
        if event.kind == "frames":
            at_work.frames = max(at_work.frames, event.count)
        elif event.kind == "made" or (event.kind != "room" and self._has(event.piece)):
            del self._at_work[event.piece]
            if event.kind == "made":
                self.tally.made += 1
                self.tally.frames += event.count
                insort(self.tally.took_s, now_s - at_work.since_s)
        elif event.kind in ("held", "lost", "failed"):
            self._back(event, at_work, now_s)

    def _back(self, event: Event, at_work: _Piece, now_s: float) -> None:
        """Take a piece back that was not made."""
        if event.kind == "failed":
            raise event.as_error()
        at_work.workers -= 1
        if event.kind == "lost":
            self.tally.lost += 1
            tries = self._tries[event.piece] = self._tries.get(event.piece, 0) + 1
            if tries >= MOST_TRIES:
                raise OutputError(
                    f"piece {event.piece}: its worker ended {tries} times without a word",
                    hint="it may have run out of memory: a smaller `max_memory` or `tile`.",
                )
        if at_work.workers:
            return
        del self._at_work[event.piece]
        if event.kind == "lost":
            self._waiting.appendleft(Assignment(event.piece, anyway=True))
        else:
            self.tally.held += 1
            self._held[event.piece] = now_s + HELD_S
