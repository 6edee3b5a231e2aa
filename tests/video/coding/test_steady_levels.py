"""Values of the expected error hold, and fade into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from vidsr.video.coding.codecs import Family
from vidsr.video.coding.expected_error import TYPICAL_ACTIVITY, Evidence
from vidsr.video.coding.packet_log import FADED, MEANT, PacketLog, PacketNote
from vidsr.video.coding.steady_levels import HELD, SteadyLevels, log_levels


def evidence(step: float, *, key: bool = False) -> Evidence:
    return Evidence("h264", step, step, TYPICAL_ACTIVITY, key, bidirectional=False)


def noted(steps: Sequence[float], group: int, size: int = 1000) -> PacketLog:
    """Return a log of packets of these steps in groups of so many."""
    log = PacketLog()
    for number, step in enumerate(steps):
        key = number % group == 0
        log.add(PacketNote(number, key, size, step, log_levels(evidence(step, key=key))))
    return log


def levels(
    steps: Sequence[float],
    group: int,
    *,
    start: int = 0,
    ahead: bool = True,
    busy: Sequence[float] | None = None,
    size: int = 1000,
) -> list[float]:
    """Return the values of the pictures from one on, a key frame."""
    steady = SteadyLevels(noted(steps, group, size), ahead=ahead)
    found = []
    for number in range(start, len(steps)):
        key, active = number % group == 0, busy[number] if busy else TYPICAL_ACTIVITY
        known = evidence(steps[number], key=key)
        steady.picture(known, number, key=key, look=partial(float, active))
        assert steady.levels is not None
        found.append(steady.levels)
    return found


def changes(values: Sequence[float]) -> list[float]:
    return [max(b / a, a / b) for a, b in pairwise(values)]


@pytest.mark.parametrize("group", [12, 30, 60, 250])
def test_quantisers_that_change_by_half_change_no_value_by_more_than_5_percent(group: int) -> None:
    steps = [[8.0, 12.0, 9.0][number // 60 % 3] for number in range(300)]
    found = levels(steps, group)
    assert max(found) / min(found) > 1.2
    assert max(changes(found)) < 1.05


def test_a_key_frame_alone_changes_nothing() -> None:
    steps = [6.0 if number % 60 == 0 else 9.0 for number in range(200)]
    assert max(changes(levels(steps, 60)[:150])) < 1.002
    assert max(changes(levels(steps, 60, ahead=False))) > 1.03  # which knows the key frame alone


@pytest.mark.parametrize("group", [20, 60, 100])
def test_values_are_the_same_from_any_key_frame_on(group: int) -> None:
    steps = [6.0 + number % 7 + number / 20 for number in range(300)]
    busy = [6.0 + number % 5 for number in range(300)]
    whole = levels(steps, group, busy=busy)
    for start in range(group, 300, group):
        assert levels(steps, group, busy=busy, start=start) == whole[start:]


def test_into_another_scene_nothing_fades() -> None:
    steps = [4.0] * 60 + [20.0] * 60
    found = levels(steps, 60)
    assert len({round(value, 9) for value in found[:60]}) == 1
    assert found[60] / found[59] > 2


def test_activity_fades_before_a_key_frame_as_quantisers_do() -> None:
    busy = [6.0 + number / 20 for number in range(120)]
    assert max(changes(levels([8.0] * 120, 60, busy=busy))) < 1.02


def test_while_no_key_frame_comes_values_fade_behind_where_they_are_found() -> None:
    steps = [8.0] * HELD + [12.0] * (2 * HELD)
    found = levels(steps, 1000)
    assert len(set(found[:HELD])) == 1
    assert found[HELD] > found[HELD - 1]
    assert found[HELD + FADED : 2 * HELD] == pytest.approx([found[-1]] * (HELD - FADED), rel=0.01)
    assert max(changes(found)) < 1.04


def test_large_packets_end_the_span_of_a_mean_and_no_key_frame_is_seen_behind_them() -> None:
    steps = [8.0] * 20 + [12.0] * 40
    log = noted(steps, 40, size=2 << 20)
    near, far = log.span(0), noted(steps, 40).span(0)
    assert near is not None
    assert far is not None
    assert near.log_levels < far.log_levels
    assert log.next_key(0) is None
    assert len(set(levels(steps, 40, size=2 << 20)[:40])) == 1


def test_a_log_forgets_what_is_long_decoded() -> None:
    log = noted([8.0] * 2000, 50)
    assert log.next_number == 2000
    assert log.own(0) is None
    assert log.next_key(1920) == 1950
    assert log.next_key(1950) is None
    span = log.span(1960)
    assert span is not None
    assert span.log_levels == pytest.approx(log.own(1960))
    assert (span.size, log.size(1960), log.size(0)) == (1000, 1000, None)
    assert MEANT < 50


@pytest.mark.parametrize(("family", "less"), [("hevc", True), ("h264", False), ("mpeg", False)])
def test_what_is_hardly_coded_anew_keeps_the_error_of_its_key_frame(
    family: Family, less: bool
) -> None:
    found = []
    for size in (2000, 100):
        log = PacketLog()
        for number in range(50):
            known = replace(evidence(8.0, key=not number), family=family)
            bytes_ = 8000 if not number else size
            log.add(PacketNote(number, not number, bytes_, 8.0, log_levels(known)))
        steady = SteadyLevels(log, ahead=True)
        known = replace(evidence(8.0, key=True), family=family)
        steady.picture(known, 0, key=True, look=lambda: TYPICAL_ACTIVITY)
        found.append(steady.levels or 0.0)
    assert found[1] == pytest.approx(found[0] * (2**-0.58 if less else 1), rel=0.01)
