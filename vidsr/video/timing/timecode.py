"""Timecodes of SMPTE 12M: hours, minutes, seconds and frames, some with numbers left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
_DROPPING = (30, 60)  # frames a second of which two or four numbers a minute are left out


def advance(timecode: str, frames: int, rate: Fraction) -> str:
    """Return the timecode of a frame so many frames later; what is none comes back as it is.

    Numbers are left out of minutes, but for each tenth, where the last separator says so.
    """
    match = _TIMECODE.fullmatch(timecode)
    second = round(rate)
    if match is None or not 0 < second < 100:
        return timecode
    hours, minutes, seconds, frame = (int(match[n]) for n in (1, 2, 3, 5))
    left_out = second // 15 if match[4] in ";." and second in _DROPPING else 0
    minute = 60 * hours + minutes
    number = (60 * minute + seconds) * second + frame - left_out * (minute - minute // 10)
    ten_minutes = 600 * second - 9 * left_out
    tens, rest = divmod((number + frames) % (144 * ten_minutes), ten_minutes)
    if left_out and rest >= 60 * second:
        rest += left_out * (1 + (rest - 60 * second) // (60 * second - left_out))
    seconds, frame = divmod(600 * second * tens + rest, second)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}{match[4]}{frame:02}"


def advance_tag(tags: Mapping[str, str], frames: int, rate: Fraction) -> dict[str, str]:
    """Return metadata whose timecode, if there is one, is that of a later frame."""
    changed = dict(tags)
    if frames and "timecode" in changed:
        changed["timecode"] = advance(changed["timecode"], frames, rate)
    return changed
