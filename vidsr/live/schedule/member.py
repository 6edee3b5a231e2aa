"""A stream that takes part: its contender, its levels, and how it is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from vidsr.live.base.items import Arrival, Result
from vidsr.live.base.roles import Contender
from vidsr.live.base.states import DropReason
from vidsr.live.schedule.levels.level import Level, ReusingLevel
from vidsr.live.schedule.outbox import Outbox
from vidsr.live.schedule.policy.lane import Lane
from vidsr.picture.frame import VideoFormat

_LOG = logging.getLogger("vidsr.live")


class Watcher(Protocol):
    """The one to whom a stream's scheduler reports what is not about one frame."""

    def level_changed(self, direction: Literal["down", "up"], level: str) -> None:
        """Take note that the next frames get another level."""
        ...

    def level_failed(self, level: str, error: BaseException) -> None:
        """Take note that a level raised an error, with a frame or when it was warmed."""
        ...


@dataclass(eq=False)
class Member:
    """A stream that takes part.

    Args:
        contender: Taker of results and drops.
        lane: Its place in the policy.
        levels: Levels from best to fastest.
        source: Format of its frames.
        demand: Function that tells the share of a frame to be computed, 0 to 1.
        watcher: Taker of changes and errors.
    """

    contender: Contender
    lane: Lane
    levels: Sequence[Level]
    source: VideoFormat
    demand: Callable[[Arrival], float] | None = None
    watcher: Watcher | None = None
    outbox: Outbox = field(default_factory=Outbox)
    is_warm: bool = False
    untold: int = 0
    """Drops that were decided and that the stream does not know of yet; the scheduler's lock."""

    @property
    def is_idle(self) -> bool:
        """True where no call of the stream is still to come."""
        return not self.untold and self.outbox.is_empty

    def demanded(self, arrival: Arrival) -> float | None:
        """Return the share of a frame that changed, None where nobody tells before the work."""
        if self.demand is None:
            return None
        try:
            return self.demand(arrival)
        except Exception:
            _LOG.exception("a stream's function raised an error")
            return None

    def changed_share(self, level: int, arrival: Arrival) -> float | None:
        """Return the share of a frame that a level would compute, None where it reuses nothing."""
        own = self.levels[level]
        if self.demand is not None or not isinstance(own, ReusingLevel) or not own.reuses:
            return None
        try:
            return own.changed_share(arrival.frame)
        except Exception:
            return None  # the upscaling meets the same error and reports it

    def deliver(self, result: Result) -> None:
        """Give a result to the stream, or note that the stream has ended."""
        if self.lane.gone:
            _quietly(result.frame.release)
            self.note_drop(result.arrival, "stopped")
            return
        _quietly(lambda: self.contender.deliver(result))

    def release(self, arrival: Arrival) -> None:
        """Give the planes of a frame back that has been upscaled."""
        _quietly(arrival.frame.release)

    def drop(self, arrival: Arrival, reason: DropReason) -> None:
        """Give a frame's planes back and tell the stream why."""
        _quietly(arrival.frame.release)
        self.note_drop(arrival, reason)

    def note_drop(self, arrival: Arrival, reason: DropReason) -> None:
        """Tell the stream about a frame whose planes have been given back."""
        _quietly(lambda: self.contender.drop(arrival, reason))

    def level_changed(self, direction: Literal["down", "up"], level: int) -> None:
        """Tell the watcher about a step."""
        watcher, name = self.watcher, self.levels[level].name
        if watcher is not None:
            _quietly(lambda: watcher.level_changed(direction, name))

    def level_failed(self, level: int, error: BaseException) -> None:
        """Tell the watcher about an error, or log it where there is none."""
        watcher, name = self.watcher, self.levels[level].name
        if watcher is None:
            _LOG.warning("%s: %s: %s", self.contender.name, name, error)
        else:
            _quietly(lambda: watcher.level_failed(name, error))


def _quietly(call: Callable[[], None]) -> None:
    """Call a stream's function; an error in it is the stream's and ends no worker."""
    try:
        call()
    except Exception:
        _LOG.exception("a stream's function raised an error")
