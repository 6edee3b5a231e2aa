"""The options that a target's muxer gets for what its source is."""

from __future__ import annotations

from vidsr.notes import Notes
from vidsr.video.header import StreamHeader
from vidsr.video.sink.output_plan import OutputPlan

MAX_TIMESCALE = 1_000_000


def muxer_options(plan: OutputPlan, header: StreamHeader, notes: Notes) -> dict[str, str]:
    """Return FFmpeg's options for the muxer of a planned target."""
    target = plan.target
    options = target.muxer_options
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
