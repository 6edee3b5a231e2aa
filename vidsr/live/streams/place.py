"""A stream's place at the scheduler, taken anew where the format of its frames changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidsr.errors import VidsrError
from vidsr.live.base.items import Arrival
from vidsr.live.base.options import Late
from vidsr.live.base.roles import Contender

if TYPE_CHECKING:
    from vidsr.live.schedule.levels.level import Level
    from vidsr.live.schedule.member import Watcher
    from vidsr.live.schedule.scheduler import Scheduler
    from vidsr.picture.frame import VideoFormat

logger = logging.getLogger("vidsr.live")


class Place:
    """The way of a stream's frames to the scheduler. ``submit`` belongs to the source's thread.

    Args:
        scheduler: The scheduler that streams share.
        contender: The stream, which gets results and drops.
        late: As in ``QualityOptions``.
        levels: Its levels of quality, which are closed with it.
        watcher: The one to whom changes of the level and errors are reported.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        contender: Contender,
        late: Late,
        levels: Sequence[Level],
        watcher: Watcher,
    ) -> None:
        self._scheduler, self._contender = scheduler, contender
        self._late, self._levels, self._watcher = late, tuple(levels), watcher
        self._lock = threading.Lock()
        self._returned = threading.Condition()
        self._away = 0  # frames that were submitted and have not come back
        self._format: VideoFormat | None = None
        self._left = False
        self.changes_format = False  # while true, frames that are dropped are so for that reason
        self.rate = 25.0

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels from best to fastest."""
        return tuple(level.name for level in self._levels)

    def submit(self, arrival: Arrival) -> None:
        """Give a frame to the scheduler, by whom it is delivered or dropped."""
        with self._returned:
            self._away += 1
        if arrival.frame.format != self._format and not self._rejoin(arrival.frame.format):
            arrival.frame.release()
            self._contender.drop(arrival, "failed")
            return
        self._scheduler.submit(self._contender, arrival)

    def returned(self) -> None:
        """Take note that a frame has been delivered or dropped. Callable from any thread."""
        with self._returned:
            self._away -= 1
            self._returned.notify_all()

    def leave(self) -> None:
        """Drop what waits or is in work, and let every frame that still comes be dropped."""
        with self._returned:
            if self._left:
                return
            self._left = True
            self._returned.notify_all()
        with self._lock:
            self._scheduler.leave(self._contender)
        for level in self._levels:
            level.close()

    def spent(self, seconds: float) -> None:
        """Tell the scheduler how long a result took from there to the sinks."""
        self._scheduler.spent(self._contender, seconds)

    def _rejoin(self, source: VideoFormat) -> bool:
        """Take a place for frames of a format. Return False where there is no way to upscale it.

        Where every frame is upscaled, those of the format before are awaited.
        """
        if self._late == "wait":
            with self._returned:
                self._returned.wait_for(lambda: self._left or self._away <= 1)
        with self._lock:
            if self._left:
                return True  # the scheduler drops what a stranger gives it
            self.changes_format = True
            try:
                self._scheduler.leave(self._contender)
                self._join(source)
            except VidsrError as error:
                logger.error("%s: %s", self._contender.name, error)
                return False
            finally:
                self.changes_format = False
            self._format = source
            return True

    def _join(self, source: VideoFormat) -> None:
        self._scheduler.join(
            self._contender,
            self._levels,
            source,
            late=self._late,
            rate=self.rate,
            watcher=self._watcher,
        )
