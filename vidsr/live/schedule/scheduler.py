"""The scheduler: worker threads that all streams share, and the policy that tells them what next.

with Scheduler() as scheduler:
    scheduler.join(contender, levels, source_format)
    scheduler.submit(contender, arrival)  # ends in contender.deliver or contender.drop
    scheduler.leave(contender)
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import torch

from vidsr.errors import OptionError
from vidsr.live.base.items import Arrival, Result
from vidsr.live.base.options import Late
from vidsr.live.base.roles import Contender
from vidsr.live.schedule.levels.level import Level
from vidsr.live.schedule.member import Member, Watcher
from vidsr.live.schedule.policy.lane import Terms
from vidsr.live.schedule.policy.policy import Dropped, Job, Policy
from vidsr.live.schedule.policy.rules import STANDARD, Rules
from vidsr.live.schedule.threads import start_threads
from vidsr.picture.frame import Frame, VideoFormat

UNSEEN_S = 0.01  # what a level is taken to need that could not be warmed


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


@dataclass
class _Worker:
    busy_s: float = 0.0
    batches: Counter[int] = field(default_factory=Counter)


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
        self._policy = Policy(count, rules)
        self._changed = threading.Condition()
        self._members: dict[Contender, Member] = {}
        self._warming: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopped = False
        self._ticked_s = time.monotonic()
        self._workers = [_Worker() for _ in range(count)]
        tasks = [partial(self._work, worker) for worker in self._workers]
        self._threads = start_threads([*tasks, self._warm], "vidsr-live", each)

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
        get another format leaves and joins again.

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
        )
        with self._changed:
            if self._stopped or contender in self._members:
                why = "the scheduler has stopped" if self._stopped else "it takes part already"
                raise OptionError(f"contender {contender.name}: {why}")
            lane = self._policy.join(terms)
            lane.owner = member = Member(contender, lane, levels, demand, watcher)
            self._members[contender] = member
        self._warming.put(partial(self._warm_member, member, source))

    def submit(self, contender: Contender, arrival: Arrival) -> None:
        """Take a frame, which ends in one ``deliver`` or one ``drop`` of its stream.

        Returns at once, unless the stream upscales every frame (``wait``) and has enough of them
        waiting: then it returns when there is room, or the stream leaves.
        """
        member = self._members.get(contender)
        work = 1.0 if member is None else member.work(arrival)
        with self._changed:
            member = self._members.get(contender)
            while member is not None and not self._policy.has_room(member.lane):
                self._changed.wait()
                member = self._members.get(contender)
            if member is not None:
                now_s = time.monotonic()
                dropped = self._policy.arrive(member.lane, arrival, now_s, work)
                _owe(dropped)
                self._changed.notify_all()
        if member is None:
            arrival.frame.release()
            contender.drop(arrival, "stopped")
            return
        self._tell(dropped)

    def spent(self, contender: Contender, seconds: float) -> None:
        """Take how long a frame was on its way after ``deliver``: encoding and sending.

        The mean of it is kept free before each deadline.
        """
        with self._changed:
            member = self._members.get(contender)
            if member is not None:
                member.lane.spent(seconds)

    def leave(self, contender: Contender, timeout_s: float = 2.0) -> bool:
        """End a stream: what waits and what is in work is dropped as ``stopped``.

        Its levels are the caller's to close.

        Returns:
            True once the stream has had its last call, False where ``timeout_s`` was too short for
            that, or a worker calls.
        """
        with self._changed:
            member = self._members.pop(contender, None)
            if member is None:
                return True
            dropped = self._policy.leave(member.lane)
            _owe(dropped)
            self._changed.notify_all()
        self._tell(dropped)
        patience_s = 0.0 if threading.current_thread() in self._threads else timeout_s
        with self._changed:
            return self._changed.wait_for(lambda: member.is_idle, patience_s)

    def level(self, contender: Contender) -> str | None:
        """Return the name of the level that the stream's next frame gets, None before the first."""
        with self._changed:
            member = self._members.get(contender)
            if member is None or member.lane.best_known == member.lane.terms.levels:
                return None
            return member.levels[member.lane.level].name

    def is_warm(self, contender: Contender) -> bool:
        """Return True once all levels of the stream have been warmed, or have failed to be."""
        with self._changed:
            member = self._members.get(contender)
            return member is not None and member.is_warm

    def usage(self) -> Usage:
        """Return what the workers have done so far."""
        with self._changed:
            batches: Counter[int] = sum((one.batches for one in self._workers), Counter())
            busy_s = tuple(one.busy_s for one in self._workers)
            return Usage(busy_s, dict(batches), self._policy.busy, self._ticked_s)

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End all streams and the workers; a second call does nothing.

        Returns:
            False where a worker still had a frame after ``timeout_s``; it ends with that.
        """
        ends_s = time.monotonic() + timeout_s
        with self._changed:
            self._stopped = True
            members = list(self._members)
        for contender in members:
            self.leave(contender, max(0.0, ends_s - time.monotonic()))
        self._warming.put(None)
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, ends_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _warm(self) -> None:
        """Warm levels of streams that have joined, in a thread of its own."""
        while (task := self._warming.get()) is not None:
            task()

    def _warm_member(self, member: Member, source: VideoFormat) -> None:
        self._warm_levels(member, source)
        member.is_warm = True

    def _warm_levels(self, member: Member, source: VideoFormat) -> None:
        count = len(member.levels)
        used = range(count) if member.lane.terms.late == "ladder" else range(1)
        for level in reversed(used):
            if member.lane.gone or self._stopped:
                return
            try:
                seconds = member.levels[level].warm(source)
            except Exception as error:
                member.level_failed(level, error)
                if level != used[-1]:
                    return  # those below serve
                seconds = UNSEEN_S  # every frame shows that it fails
            with self._changed:
                self._policy.seed(member.lane, level, seconds, time.monotonic())
                self._changed.notify_all()

    def _work(self, worker: _Worker) -> None:
        """Do what the policy says until the scheduler stops."""
        while True:
            with self._changed:
                if self._stopped:
                    return
                self._ticked_s = now_s = time.monotonic()
                turn = self._policy.next(now_s)
                tickets = self._draw(turn.job)
                _owe(turn.dropped)
                if turn.job is None and not turn.dropped and not turn.changes:
                    wait_s = 1.0 if turn.wake_s is None else turn.wake_s - now_s
                    self._changed.wait(max(0.0, wait_s))
                    continue
            self._tell(turn.dropped)
            for change in turn.changes:
                change.lane.owner.level_changed(change.direction, change.lane.level)
            if turn.job is not None:
                self._do(turn.job, tickets, worker)

    def _draw(self, job: Job | None) -> list[int]:
        if job is None:
            return []
        self._changed.notify_all()  # there is room for one more
        return [rider.lane.owner.outbox.draw() for rider in job.riders]

    def _tell(self, dropped: Sequence[Dropped]) -> None:
        for one in dropped:
            one.lane.owner.drop(one.arrival, one.reason)
        if dropped:
            with self._changed:
                for one in dropped:
                    one.lane.owner.untold -= 1
                self._changed.notify_all()

    def _do(self, job: Job, tickets: list[int], worker: _Worker) -> None:
        """Upscale the frames of a job, and give them to their streams."""
        members: list[Member] = [rider.lane.owner for rider in job.riders]
        began_s = time.monotonic()
        frames, error = _upscaled(members, job)
        done_s = time.monotonic()
        with self._changed:
            worker.busy_s += done_s - began_s
            worker.batches[len(members)] += 1
            if error is None:
                self._policy.done(job, done_s - began_s)
            else:
                self._policy.failed(job, done_s)
        for index, (member, ticket) in enumerate(zip(members, tickets, strict=True)):
            rider = job.riders[index]
            item = rider.item
            if error is not None:
                member.level_failed(rider.level, error)
                member.outbox.fill(ticket, partial(member.drop, item.arrival, "failed"))
                continue
            member.release(item.arrival)
            name = member.levels[rider.level].name
            result = Result(frames[index], item.arrival, name, done_s, item.work, began_s)
            member.outbox.fill(ticket, partial(member.deliver, result))
        with self._changed:
            self._changed.notify_all()


def _owe(dropped: Sequence[Dropped]) -> None:
    """Note drops that streams are yet to be told of; for whoever holds the lock."""
    for one in dropped:
        one.lane.owner.untold += 1


def _upscaled(members: list[Member], job: Job) -> tuple[list[Frame], BaseException | None]:
    """Return the large frames, or the error in place of them: no error ends a worker."""
    level = members[0].levels[job.riders[0].level]
    small = [rider.item.arrival.frame for rider in job.riders]
    try:
        large = [level.upscale(small[0])] if job.size == 1 else level.upscale_batch(small, job.size)
    except BaseException as error:  # MemoryError, and what a stream's own level may raise
        return [], error
    return large, None
