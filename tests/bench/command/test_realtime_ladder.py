"""The usual sizes in turn, and the search for the largest."""

from __future__ import annotations

import pytest

from vidsr.bench.command.realtime_ladder import FIRST_STEP, LADDER, find_largest, find_max, ladder
from vidsr.bench.outcome.results import Rung
from vidsr.bench.outcome.stats import Spread, spread
from vidsr.bench.outcome.text import largest
from vidsr.picture.size import Size


class Machine:
    """Does so many pixels a second, and remembers what it was asked for."""

    def __init__(self, pixels_per_s: float) -> None:
        self.rate, self.asked = pixels_per_s, list[int]()

    def __call__(self, size: Size) -> tuple[Spread, int]:
        self.asked.append(size.height)
        return spread([self.rate / size.pixels]), 2 * size.height


def test_all_rungs_of_a_fast_machine_are_measured() -> None:
    machine = Machine(1e9)
    rungs = ladder(machine, 30, LADDER)
    assert machine.asked == [180, 270, 360, 480, 540, 720, 1080]
    assert all(rung.realtime is not None and rung.realtime > 1 for rung in rungs)


def test_nothing_above_a_hopeless_rung_is_measured() -> None:
    # 30 fps times 0.08 at 640x360, 0.14 at 480x270
    machine = Machine(0.08 * 30 * 640 * 360)
    rungs = ladder(machine, 30, LADDER)
    assert machine.asked == [180, 270, 360]
    assert [rung.fps is None for rung in rungs] == [False] * 3 + [True] * 4
    assert rungs[-1].sentence() == "1080p30 -> 2160p: no, not measured: 360p is at 0.08x"


def test_sentences() -> None:
    def said(fps: float, rate: float) -> str:
        return Rung(640, 360, 720, rate, spread([fps])).sentence()

    assert said(36, 30) == "360p30 -> 720p: yes, 1.20x realtime"
    assert said(24, 60) == "360p60 -> 720p: no, 0.40x realtime"
    assert said(30, 30).startswith("360p30 -> 720p: yes, 1.00x")


@pytest.mark.parametrize("most", [1, 2, 5, 7, 120])
def test_the_search_finds_every_answer(most: int) -> None:
    for answer in range(most + 1):
        asked: list[int] = []

        def holds(step: int, answer: int = answer, asked: list[int] = asked) -> bool:
            assert 1 <= step <= most
            asked.append(step)
            return step <= answer

        assert find_largest(holds, most) == answer
        assert len(asked) == len(set(asked)) <= 12
        assert max(asked) <= max(2 * answer, FIRST_STEP)


def test_the_largest_size_that_holds_a_rate() -> None:
    machine = Machine(30 * 640 * 360 * 1.01)
    rung = find_max(machine, 30, confirm=machine)
    assert (rung.width, rung.height, rung.target_height) == (640, 360, 720)
    assert largest(rung) == "the largest that holds 30 fps: 640x360, 1.01x realtime"


def test_a_size_that_held_by_luck_is_not_the_answer() -> None:
    lucky, usual = Machine(30 * 640 * 360 * 1.2), Machine(30 * 640 * 360 * 1.01)
    rung = find_max(lucky, 30, confirm=usual)
    assert (rung.width, rung.height) == (640, 360)
    assert rung.fps == usual(Size(640, 360))[0]
    assert 360 < usual.asked[0] < 400  # what the search had found


def test_no_size_holds_it() -> None:
    rung = find_max(Machine(10), 30, confirm=Machine(10))
    assert largest(rung) == "no 16:9 size from 32x18 on holds 30 fps"
