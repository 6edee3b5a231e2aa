"""Times of pictures: they grow, a grid has no holes, and nothing is shown twice or too late."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsr.live.base.items import CLOCK_HZ
from vidsr.live.streams.showing.cadence import Grid, SourceTimes

STEP = CLOCK_HZ // 25


def run_grid(rate: Fraction, times: list[float]) -> tuple[list[int], int]:
    """Return the places that are filled by frames which come in time, and the number of drops."""
    grid, shown, dropped = Grid(rate, 0.1), [], 0
    for seconds in times:
        placing = grid.place(round(seconds * CLOCK_HZ), seconds)
        if placing is None:
            dropped += 1
        else:
            shown += [*placing.repeats, placing.pts]
    return shown, dropped


def test_source_times_are_kept() -> None:
    cadence = SourceTimes(25)
    assert [cadence.place(pts, 0.0).pts for pts in (9000, 12600, 16000)] == [9000, 12600, 16000]


def test_repeats_follow_the_clock_and_the_source_goes_on_behind_them() -> None:
    cadence = SourceTimes(25)
    cadence.place(0, 100.0)
    assert cadence.due_s() == pytest.approx(101.0)
    assert cadence.fill(101.0) == CLOCK_HZ
    assert cadence.due_s() == pytest.approx(101.2)  # five a second
    assert cadence.fill(101.2) == round(1.2 * CLOCK_HZ)
    # The source says that only a second has passed: it goes on behind what was shown.
    placing = cadence.place(CLOCK_HZ, 101.3)
    assert placing.pts == round(1.2 * CLOCK_HZ) + 1
    assert cadence.place(CLOCK_HZ + STEP, 101.34).pts == placing.pts + STEP
    assert cadence.shift(CLOCK_HZ) == placing.pts


def test_a_grid_of_the_sources_rate_changes_nothing() -> None:
    shown, dropped = run_grid(Fraction(25), [i / 25 for i in range(100)])
    assert shown == [i * STEP for i in range(100)]
    assert not dropped


def test_every_sixth_frame_has_no_place_at_25_of_30() -> None:
    shown, dropped = run_grid(Fraction(25), [i / 30 for i in range(301)])
    assert shown == [i * STEP for i in range(len(shown))]
    assert dropped == 50


def test_frames_are_repeated_at_25_of_15() -> None:
    shown, dropped = run_grid(Fraction(25), [i / 15 for i in range(151)])
    assert shown == [i * STEP for i in range(251)]
    assert not dropped


def test_a_late_frame_takes_the_next_place_and_the_delay_is_taken_back() -> None:
    grid = Grid(Fraction(25), 0.05)
    assert grid.place(0, 10.0) is not None
    assert grid.due_s() == pytest.approx(10.09)
    assert grid.fill(10.09) == STEP
    late = grid.place(STEP, 10.1)
    assert late is not None
    assert (late.pts, late.repeats) == (2 * STEP, ())
    assert grid.place(2 * STEP, 10.12).pts == 3 * STEP  # type: ignore[union-attr]
    # Three is missing in the source: its place makes up for the delay.
    on_time = grid.place(4 * STEP, 10.2)
    assert on_time is not None
    assert (on_time.pts, on_time.repeats) == (4 * STEP, ())


def test_a_long_gap_is_left_open() -> None:
    grid = Grid(Fraction(25), 0.05)
    grid.place(0, 0.0)
    placing = grid.place(100 * STEP, 4.0)
    assert placing is not None
    assert (placing.pts, placing.repeats) == (100 * STEP, ())


events = st.lists(
    st.tuples(st.booleans(), st.floats(0.001, 3.0), st.integers(1, 5 * CLOCK_HZ)), max_size=60
)


@given(events, st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(5), Fraction(60)]))
def test_times_of_a_grid_grow_and_lie_on_it(
    moments: list[tuple[bool, float, int]], rate: Fraction
) -> None:
    grid, now_s, pts, shown = Grid(rate, 0.1), 0.0, 0, []
    for is_frame, passed_s, passed in moments:
        now_s, pts = now_s + passed_s, pts + passed
        if is_frame:
            placing = grid.place(pts, now_s)
            shown += [] if placing is None else [*placing.repeats, placing.pts]
        elif grid.due_s() is not None:
            shown.append(grid.fill(now_s))
    assert all(later > before for before, later in pairwise(shown))
    if shown:
        places = [(each - shown[0]) * rate / CLOCK_HZ for each in shown]
        assert all(abs(place - round(place)) < 0.01 for place in places)


@given(events)
def test_times_of_a_source_grow(moments: list[tuple[bool, float, int]]) -> None:
    cadence, now_s, pts = SourceTimes(25), 0.0, 0
    shown = [cadence.place(0, 0.0).pts]
    for is_frame, passed_s, passed in moments:
        now_s, pts = now_s + passed_s, pts + passed
        shown.append(cadence.place(pts, now_s).pts if is_frame else cadence.fill(now_s))
    assert all(later > before for before, later in pairwise(shown))
