"""Cuts in time, and decoding times of joined pieces."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers.clips import make_clip
from vidsr.video.locator import Locator
from vidsr.video.pieces.cuts import REACH, Cuts, beside, cut
from vidsr.video.pieces.decoding_times import DecodingTimes, decoding_times
from vidsr.video.pieces.key_frames import key_times

RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60))
BASES = (Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 12800))


@settings(deadline=None)  # on busy cores a draw may take long
@given(
    st.sampled_from(RATES),
    st.sampled_from(BASES),
    st.integers(1, 60),
    st.integers(1, 400),
    st.integers(-5000, 5000),
)
def test_frames_of_a_constant_rate_fill_pieces_exactly(
    rate: Fraction, base: Fraction, length: int, frames: int, first: int
) -> None:
    """Containers round times; each piece but the last has ``length`` frames all the same."""
    cuts = cut(first, rate, base, length, frames)
    pieces = [cuts.piece_of(first + round(n / (rate * base))) for n in range(frames)]
    assert pieces == [min(n // length, cuts.count - 1) for n in range(frames)]


@settings(deadline=None)  # on busy cores a draw may take long
@given(st.integers(1, 50), st.integers(1, 20), st.integers(-9999, 9999), st.integers(-99, 99999))
def test_a_piece_begins_where_it_says(length: int, count: int, first: int, after: int) -> None:
    cuts = Cuts(first, Fraction(1001, 30), length, count)
    pts = first + after
    piece = cuts.piece_of(pts)
    assert 0 <= piece < count
    assert piece == 0 or cuts.begin(piece) <= pts
    assert piece == count - 1 or pts < cuts.begin(piece + 1)


@pytest.mark.parametrize(("frames", "count"), [(1, 1), (120, 1), (130, 1), (380, 4), (1000, 10)])
def test_a_short_rest_belongs_to_the_last_piece(frames: int, count: int) -> None:
    assert cut(0, Fraction(25), Fraction(1, 25), 100, frames).count == max(1, round(frames / 100))
    assert count == max(1, round(frames / 100))


def test_decoding_times_by_hand() -> None:
    # I0 P3 B1 B2 and then a piece of a single frame: two frames early, the first two counted back.
    assert decoding_times([0, 30, 10, 20, 40]) == [-10, 0, 10, 20, 30]
    assert decoding_times([5, 6, 9]) == [5, 6, 9]
    assert decoding_times([7]) == [7]
    assert decoding_times([]) == []
    with pytest.raises(ValueError, match="two at the same"):
        decoding_times([1, 1])


@settings(deadline=None)  # on busy cores a draw may take long
@given(st.lists(st.lists(st.integers(1, 500), min_size=1, max_size=9), max_size=8), st.randoms())
def test_decoding_times_grow_and_come_before_showing(
    steps: list[list[int]], random: object
) -> None:
    """Pieces of any length, each in an order of its own, as encoders with B-frames give them."""
    now, times, counted = 0, list[int](), DecodingTimes()
    for piece in steps:
        shown = []
        for step in piece:
            now += step
            shown.append(now)
        head, rest = shown[:1], shown[1:]
        random.shuffle(rest)  # type: ignore[attr-defined]
        times += head + rest
        before = [*counted.times]
        stay = counted.add(head + rest)
        assert counted.times == decoding_times(times)
        assert counted.times[:stay] == before[:stay]
        assert stay == len(before) or counted.times[stay] != before[stay]
    found = decoding_times(times)
    assert all(a < b for a, b in pairwise(found))
    assert all(dts <= pts for dts, pts in zip(found, times, strict=True))


def test_a_piece_that_looks_further_ahead_moves_the_first_times() -> None:
    counted = DecodingTimes()
    assert counted.add([0, 10, 20]) == 0
    assert counted.add([30, 50, 40]) == 0  # one frame early from now on
    assert counted.times == [-10, 0, 10, 20, 30, 40]
    assert counted.add([60, 80, 70, 90]) == 6
    assert counted.times[6:] == [50, 60, 70, 80]
    assert counted.add([55]) < 7  # a piece that overlaps those before it
    assert counted.times == decoding_times([0, 10, 20, 30, 50, 40, 60, 80, 70, 90, 55])
    with pytest.raises(ValueError, match="two at the same"):
        counted.add([10])


def test_cuts_lie_beside_scene_cuts_then_key_frames_then_where_they_were() -> None:
    cuts = cut(1000, Fraction(25), Fraction(1, 1000), 10, 60)  # pieces of 400 units, frames of 40
    keys = [1000, 1480, 1520, 1960, 2440, 3080]  # 1520 and 1480, 1960 and 2440 come sooner
    moved = beside(cuts, keys)
    assert moved.begins == (980, 1460, 1940, 2180, 2420, 3060)
    assert [moved.piece_of(pts) for pts in (0, 1459, 1460, 2419, 2420, 9999)] == [0, 0, 1, 3, 4, 5]
    assert beside(cuts, []) == beside(cuts, [1000]) == cuts
    one = cut(0, Fraction(25), Fraction(1, 25), 100, 120)
    assert beside(one, [0, 60, 90]) == one


@settings(deadline=None)  # on busy cores a draw may take long
@given(
    st.integers(5, 50),
    st.integers(1, 12),
    st.integers(-500, 500),
    st.lists(st.integers(0, 9000), min_size=1, unique=True),
)
def test_cuts_that_moved_stay_in_order(
    length: int, count: int, first: int, keys: list[int]
) -> None:
    cuts = Cuts(first, Fraction(1001, 30), length, count)
    moved = beside(cuts, sorted(first + key for key in keys))
    begins = [moved.begin(piece) for piece in range(count)]
    assert all(a < b for a, b in pairwise(begins))
    for piece, begin in enumerate(begins):
        assert abs(begin - cuts.begin(piece)) <= REACH * cuts.length + 1
        assert moved.piece_of(begin) == piece
        assert piece == 0 or moved.piece_of(begin - 1) == piece - 1


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "avi"])
def test_key_frames_are_listed_where_the_container_does(suffix: str, tmp_path: Path) -> None:
    options = {"codec": "mpeg4"} if suffix == "avi" else {"bframes": 2}
    clip = make_clip(tmp_path / f"a.{suffix}", size=(32, 24), frames=30, gop=10, **options).path
    times = key_times(Locator.of(clip), 0)
    if suffix in ("ts", "avi"):
        assert times == ()
    else:
        assert len(times) == 3
        assert times[0] == 0
        assert times[2] == 2 * times[1]
    assert key_times(Locator.of(clip), 7) == ()
    assert key_times(Locator.of(tmp_path / "none.mkv"), 0) == ()
