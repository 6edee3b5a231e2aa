"""The scheduler: worker threads that all streams share, and the policy that tells them what next.

with Scheduler() as scheduler:
    scheduler.join(contender, levels, source_format)
    scheduler.submit(contender, arrival)  # ends in contender.deliver or contender.drop
    scheduler.leave(contender)
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch

from vidsr.errors import OptionError
from vidsr.live.base.items import Arrival
from vidsr.live.base.options import Late
from vidsr.live.base.roles import Contender
from vidsr.live.schedule.desk import Desk
from vidsr.live.schedule.levels.level import Level, is_reusing
from vidsr.live.schedule.member import Member, Watcher
from vidsr.live.schedule.policy.lane import Terms
from vidsr.live.schedule.policy.policy import Policy
from vidsr.live.schedule.policy.rules import STANDARD, Rules
from vidsr.live.schedule.threads import start_threads
from vidsr.live.schedule.warmer import Warmer
from vidsr.live.schedule.worker import Worker
from vidsr.picture.frame import VideoFormat


@dataclass(frozen=True)
class Usage:
    """What the workers have done so far.

    Args:
        busy_s: Seconds that each worker was at work.
        batches: Jobs by the number of their frames.
        load: Workers that the streams keep busy at their levels, as predicted.
        ticked_s: The monotonic clock when a worker last looked for work.
    """

    busy_s: tuple[float, ...]
    batches: Mapping[int, int]
    load: float
    ticked_s: float


class Scheduler:
    """Workers that upscale frames of many streams, each within its deadline and share.

    All methods may be called from any thread.

    Args:
        workers: Frames, or batches of them, at once. None: as many as PyTorch has threads, for a
            CPU; for a GPU give 1.
        threads: PyTorch's threads in each worker; None shares out those that there are. One worker
            with all threads is fastest for a single stream, a worker each gets most frames done.
        rules: Numbers of the policy.

    Raises:
        OptionError: A number is less than 1.
    """

    def __init__(
        self, workers: int | None = None, *, threads: int | None = None, rules: Rules = STANDARD
    ) -> None:
        available = torch.get_num_threads()
        count = available if workers is None else workers
        each = max(1, available // max(1, count)) if threads is None else threads
        for name, number in (("workers", count), ("threads", each)):
            if number < 1:
                raise OptionError(f"{name} = {number}: expected 1 or more")
        self._desk = desk = Desk(Policy(count, rules))
        self._members: dict[Contender, Member] = {}
        self._warmer = warmer = Warmer(desk)
        self._workers = [Worker(desk, warmer.measure) for _ in range(count)]
        tasks = [*(worker.run for worker in self._workers), self._warmer.run]
        self._threads = start_threads(tasks, "vidsr-live", each)

    def join(
        self,
        contender: Contender,
        levels: Sequence[Level],
        source: VideoFormat,
        *,
        late: Late = "ladder",
        rate: float = 25.0,
        demand: Callable[[Arrival], float] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """Begin a stream, and return at once: a thread warms its levels, the fastest first.

        A frame that comes before the fastest level is ready waits for it. A stream whose frames
        get another format leaves and joins again, with ``drain`` before where no frame may be lost.

        Args:
            contender: The stream.
            levels: Levels from best to fastest. ``drop`` and ``wait`` use the first alone.
            source: Format of its frames.
            late: As in ``QualityOptions``.
            rate: Frames a second, until they have been counted.
            demand: Function that tells, before the work, what share of a frame is new and has to
                be computed, 0 to 1. Called by the thread that submits.
            watcher: Taker of changes of the level and of errors.

        Raises:
            OptionError: The stream takes part already, has no level, or the scheduler has stopped.
        """
        if not levels:
            raise OptionError("levels: expected 1 or more, got none")
        terms = Terms(
            weight=contender.weight,
            deadline_s=contender.deadline_s,
            late=late,
            levels=len(levels),
            interval_s=1 / rate,
            side_by_side=min(level.side_by_side for level in levels),
            batches=tuple(level.batch_key(source) for level in levels),
            reuses=tuple(demand is not None or is_reusing(level) for level in levels),
            kinds=tuple((level.name, source) for level in levels),
        )
        with self._desk.changed:
            if self._desk.stopped or contender in self._members:
                why = "the scheduler has stopped" if self._desk.stopped else "it takes part already"
                raise OptionError(f"contender {contender.name}: {why}")
            lane = self._desk.policy.join(terms)
            lane.owner = member = Member(contender, lane, levels, source, demand, watcher)
            self._members[contender] = member
        self._warmer.put(member)

    def submit(self, contender: Contender, arrival: Arrival) -> None:
        """Take a frame, which ends in one ``deliver`` or one ``drop`` of its stream.

        Returns at once, unless the stream upscales every frame (``wait``) and has enough of them
        waiting: then it returns when there is room, or the stream leaves.
        """
        member = self._members.get(contender)
        share = None if member is None else member.demanded(arrival)
        with self._desk.changed:
            member = self._members.get(contender)
            while member is not None and not self._desk.policy.has_room(member.lane):
                self._desk.changed.wait()
                member = self._members.get(contender)
            if member is not None:
                now_s = time.monotonic()
                dropped = self._desk.policy.arrive(member.lane, arrival, now_s, share)
                self._desk.owe(dropped)
                self._desk.changed.notify_all()
        if member is None:
            arrival.frame.release()
            contender.drop(arrival, "stopped")
            return
        self._desk.tell(dropped)

    def spent(self, contender: Contender, seconds: float) -> None:
        """Take how long a frame was on its way after ``deliver``: encoding and sending.

        The mean of it is kept free before each deadline.
        """
        with self._desk.changed:
            member = self._members.get(contender)
            if member is not None:
                member.lane.spent(seconds)

    def drain(self, contender: Contender, timeout_s: float = 2.0) -> bool:
        """Wait until every frame of a stream that was submitted has its end.

        For a stream that leaves because its format changes, and not because it is over. Not for a
        thread of the scheduler, which would wait for itself.

        Returns:
            False where ``timeout_s`` was too short for that.
        """
        with self._desk.changed:
            member = self._members.get(contender)
            if member is None:
                return True
            lane = member.lane
            return self._desk.changed.wait_for(
                lambda: lane.gone or (not lane.waiting and member.is_idle), timeout_s
            )

    def leave(self, contender: Contender, timeout_s: float = 2.0) -> bool:
        """End a stream: what waits and what is in work is dropped as ``stopped``.

        Its levels are the caller's to close.

        Returns:
            True once the stream has had its last call, False where ``timeout_s`` was too short for
            that, or a worker calls.
        """
        with self._desk.changed:
            member = self._members.pop(contender, None)
            if member is None:
                return True
            dropped = self._desk.policy.leave(member.lane)
            self._desk.owe(dropped)
            self._desk.changed.notify_all()
        self._desk.tell(dropped)
        patience_s = 0.0 if threading.current_thread() in self._threads else timeout_s
        with self._desk.changed:
            return self._desk.changed.wait_for(lambda: member.is_idle, patience_s)

    def level(self, contender: Contender) -> str | None:
        """Return the name of the level that the stream's next frame gets, None before the first."""
        with self._desk.changed:
            member = self._members.get(contender)
            if member is None or member.lane.best_known == member.lane.terms.levels:
                return None
            return member.levels[member.lane.level].name

    def is_warm(self, contender: Contender) -> bool:
        """Return True once all levels of the stream have been warmed, or have failed to be."""
        with self._desk.changed:
            member = self._members.get(contender)
            return member is not None and member.is_warm

    def usage(self) -> Usage:
        """Return what the workers have done so far."""
        with self._desk.changed:
            batches: Counter[int] = sum((one.batches for one in self._workers), Counter())
            busy_s = tuple(one.busy_s for one in self._workers)
            return Usage(busy_s, dict(batches), self._desk.policy.busy, self._desk.ticked_s)

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End all streams and the workers; a second call does nothing.

        Returns:
            False where a worker still had a frame after ``timeout_s``; it ends with that.
        """
        ends_s = time.monotonic() + timeout_s
        with self._desk.changed:
            self._desk.stopped = True
            members = list(self._members)
        for contender in members:
            self.leave(contender, max(0.0, ends_s - time.monotonic()))
        self._warmer.stop()
        with self._desk.changed:
            self._desk.changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, ends_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
