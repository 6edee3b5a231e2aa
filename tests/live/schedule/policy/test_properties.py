"""What holds for any streams whatever: one end for each frame, deadlines, work without pause."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.schedule.policy.harness import LATE, Harness
from vidsr.live.schedule.trial.simulation import Camera, Device, simulate

SECONDS = st.floats(0.002, 0.12)


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    late = draw(st.sampled_from(LATE))
    best_s = draw(SECONDS)
    steps = draw(st.lists(st.floats(0.05, 0.9), max_size=3)) if late == "ladder" else []
    level_s = tuple(best_s * math.prod(steps[:count]) for count in range(len(steps) + 1))
    first_s = draw(st.floats(0, 1.0))
    return Camera(
        interval_s=draw(st.sampled_from([0.01, 0.04, 1 / 30, 0.2])),
        level_s=level_s,
        weight=draw(st.sampled_from([0.5, 1.0, 2.0])),
        deadline_s=draw(st.sampled_from([0.03, 0.2, 1.0])),
        late=late,
        first_s=first_s,
        last_s=draw(st.none() | st.floats(first_s, 2.0)),
        network_s=draw(st.sampled_from([0.0, 0.02])),
        batch=draw(st.sampled_from([None, "engine"])),
    )


devices = st.builds(
    Device,
    workers=st.integers(1, 3),
    batch_gain=st.sampled_from([0.2, 1.0]),
    pauses=st.sampled_from([0.0, 1.0]),
)


@given(st.lists(cameras(), min_size=1, max_size=5), devices, st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_every_frame_has_one_end_and_none_is_later_than_one_service_time(
    streams: list[Camera], device: Device, seed: int
) -> None:
    for camera, outcome in zip(streams, simulate(streams, device, 1.5, seed=seed), strict=True):
        assert outcome.in_flight == 0
        if camera.late == "wait":
            assert outcome.dropped.keys() <= {"stopped"}
        else:
            assert outcome.overshoot_s <= 1e-9
        if camera.late != "ladder":
            assert outcome.dropped.keys() | {"stopped", "superseded", "late"} == {
                "stopped",
                "superseded",
                "late",
            }
            assert not outcome.changes


@dataclass(frozen=True)
class Event:
    """Something that happens to one of three streams, some milliseconds after the last event."""

    kind: str
    stream: int
    after_s: float


events = st.lists(
    st.builds(
        Event,
        st.sampled_from(["join", "seed", "arrive", "arrive", "arrive", "done", "fail", "leave"]),
        st.integers(0, 2),
        st.floats(0, 0.1),
    ),
    max_size=60,
)


@given(events, st.integers(1, 2))
@settings(max_examples=100, deadline=None)
def test_any_order_of_events_leaves_nobody_behind(story: list[Event], workers: int) -> None:
    """Joins without frames, errors, departures with work in hand: each frame ends once."""
    harness = Harness(workers)
    for event in story:
        harness.now_s += event.after_s
        getattr(harness, event.kind)(event.stream)
        harness.serve()
        harness.check()
    harness.finish()
    assert sorted(harness.ended) == list(range(harness.submitted))
