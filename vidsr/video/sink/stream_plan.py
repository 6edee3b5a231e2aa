"""The streams of a source beside its video, and what the target can hold of each."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream

from vidsr.video.header import SideStream
from vidsr.video.sink.codec_defaults import MPEGTS_CODECS

Action = Literal["encode", "copy", "convert", "drop"]

MUX_ERRORS = (av.error.FFmpegError, ValueError, RuntimeError, OSError)
TEXT_SUBTITLES = ("subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text")
SUBTITLE_CODEC = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")  # FFmpeg's defaults

# Written by the muxer itself, or meaningless in another container.
_OWN_TAGS = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration")
# mkvmerge's counts of the source's packets and bytes: wrong for what is encoded anew.
_STATISTICS = ("DURATION", "_STATISTICS", "BPS", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES")


@dataclass(frozen=True)
class StreamPlan:
    """The fate of one stream of the source. ``codec`` is its name in the target.

    ``reason`` and, in the words of a sentence's end, ``detail`` say why it is dropped.
    """

    index: int
    kind: str
    action: Action
    codec: str
    reason: str = ""
    detail: str = ""


def fits(container: str, stream: SideStream) -> bool:
    """Return True if the container takes a copy of the stream: FFmpeg writes a header to try."""
    if container == "image2" or stream.template is None:
        return False
    if container == "mpegts" and stream.codec not in MPEGTS_CODECS:
        return False
    probe = av.open(io.BytesIO(), "w", format=container)
    try:
        add_copy(probe, stream.template, stream.codec)
        probe.start_encoding()
    except MUX_ERRORS:
        return False
    finally:
        with contextlib.suppress(*MUX_ERRORS):
            probe.close()
    return True


def plan_stream(stream: SideStream, container: str) -> StreamPlan:
    """Return what can become of a stream; ``reason`` says why it has to be dropped."""
    name, kind = stream.codec, stream.kind
    if kind == "data":
        return StreamPlan(stream.index, kind, "drop", name, "data")
    if kind == "attachment":
        action: Action = "copy" if container == "matroska" else "drop"
        return StreamPlan(stream.index, kind, action, name, "container")
    if not stream.readable:
        return StreamPlan(stream.index, kind, "drop", name, "unreadable", stream.unreadable_why)
    if fits(container, stream):
        return StreamPlan(stream.index, kind, "copy", name)
    if name in TEXT_SUBTITLES and container in SUBTITLE_CODEC:
        return StreamPlan(stream.index, kind, "convert", SUBTITLE_CODEC[container])
    return StreamPlan(stream.index, kind, "drop", name, "container")


def copy_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return metadata without what describes the source's own container."""
    kept = {
        k: v
        for k, v in tags.items()
        if k.lower() not in _OWN_TAGS and not k.upper().startswith(_STATISTICS)
    }
    # A track's title is called so by every muxer, but "name" by the MP4 demuxer.
    if "name" in kept and "title" not in kept:
        kept["title"] = kept.pop("name")
    return kept


def add_copy(target: OutputContainer, stream: Stream, codec: str) -> Stream:
    """Add a stream to ``target`` that takes ``stream``'s packets, coded as ``codec`` says."""
    context: object = stream.codec_context
    if stream.type == "subtitle" and context is None:  # there is no decoder
        copy: Stream = target.add_mux_stream(codec)
    else:
        copy = target.add_stream_from_template(stream, opaque=True)
    if isinstance(copy, AudioStream):
        _name_layout(copy)
    copy.time_base = stream.time_base
    copy.disposition = stream.disposition
    return copy


def _name_layout(copy: AudioStream) -> None:
    """Name the layout that the source does not: MP4 else fails on PCM, and only when closed."""
    if copy.layout.name.endswith(" channels") and copy.channels <= len(LAYOUTS):
        copy.codec_context.layout = LAYOUTS[copy.channels - 1]
