"""Timecodes of frames further on."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vidsr.video.timing.timecode import advance, advance_tag

NTSC, NTSC60 = Fraction(30000, 1001), Fraction(60000, 1001)


@pytest.mark.parametrize(
    ("begin", "frames", "rate", "wanted"),
    [
        ("01:02:03:04", 1, Fraction(25), "01:02:03:05"),
        ("01:02:03:04", 25 * 60, Fraction(25), "01:03:03:04"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:00:00", 24, Fraction(24000, 1001), "00:00:01:00"),
        ("00:00:00:00", 49, Fraction(50), "00:00:00:49"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:00;00", 17982, NTSC, "00:10:00;00"),
        ("00:00:00;00", 107892, NTSC, "01:00:00;00"),
        ("00:00:00;00", 1799, NTSC, "00:00:59;29"),
        ("00:00:00;00", 3597, NTSC, "00:01:59;29"),
        ("00:00:00;00", 3598, NTSC, "00:02:00;02"),
        ("00:00:59;59", 1, NTSC60, "00:01:00;04"),
        ("23:59:59;29", 1, NTSC, "00:00:00;00"),
        ("no timecode", 5, Fraction(25), "no timecode"),
    ],
)
def test_a_later_frame(begin: str, frames: int, rate: Fraction, wanted: str) -> None:
    assert advance(begin, frames, rate) == wanted


@pytest.mark.parametrize("rate", [NTSC, NTSC60, Fraction(25)])
def test_steps_add_up(rate: Fraction) -> None:
    one = "00:58:30;10" if rate in (NTSC, NTSC60) else "00:58:30:10"
    many = advance(one, 5000, rate)
    for _ in range(5000):
        one = advance(one, 1, rate)
    assert one == many


def test_other_tags_stay() -> None:
    assert advance_tag({"title": "a"}, 5, NTSC) == {"title": "a"}
    assert advance_tag({"timecode": "00:00:00:00"}, 5, NTSC) == {"timecode": "00:00:00:05"}
