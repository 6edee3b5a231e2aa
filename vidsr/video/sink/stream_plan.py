"""The streams of a source beside its video, and what the target can hold of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from av.audio.stream import AudioStream

from vidsr.option_values import AudioChoice
from vidsr.video.header import SideStream
from vidsr.video.streams.audio import holds_encoded
from vidsr.video.streams.audio_choice import chosen, raw_copy
from vidsr.video.streams.holding import fits, has_no_decoder, same_codec
from vidsr.video.streams.subtitles import SUBTITLE_CODEC, TEXT_SUBTITLES

Action = Literal["encode", "copy", "convert", "drop"]
Reason = Literal["", "container", "data", "unreadable", "chosen", "timecode", "cover"]


@dataclass(frozen=True)
class StreamPlan:
    """The fate of one stream of the source. ``codec`` is its name in the target.

    ``reason`` and, in the words of a sentence's end, ``detail`` say why it is dropped.
    """

    index: int
    kind: str
    action: Action
    codec: str
    reason: Reason = ""
    detail: str = ""


@dataclass(frozen=True)
class Holder:
    """What is asked to hold streams: a container, its muxer's options, and the target's suffix."""

    container: str
    suffix: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def plan_stream(stream: SideStream, holder: Holder, audio: AudioChoice = "copy") -> StreamPlan:
    """Return what can become of a stream; ``reason`` says why it has to be dropped."""
    name, kind = stream.codec, stream.kind
    if kind == "data":
        return _plan_data(stream, holder)
    if kind == "attachment":
        action: Action = "copy" if holder.container == "matroska" else "drop"
        return StreamPlan(stream.index, kind, action, name, "container")
    if kind == "audio" and audio == "none":
        return StreamPlan(stream.index, kind, "drop", name, "chosen")
    if stream.cover and holder.container == "mov":
        return StreamPlan(stream.index, kind, "drop", name, "cover")
    if not stream.readable:
        if has_no_decoder(stream) and fits(holder.container, stream, holder.options):
            return StreamPlan(stream.index, kind, "copy", name)
        return StreamPlan(stream.index, kind, "drop", name, "unreadable", stream.unreadable_why)
    if kind == "audio":
        return _plan_audio(stream, holder, audio)
    if fits(holder.container, stream, holder.options):
        return StreamPlan(stream.index, kind, "copy", name)
    if name in TEXT_SUBTITLES and holder.container in SUBTITLE_CODEC:
        return StreamPlan(stream.index, kind, "convert", SUBTITLE_CODEC[holder.container])
    return StreamPlan(stream.index, kind, "drop", name, "container")


def _plan_data(stream: SideStream, holder: Holder) -> StreamPlan:
    if stream.codec != "none" and fits(holder.container, stream, holder.options):
        return StreamPlan(stream.index, stream.kind, "copy", stream.codec)
    # Muxers make a track of their own from the video's tag of that name, Matroska keeps the tag.
    kept = "timecode" in stream.tags and holder.container in ("mov", "mp4", "mxf", "matroska")
    reason: Reason = "timecode" if kept else "data"
    return StreamPlan(stream.index, stream.kind, "drop", stream.codec, reason)


def _plan_audio(stream: SideStream, holder: Holder, audio: AudioChoice) -> StreamPlan:
    index, container = stream.index, holder.container
    wanted = None
    if audio in ("copy", "auto") or same_codec(audio, stream.codec):
        if fits(container, stream, holder.options):
            return StreamPlan(index, stream.kind, "copy", stream.codec)
        if isinstance(stream.template, AudioStream):
            form = getattr(stream.template.codec_context.format, "name", "")  # None: not known
            wanted = raw_copy(stream, container, form)
    if wanted is None and audio != "copy":
        wanted = chosen(stream, container, holder.suffix, audio)
    template = stream.template if isinstance(stream.template, AudioStream) else None
    if wanted and template and holds_encoded(container, wanted, template, holder.options):
        return StreamPlan(index, stream.kind, "convert", wanted.codec)
    return StreamPlan(index, stream.kind, "drop", stream.codec, "container")
