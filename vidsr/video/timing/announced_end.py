"""Where a file says that its video ends, as far as it can be believed."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidsr.video.media.medium import Medium

_TAG = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_SEGMENT = b"\x18\x53\x80\x67"
_HEAD_BYTES = 4096


def announced_end(
    container: InputContainer, stream: VideoStream, packets: int, medium: Medium | None = None
) -> Fraction | None:
    """Return the time in seconds at which the last frame stops being shown.

    MP4 and MOV say it in their boxes, Matroska in a tag of the track or, where the video is alone,
    in its header. None where nothing is said, or where the end of the file is missing: then what
    is said belongs to frames that are not there.

    Args:
        container: The file.
        stream: Its video.
        packets: How many packets of the video have been read, up to the end of the file.
        medium: What the file was read through where it has no name of its own.
    """
    layout = container.format.name
    if layout.startswith("mov"):
        return _end_of_boxes(stream, packets)
    if layout.startswith("matroska") and _is_complete(container.name, medium):
        return _end_of_track(container, stream)
    return None


def told_length(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Return for how many seconds a Matroska file says that its video is shown, about.

    The file's own length is that of its longest stream: sound of AAC ends a frame later.
    """
    if not container.format.name.startswith("matroska"):
        return None
    end = _end_of_track(container, stream)
    return None if end is None else end - _begin(stream)


def packets_before(stream: VideoStream, dts: int | None) -> int:
    """Return how many packets a file's index has before a decoding time: a seek passed them by."""
    if dts is None or dts <= (stream.start_time or 0):
        return 0
    return sum(entry.timestamp < dts for entry in stream.index_entries)


def _end_of_boxes(stream: VideoStream, packets: int) -> Fraction | None:
    if not stream.duration or not stream.time_base or not 0 < stream.frames <= packets:
        return None
    return stream.duration * stream.time_base + _begin(stream)


def _begin(stream: VideoStream) -> Fraction:
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def _end_of_track(container: InputContainer, stream: VideoStream) -> Fraction | None:
    tags = {name.upper(): text for name, text in stream.metadata.items()}
    # mkvmerge adds a language to the names of its tags.
    tag = next((text for name, text in tags.items() if name.split("-")[0] == "DURATION"), "")
    if match := _TAG.match(tag):
        hours, minutes, seconds = match.groups()
        told = Fraction(int(hours) * 3600 + int(minutes) * 60) + Fraction(seconds)
        # mkvmerge counts from the track's first frame, FFmpeg from zero.
        mkvmerge = any(name.startswith("_STATISTICS") for name in tags)
        return told + (_begin(stream) if mkvmerge else 0)
    others = [s for s in container.streams if s is not stream and s.type in ("audio", "video")]
    if container.duration and all(s.disposition & Disposition.attached_pic for s in others):
        return Fraction(container.duration, av.time_base)
    return None


def _is_complete(name: str, medium: Medium | None) -> bool:
    """Return True if all bytes of a Matroska file's segment are there, as far as it counts them."""
    try:
        if medium is not None:
            head, held = medium.head(_HEAD_BYTES), medium.size
        else:
            with Path(name).open("rb") as file:
                head, held = file.read(_HEAD_BYTES), Path(name).stat().st_size
        at = head.find(_SEGMENT) + len(_SEGMENT)
        width = 9 - head[at].bit_length()
        size = int.from_bytes(head[at : at + width], "big") & ((1 << 7 * width) - 1)
        return held is not None and at + width + size <= held
    except (OSError, IndexError):
        return False
