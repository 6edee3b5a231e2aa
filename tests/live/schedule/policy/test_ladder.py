"""The ladder of one stream: hysteresis, relapses, at most one step up a second."""

from __future__ import annotations

import pytest

from vidsr.live.schedule.policy.ladder import Ladder
from vidsr.live.schedule.policy.rules import Rules


def frames_until_climb(ladder: Ladder, now_s: float, interval_s: float = 0.04) -> int:
    """How many frames with room it takes; the ladder climbs."""
    for number in range(1, 5000):
        if ladder.see(True, now_s + number * interval_s):
            ladder.climb(now_s + number * interval_s)
            return number
    raise AssertionError("never climbs")


def at_the_bottom() -> Ladder:
    ladder = Ladder(3, Rules())
    ladder.fall(2, 0.0)
    return ladder


def test_down_at_once_and_up_after_fifty_frames_with_room() -> None:
    ladder = at_the_bottom()
    assert ladder.level == 2
    assert ladder.is_last
    assert frames_until_climb(ladder, 100.0) == 50
    assert ladder.level == 1


def test_one_frame_without_room_begins_the_count_anew() -> None:
    ladder = at_the_bottom()
    for _ in range(49):
        assert not ladder.see(True, 100.0)
    assert not ladder.see(False, 100.0)
    assert frames_until_climb(ladder, 100.0) == 50


def test_every_relapse_doubles_the_patience_up_to_eight_hundred() -> None:
    ladder, now_s, needed = at_the_bottom(), 100.0, []
    for _ in range(6):
        needed.append(frames_until_climb(ladder, now_s))
        now_s += 0.04 * needed[-1] + 5
        ladder.fall(2, now_s)
    assert needed == [50, 100, 200, 400, 800, 800]


def test_a_step_that_held_gives_the_patience_back() -> None:
    ladder = at_the_bottom()
    now_s = 100.0 + 0.04 * frames_until_climb(ladder, 100.0)
    ladder.fall(2, now_s + 1)
    now_s += 1 + 0.04 * frames_until_climb(ladder, now_s + 1)
    ladder.fall(2, now_s + 11)
    assert frames_until_climb(ladder, now_s + 11) == 50


@pytest.mark.parametrize("interval_s", [0.001, 0.01])
def test_steps_up_are_a_second_apart(interval_s: float) -> None:
    ladder = at_the_bottom()
    frames_until_climb(ladder, 100.0, interval_s)
    assert frames_until_climb(ladder, 100.0 + 50 * interval_s, interval_s) * interval_s >= 1.0


def test_a_slow_camera_waits_no_longer_than_a_fast_one() -> None:
    assert frames_until_climb(at_the_bottom(), 100.0, 0.2) == 11
    assert frames_until_climb(at_the_bottom(), 100.0, 2.0) == 10


def test_patience_is_taken_back_where_its_reason_is_gone() -> None:
    ladder = at_the_bottom()
    for now_s in (100.0, 105.0):
        frames_until_climb(ladder, now_s)
        ladder.fall(2, now_s + 4)
    assert ladder.relapses == 2
    ladder.forgive()
    assert frames_until_climb(ladder, 200.0) == 50
