"""A look at a finished file: muxers take tags and streams that nobody reads out of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import av
from av.container import OutputContainer

from vidsr.notes import Notes
from vidsr.video.close_codecs import reading
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.streams.holding import UNPROVEN, codec_of, same_codec
from vidsr.video.streams.tags import lost_tags


@dataclass(frozen=True)
class WrittenTags:
    """The metadata that a target was given: its own, and each stream's in order."""

    own: Mapping[str, str]
    streams: tuple[Mapping[str, str], ...]


def written_tags(container: OutputContainer) -> WrittenTags:
    """Return what an open target holds, before it is closed."""
    return WrittenTags(dict(container.metadata), tuple(dict(s.metadata) for s in container.streams))


def check_read_back(plan: OutputPlan, tags: WrittenTags, notes: Notes) -> None:
    """Log a warning for what the finished working file does not give back."""
    container = plan.target.container
    if container == "image2":
        return
    try:
        with reading(av.open(plan.target.url, "r", metadata_errors="replace")) as file:
            found = [(stream.type, codec_of(stream)) for stream in file.streams]
            lost = lost_tags(tags.own, file.metadata)
            for given, stream in zip(tags.streams, file.streams, strict=False):
                missing = set(lost_tags(given, stream.metadata)) - {"creation_time"}
                lost += [f"{name} of stream {stream.index}" for name in sorted(missing)]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        notes.say(f"the target cannot be read back: {error}")
        return
    if container in UNPROVEN:
        _check_streams(plan, found, notes)
    if lost:
        notes.say(f"{plan.target.path.suffix} cannot hold these tags: {', '.join(lost)}")


def _check_streams(plan: OutputPlan, found: Sequence[tuple[str, str]], notes: Notes) -> None:
    written = [stream for stream in plan.streams if stream.action != "drop"]
    for stream, (kind, codec) in zip(written, found, strict=False):
        if stream.action == "encode":  # a codec's name may be another here
            continue
        if kind != stream.kind or not same_codec(codec, stream.codec):
            notes.say(
                f"{stream.kind} stream {stream.index} was written as {stream.codec} and reads back "
                f"as {kind} ({codec})"
            )
    for stream in written[len(found) :]:
        notes.say(f"{stream.kind} stream {stream.index} ({stream.codec}) does not read back")
