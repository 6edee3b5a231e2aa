"""The options that a target's muxer gets for what its source is."""

from __future__ import annotations

from vidsr.notes import Notes
from vidsr.video.header import PictureTags, StreamHeader
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.streams.picture_tags import fits_profile
from vidsr.video.streams.tags import need_keys, service_tags

MAX_TIMESCALE = 1_000_000


def muxer_options(plan: OutputPlan, header: StreamHeader, notes: Notes) -> dict[str, str]:
    """Return FFmpeg's options for the muxer of a planned target."""
    target = plan.target
    options = target.muxer_options
    if target.container == "avi":
        return options | {
            "avoid_negative_ts": "disabled"
        }  # else the encoder's delay moves pictures
    if target.container in ("mp4", "mov"):
        return options | _of_boxes(plan, header, notes)
    if target.container == "mpegts" and header.service and not options:  # discs have their own
        options["mpegts_service_id"] = str(header.service.number)
        options["mpegts_pmt_start_pid"] = str(header.service.table_pid)
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
    # Keys take the place of the list that covers stand in.
    tags = {**header.tags, **service_tags(header.service)}
    if need_keys(tags, plan.target.container) and not _with_cover(plan, header):
        options["movflags"] = "use_metadata_tags"
    if plan.marks:
        options["strict"] = "unofficial"  # as FFmpeg calls the boxes of 360° and stereo video
    return options


def _with_cover(plan: OutputPlan, header: StreamHeader) -> bool:
    covers = {stream.index for stream in header.streams if stream.cover}
    return any(stream.index in covers and stream.action == "copy" for stream in plan.streams)


def kept_tags(plan: OutputPlan, header: StreamHeader, notes: Notes) -> PictureTags:
    """Return what pictures of the target get of the source's profile and EXIF data.

    The rest is said. EXIF data belong to one picture, a profile to all of a sequence.
    """
    tags, target = header.picture_tags, plan.target
    pictures = target.container == "image2"
    profile = pictures and fits_profile(tags, plan.format.pixel.family)
    single = not target.sequence
    exif = pictures and single and plan.codec.name in ("png", "jpeg", "tiff")
    kept = PictureTags(tags.profile if profile else b"", tags.exif if exif else b"")
    if tags.profile and not kept.profile:
        notes.say("the source's colour profile (ICC) is not carried over")
    if tags.exif and not kept.exif:
        notes.say("the source's EXIF data are not carried over")
    return kept
