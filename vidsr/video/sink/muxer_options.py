"""The options that a target's muxer gets, where FFmpeg would guess at them from a file's name.

It would see the working file, which ends in ``.part`` or in a digest.
"""

from __future__ import annotations

from vidsr.notes import Notes
from vidsr.video.header import StreamHeader
from vidsr.video.sink.output_plan import OutputPlan

MAX_TIMESCALE = 1_000_000
# Cameras and Blu-ray discs put a time before each packet of 188 bytes; FFmpeg itself does so for
# ``.m2ts`` alone. It takes its muxer ``ipod`` for ``.m4v``, which refuses HEVC: only the brand.
BY_SUFFIX = {
    ".m2ts": {"mpegts_m2ts_mode": "1"},
    ".mts": {"mpegts_m2ts_mode": "1"},
    ".m4v": {"brand": "M4V "},
}


def muxer_options(plan: OutputPlan, header: StreamHeader, notes: Notes) -> dict[str, str]:
    """Return FFmpeg's options for the muxer of a planned target."""
    target = plan.target
    options = dict(BY_SUFFIX.get(target.locator.suffix, {}))
    if target.container in ("mp4", "mov"):
        return options | _of_boxes(plan, header, notes)
    if target.container != "image2":
        return options
    if not target.sequence:
        return options | {"update": "1"}
    return options | {"start_number": str(header.first_number)}


def _of_boxes(plan: OutputPlan, header: StreamHeader, notes: Notes) -> dict[str, str]:
    # Starts other than zero are counted in this unit, by default a millisecond.
    options = {"movie_timescale": str(min(plan.time_base.denominator, MAX_TIMESCALE))}
    if header.first_pts < 0:
        # Else an edit list hides every frame before zero; all streams move together.
        options["avoid_negative_ts"] = "make_non_negative"
        notes.say("the source starts before time zero: all streams are moved to it")
    return options
