"""What the threads of a scheduler share: the policy, its lock, drops yet to be told."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from vidsr.live.schedule.policy.policy import Dropped, Policy


@dataclass(eq=False)
class Desk:
    """The state that threads share.

    Attributes:
        policy: The policy; for whoever holds ``changed``.
        changed: Lock, and notice of everything that somebody may wait for.
        stopped: True once no more work is given out.
        ticked_s: The monotonic clock when a worker last looked for work.
    """

    policy: Policy
    changed: threading.Condition = field(default_factory=threading.Condition)
    stopped: bool = False
    ticked_s: float = field(default_factory=time.monotonic)

    def owe(self, dropped: Sequence[Dropped]) -> None:
        """Note drops that streams do not know of yet; for whoever holds ``changed``."""
        for one in dropped:
            one.lane.owner.untold += 1

    def tell(self, dropped: Sequence[Dropped]) -> None:
        """Tell streams of drops that were noted; for whoever does not hold ``changed``."""
        for one in dropped:
            one.lane.owner.drop(one.arrival, one.reason)
        if dropped:
            with self.changed:
                for one in dropped:
                    one.lane.owner.untold -= 1
                self.changed.notify_all()
