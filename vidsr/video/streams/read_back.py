"""A look at a finished file: muxers take tags and streams that nobody reads out of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import av
from av.container import OutputContainer

from vidsr.notes import Notes
from vidsr.video.close_codecs import reading
from vidsr.video.streams.holding import UNPROVEN, codec_of, has_decoder, same_codec
from vidsr.video.streams.tags import lost_tags


@dataclass(frozen=True)
class WrittenTags:
    """The metadata that a target was given: its own, and each stream's in order."""

    own: Mapping[str, str]
    streams: tuple[Mapping[str, str], ...]


def written_tags(container: OutputContainer) -> WrittenTags:
    """Return what an open target holds, before it is closed."""
    return WrittenTags(dict(container.metadata), tuple(dict(s.metadata) for s in container.streams))


@dataclass(frozen=True)
class Expected:
    """What a finished file is to give back; of what was encoded here ``codec`` is empty."""

    url: str
    container: str
    suffix: str
    streams: tuple[tuple[int, str, str], ...]


def check_read_back(expected: Expected, tags: WrittenTags, notes: Notes) -> None:
    """Log a warning for what the finished working file does not give back."""
    if expected.container == "image2":
        return
    try:
        with reading(av.open(expected.url, "r", metadata_errors="replace")) as file:
            found = [(stream.type, codec_of(stream)) for stream in file.streams]
            lost = lost_tags(tags.own, file.metadata)
            for given, stream in zip(tags.streams, file.streams, strict=False):
                missing = set(lost_tags(given, stream.metadata)) - {"creation_time"}
                lost += [f"{name} of stream {stream.index}" for name in sorted(missing)]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        notes.say(f"the target cannot be read back: {error}")
        return
    if expected.container in UNPROVEN:
        _check_streams(expected, found, notes)
    if lost:
        notes.say(f"{expected.suffix} cannot hold these tags: {', '.join(lost)}")


def _check_streams(expected: Expected, found: Sequence[tuple[str, str]], notes: Notes) -> None:
    for (index, kind, codec), (read_kind, read_codec) in zip(expected.streams, found, strict=False):
        if kind == read_kind and read_codec == "none" and not has_decoder(codec):
            continue  # nothing can name it
        if codec and (kind != read_kind or not same_codec(read_codec, codec)):
            notes.say(
                f"{kind} stream {index} was written as {codec} and reads back as {read_kind} "
                f"({read_codec})"
            )
    for index, kind, codec in expected.streams[len(found) :]:
        notes.say(f"{kind} stream {index} ({codec}) does not read back")
