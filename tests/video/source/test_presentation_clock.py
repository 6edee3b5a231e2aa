"""A strictly increasing time for every frame, its own wherever there is one."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsr.video.source.presentation_clock import PresentationClock

MS = Fraction(1, 1000)


def frame(pts: int | None) -> Any:
    return SimpleNamespace(pts=pts)


def packet(dts: int | None, size: int = 100) -> Any:
    return SimpleNamespace(dts=dts, size=size)


def stamps(clock: PresentationClock, own: list[int | None]) -> list[int]:
    return [clock.stamp(frame(pts)) for pts in own]


def clock(rate: Fraction = Fraction(25), container: str = "matroska,webm") -> PresentationClock:
    return PresentationClock(MS, rate, container)


@given(st.lists(st.integers(-(2**40), 2**40), unique=True).map(sorted))
def test_increasing_times_are_kept(own: list[int]) -> None:
    c = clock()
    assert stamps(c, list(own)) == own
    assert (c.retimed, c.synthesised) == (0, 0)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), max_size=30))
def test_whatever_comes_time_increases(own: list[int | None]) -> None:
    c = clock()
    result = stamps(c, own)
    assert result == sorted(set(result))
    assert c.synthesised == own.count(None)
    last: int | None = None
    for given_pts, pts in zip(own, result, strict=True):
        if given_pts is not None and (last is None or given_pts > last):
            assert pts == given_pts
        last = pts


def test_one_repeated_time_moves_by_a_tick() -> None:
    c = clock()
    assert stamps(c, [0, 40, 40, 80]) == [0, 40, 41, 80]
    assert c.retimed == 1


def test_a_clock_that_fell_back_goes_on_at_the_nominal_rate() -> None:
    c = clock()
    assert stamps(c, [1000, 1040, 0, 40, 80]) == [1000, 1040, 1041, 1081, 1121]
    assert c.retimed == 3


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60), Fraction(7)])
def test_missing_times_follow_the_rate_without_drift(rate: Fraction) -> None:
    c = clock(rate)
    for number, pts in enumerate(stamps(c, [None] * 500)):
        assert abs(pts * MS - number / rate) <= MS / 2
    assert c.synthesised == 500


def test_a_gap_in_the_times_is_filled_from_the_last_known_one() -> None:
    c = clock()
    assert stamps(c, [100, None, None, 300, None]) == [100, 140, 180, 300, 340]
    assert c.synthesised == 3


def test_decoding_times_go_to_frames_in_the_order_shown() -> None:
    c = clock(container="avi")
    for dts in (0, 1, 2, 3):
        c.packet(packet(dts))
    c.packet(packet(None, 0))
    # What the demuxer calls pts comes out of order for B-frames.
    assert stamps(c, [0, 3, 1, 2]) == [0, 1, 2, 3]
    assert c.retimed == 0


def test_a_lost_packet_leaves_its_time_out() -> None:
    c = clock(container="avi")
    c.packet(packet(0))
    assert c.stamp(frame(0)) == 0
    c.packet(packet(1))
    c.lost()
    c.packet(packet(2))
    assert c.stamp(frame(2)) == 2


def test_other_containers_use_the_frame_s_own_time() -> None:
    c = clock()
    c.packet(packet(0))
    c.lost()
    assert c.stamp(frame(7)) == 7


@pytest.mark.parametrize(
    ("name", "flags", "reordered", "survives"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", 0, True, True),
        ("mpegts", 0, True, True),
        ("avi", 0, False, True),
        ("avi", 0, True, False),
        ("h264", 0x80, False, False),
        ("image2", 0x80, False, True),
        ("mpeg", 0, False, False),
    ],
)
def test_where_a_seek_keeps_times_right(
    name: str, flags: int, reordered: bool, survives: bool
) -> None:
    stream: Any = SimpleNamespace(
        container=SimpleNamespace(format=SimpleNamespace(name=name, flags=flags)),
        codec_context=SimpleNamespace(has_b_frames=reordered),
    )
    assert clock(container=name).survives_seek(stream) == survives
