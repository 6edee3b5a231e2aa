"""The clock of a live source: strictly later, the source's own steps, gaps as long as they were."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsr.live.base.items import CLOCK_HZ
from vidsr.live.sources.reading.clock import LiveClock

MS = Fraction(1, 1000)
FRAME = CLOCK_HZ // 25

events = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-(1 << 33), 1 << 33)),
        st.floats(0, 100, allow_nan=False),
        st.sampled_from(["picture", "sound", "connect"]),
    ),
    max_size=40,
)


@given(events=events, mode=st.sampled_from(["source", "arrival"]), finite=st.booleans())
def test_times_grow_strictly_whatever_comes(
    events: list[tuple[int | None, float, str]], mode: str, finite: bool
) -> None:
    clock = LiveClock("arrival" if mode == "arrival" else "source", finite=finite)
    now_s, pictures, sounds = 0.0, [], []
    for ticks, after_s, kind in events:
        now_s += after_s
        if kind == "connect":
            clock.connect()
        elif kind == "picture":
            pictures.append(clock.picture(ticks, MS, now_s))
        elif (time := clock.sound(ticks, MS, now_s)) is not None:
            sounds.append(time)
    for times in (pictures, sounds):
        assert all(later > earlier for earlier, later in pairwise(times))
        assert all(time >= 0 for time in times)


@given(
    steps=st.lists(st.integers(1, 9_000), min_size=1, max_size=30),
    jitter_s=st.floats(0, 0.5),
    begin=st.integers(-(1 << 40), 1 << 40),
)
def test_the_steps_of_a_source_are_kept(steps: list[int], jitter_s: float, begin: int) -> None:
    clock, ticks, now_s = LiveClock(), begin, 5.0
    times = [clock.picture(ticks, MS, now_s)]
    for step in steps:
        ticks, now_s = ticks + step, now_s + step / 1000 + jitter_s
        times.append(clock.picture(ticks, MS, now_s))
    expected = [0]
    for step in steps:
        expected.append(expected[-1] + step * 90)
    assert times == expected


@given(outage_s=st.floats(0, 1000), begin=st.integers(0, 1 << 33))
def test_a_new_connection_goes_on_by_what_has_passed(outage_s: float, begin: int) -> None:
    clock = LiveClock()
    clock.picture(1000, MS, 1.0)
    clock.connect()
    time = clock.picture(begin, MS, 1.0 + outage_s)
    assert time == max(FRAME, round(outage_s * CLOCK_HZ))
    assert clock.picture(begin + 40, MS, 1.04 + outage_s) == time + FRAME


@pytest.mark.parametrize("jump", [-5_000, -100_000, 60_000])
def test_a_clock_that_is_set_is_followed(jump: int) -> None:
    clock = LiveClock()
    times = [clock.picture(40 * n + (jump if n >= 5 else 0), MS, 0.04 * n) for n in range(10)]
    assert clock.jumps == 1
    assert times == pytest.approx([n * FRAME for n in range(10)], abs=2)


def test_a_long_silence_is_no_jump() -> None:
    clock = LiveClock()
    clock.picture(0, MS, 0.0)
    assert clock.picture(60_000, MS, 60.0) == 60 * CLOCK_HZ
    assert clock.jumps == 0


def test_a_gap_in_a_file_is_kept() -> None:
    clock = LiveClock(finite=True)
    clock.picture(0, MS, 0.0)
    assert clock.picture(60_000, MS, 0.01) == 60 * CLOCK_HZ


def test_pictures_without_a_time_take_a_frame_each() -> None:
    clock = LiveClock()
    assert [clock.picture(None, MS, 0.0) for _ in range(3)] == [0, FRAME, 2 * FRAME]
    assert clock.picture(7, MS, 0.0) == 3 * FRAME


def test_arrivals_replace_a_broken_clock() -> None:
    clock = LiveClock("arrival")
    assert [clock.picture(5, MS, s) for s in (1.0, 1.04, 1.04, 2.0)] == [0, 3600, 3690, 90_000]


def test_sound_stays_beside_the_pictures() -> None:
    clock = LiveClock()
    assert clock.sound(1000, MS, 0.0) is None  # no picture yet
    clock.picture(1000, MS, 0.0)
    assert clock.sound(1020, MS, 0.02) == 1800
    clock.picture(500_000, MS, 0.04)  # the source's clock is set
    assert clock.sound(1040, MS, 0.04) == 3600  # from before the jump
    assert clock.sound(500_040, MS, 0.08) == 7200


def test_sound_before_the_first_picture_belongs_nowhere() -> None:
    clock = LiveClock()
    clock.picture(1000, MS, 0.0)
    assert clock.sound(900, MS, 0.0) is None
