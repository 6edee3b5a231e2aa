"""The times of all frames of a file, where its container lists them: nothing is read for that."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from av.container import InputContainer
from av.video.stream import VideoStream


def listed_times(container: InputContainer, stream: VideoStream) -> Sequence[int] | None:
    """Return when the frames of a video are shown, ascending; None where nothing tells exactly.

    MP4 and MOV list every frame, by its time of decoding. That is also the time of showing where
    frames are not coded in another order; where they are, frames at equal distances are shown at
    the same distances from the first one on.

    Returns:
        Times in units of the stream's time base.
    """
    if not container.format.name.startswith("mov") or stream.start_time is None:
        return None
    entries = stream.index_entries
    if not stream.frames or len(entries) != stream.frames:
        return None  # fragments are listed as they are read
    if any(entry.is_discard for entry in entries):
        return None  # an edit list hides frames
    times = sorted(entry.timestamp for entry in entries)
    begin, steps = stream.start_time, {after - before for before, after in pairwise(times)}
    if 0 in steps:
        return None  # of several at one time, those of showing are other ones
    if len(steps) < 2:
        step = max(steps, default=1)
        return range(begin, begin + len(times) * step, step)
    ordered = not stream.codec_context.has_b_frames
    return times if ordered and times[0] == begin else None


def count_between(times: Sequence[int], first: int, end: Fraction | None) -> int | None:
    """Return how many times lie from ``first`` on and before ``end``.

    None where ``first`` is none of them: then the list is of other times.
    """
    low = bisect_left(times, first)
    if low == len(times) or times[low] != first:
        return None
    return (len(times) if end is None else bisect_left(times, end)) - low
