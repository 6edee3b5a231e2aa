"""The policy on virtual time: streams that send frames, and a device that takes time for them.

outcomes = simulate([Camera()] * 200, Device(workers=2), seconds=20.0)
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count

from vidsr.live.base.items import Arrival
from vidsr.live.base.options import Late
from vidsr.live.base.states import DropReason
from vidsr.live.schedule.policy.lane import Lane, Terms
from vidsr.live.schedule.policy.policy import Dropped, Job, Policy
from vidsr.live.schedule.policy.rules import STANDARD, Rules
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

_FRAME = Frame((), VideoFormat(16, 16, PixelFormat("gray", 8), ColorSpec()))


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A stream that sends frames at a pace.

    Args:
        interval_s: Time between two frames.
        level_s: Mean time of each level, from best to fastest.
        weight: Its share.
        deadline_s: Its deadline.
        late: What happens to late frames.
        first_s: When its first frame comes; the phase of its clock.
        last_s: When it leaves; None stays to the end.
        jitter: Greatest change of the time of a frame, as a share of the mean.
        network_s: Greatest delay of an arrival.
        warm_factor: Time that its levels take when they are warmed, in times of their means.
        beside_factor: The same, of when they are measured later beside the frames.
        batch: Engine that frames share; with the same time of a level they are in one batch. None
            for no batches.
    """

    interval_s: float = 0.04
    level_s: tuple[float, ...] = (0.08, 0.036, 0.005)
    weight: float = 1.0
    deadline_s: float = 0.2
    late: Late = "ladder"
    first_s: float = 0.0
    last_s: float | None = None
    jitter: float = 0.25
    network_s: float = 0.0
    warm_factor: float = 1.0
    beside_factor: float = 1.0
    batch: Hashable = None

    @property
    def batches(self) -> tuple[Hashable, ...]:
        """Keys of batches, one for each level."""
        if self.batch is None:
            return ()
        return tuple((self.batch, seconds) for seconds in self.level_s)


@dataclass(frozen=True, kw_only=True)
class Device:
    """Workers, and how they do.

    Args:
        workers: Jobs at once.
        batch_gain: Time of one frame more in a batch, as a share of the first one's.
        pauses: Mean number of pauses of the machine in a second of work.
        pause_s: Length of such a pause.
    """

    workers: int = 1
    batch_gain: float = 1.0
    pauses: float = 0.0
    pause_s: float = 0.15


@dataclass
class Outcome:
    """What became of a camera's frames.

    Attributes:
        received: Frames that came.
        shown: Shown frames by level.
        dropped: Dropped frames by reason.
        device_s: Seconds of workers.
        latencies_s: Time from arrival to result of each shown frame.
        overshoot_s: Most that a frame was later than its deadline and one service time; below 0
            where none was.
        changes: Steps of the ladder.
        batches: Frames by the number of those that were upscaled together.
    """

    received: int = 0
    shown: Counter[int] = field(default_factory=Counter)
    dropped: Counter[DropReason] = field(default_factory=Counter)
    device_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    overshoot_s: float = float("-inf")
    changes: Counter[str] = field(default_factory=Counter)
    batches: Counter[int] = field(default_factory=Counter)

    @property
    def shown_share(self) -> float:
        """The share of the received frames that was shown."""
        return sum(self.shown.values()) / self.received if self.received else 0.0

    @property
    def in_flight(self) -> int:
        """Frames without an end: 0 after a simulation."""
        return self.received - sum(self.shown.values()) - sum(self.dropped.values())

    def latency_s(self, percent: float) -> float:
        """Return a percentile of the latencies."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def simulate(
    cameras: Sequence[Camera],
    device: Device,
    seconds: float,
    *,
    seed: int = 0,
    rules: Rules = STANDARD,
) -> list[Outcome]:
    """Run cameras for some virtual seconds and empty the device; return what became of each."""
    return _Simulation(cameras, device, seconds, random.Random(seed), rules).run()


class _Simulation:
    def __init__(
        self,
        cameras: Sequence[Camera],
        device: Device,
        seconds: float,
        chance: random.Random,
        rules: Rules,
    ) -> None:
        self._cameras, self._device, self._seconds, self._chance = cameras, device, seconds, chance
        self._policy = Policy(device.workers, rules)
        self._outcomes = [Outcome() for _ in cameras]
        self._lanes: list[Lane | None] = [None] * len(cameras)
        self._numbers: dict[Lane, int] = {}
        self._free = device.workers
        self._measuring: tuple[Lane, int] | None = None
        self._order = count()
        self._events: list[tuple[float, int, str, int | Job | None]] = []

    def run(self) -> list[Outcome]:
        for number, camera in enumerate(self._cameras):
            self._at(camera.first_s, "join", number)
        while self._events:
            now_s, _, kind, what = heapq.heappop(self._events)
            if isinstance(what, Job):
                self._done(what, now_s)
            elif isinstance(what, int):
                getattr(self, f"_{kind}")(what, now_s)
            self._serve(now_s)
        return self._outcomes

    def _at(self, time_s: float, kind: str, what: int | Job | None) -> None:
        heapq.heappush(self._events, (time_s, next(self._order), kind, what))

    def _join(self, number: int, now_s: float) -> None:
        camera = self._cameras[number]
        terms = Terms(
            weight=camera.weight,
            deadline_s=camera.deadline_s,
            late=camera.late,
            levels=len(camera.level_s),
            interval_s=camera.interval_s,
            side_by_side=self._device.workers,
            batches=camera.batches,
            kinds=camera.level_s,
        )
        lane = self._policy.join(terms)
        self._lanes[number], self._numbers[lane] = lane, number
        for level in reversed(range(len(camera.level_s))):
            self._policy.seed(lane, level, camera.level_s[level] * camera.warm_factor, now_s)
        self._at(now_s, "arrive", number)
        leaves_s = self._seconds if camera.last_s is None else min(camera.last_s, self._seconds)
        self._at(leaves_s, "leave", number)

    def _arrive(self, number: int, now_s: float) -> None:
        camera, lane = self._cameras[number], self._lanes[number]
        if lane is None or lane.gone:
            return
        self._at(now_s + camera.interval_s, "arrive", number)
        if camera.network_s:
            self._at(now_s + self._chance.uniform(0, camera.network_s), "receive", number)
        else:
            self._receive(number, now_s)

    def _receive(self, number: int, now_s: float) -> None:
        lane = self._lanes[number]
        if lane is None or lane.gone or not self._policy.has_room(lane):
            return
        self._outcomes[number].received += 1
        self._drop(self._policy.arrive(lane, Arrival(_FRAME, now_s), now_s))

    def _leave(self, number: int, now_s: float) -> None:
        lane = self._lanes[number]
        if lane is not None:
            self._drop(self._policy.leave(lane))

    def _drop(self, dropped: Sequence[Dropped]) -> None:
        for one in dropped:
            self._outcomes[self._numbers[one.lane]].dropped[one.reason] += 1

    def _serve(self, now_s: float) -> None:
        while self._free:
            turn = self._policy.next(now_s)
            self._drop(turn.dropped)
            for change in turn.changes:
                self._outcomes[self._numbers[change.lane]].changes[change.direction] += 1
            if turn.job is None:
                if turn.wake_s is not None:
                    self._at(turn.wake_s, "wake", None)
                return
            self._free -= 1
            self._at(now_s + self._service_s(turn.job), "done", turn.job)
            if turn.measure is not None:
                lane, _ = turn.measure
                self._at(now_s + self._beside_s(*turn.measure), "measured", self._numbers[lane])
                self._measuring = turn.measure

    def _beside_s(self, lane: Lane, level: int) -> float:
        """Return how long three frames beside the live ones take, on a core that others use."""
        camera = self._cameras[self._numbers[lane]]
        return 3 * camera.level_s[level] * camera.beside_factor

    def _measured(self, number: int, now_s: float) -> None:
        assert self._measuring is not None
        lane, level = self._measuring
        took_s = self._beside_s(lane, level)
        self._policy.measured(lane, level, took_s / 3, took_s)

    def _service_s(self, job: Job) -> float:
        first = job.riders[0]
        camera = self._cameras[self._numbers[first.lane]]
        factor = self._chance.uniform(1 - camera.jitter, 1 + camera.jitter)
        alone_s = camera.level_s[first.level] * factor
        took_s = alone_s * (1 + (job.size - 1) * self._device.batch_gain)
        pauses = self._chance.random() < self._device.pauses * took_s
        return took_s + (self._device.pause_s if pauses else 0.0)

    def _done(self, job: Job, now_s: float) -> None:
        self._free += 1
        took_s = now_s - job.began_s
        self._policy.done(job, took_s)
        for rider in job.riders:
            lane = rider.lane
            outcome = self._outcomes[self._numbers[lane]]
            outcome.device_s += took_s / len(job.riders)
            if lane.gone:
                outcome.dropped["stopped"] += 1
                continue
            latency_s = now_s - rider.item.arrival.arrived_s
            outcome.shown[rider.level] += 1
            outcome.batches[len(job.riders)] += 1
            outcome.latencies_s.append(latency_s)
            over_s = latency_s - lane.terms.deadline_s - took_s
            outcome.overshoot_s = max(outcome.overshoot_s, over_s)
