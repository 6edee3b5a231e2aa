"""The streams of a file as a header holds them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import AttachmentStream, DataStream, Disposition, Stream

from vidsr.video.bitstream.transport import READ_BYTES
from vidsr.video.close_codecs import reading
from vidsr.video.header import SideStream
from vidsr.video.media.medium import Medium
from vidsr.video.probing.longer_look import why_unknown
from vidsr.video.probing.programme_map import copied_without_decoder, names_without_decoder

OpenAgain: TypeAlias = Callable[[], InputContainer]

_UNKNOWN = "unknown"  # what PyAV calls a stream of no kind that FFmpeg knows: data, here


def side_streams(container: InputContainer, medium: Medium | None = None) -> tuple[SideStream, ...]:
    """Return every stream of an open file, in its order.

    Args:
        container: The file.
        medium: What it is read through where it has no name of its own.
    """
    names = _names_without_decoder(container, medium)
    again = partial(_open_again, container.name) if medium is None else medium.sample
    return tuple(_side_stream(again, stream, names) for stream in container.streams)


def _open_again(name: str) -> InputContainer:
    return av.open(name, metadata_errors="replace", options={"scan_all_pmts": "1"})


def _names_without_decoder(container: InputContainer, medium: Medium | None) -> dict[int, str]:
    """Return what the file itself names codings for which there is no decoder, by PID."""
    if container.format.name != "mpegts":
        return {}
    if not any(
        s.type in ("subtitle", _UNKNOWN) and s.codec_context is None for s in container.streams
    ):
        return {}
    if medium is not None:
        return names_without_decoder(medium.head(READ_BYTES))
    return copied_without_decoder(Path(container.name))


def codec_name(stream: Stream) -> str:
    """Return FFmpeg's name of the stream's codec, ``none`` where it knows none."""
    if isinstance(stream, DataStream):
        return stream.name or "none"
    context = stream.codec_context
    return "none" if context is None else str(context.codec.canonical_name)


def is_cover(stream: Stream) -> bool:
    """Return True for a still picture that belongs to the file, and is no video."""
    return bool(stream.disposition & Disposition.attached_pic)


def _side_stream(again: OpenAgain, stream: Stream, names: dict[int, str]) -> SideStream:
    codec = codec_name(stream)
    if codec == "none":
        codec = names.get(stream.id, codec)
    kind = "data" if stream.type == _UNKNOWN else stream.type
    readable = codec != "none"
    if readable and isinstance(stream, AudioStream):  # one without a codec has no rate to ask for
        readable = bool(stream.rate)
    return SideStream(
        index=stream.index,
        kind=kind,
        codec=codec,
        tags=dict(stream.metadata),
        disposition=stream.disposition,
        time_base=stream.time_base,
        cover=is_cover(stream),
        readable=readable,
        unreadable_why="" if readable or kind == "data" else why_unknown(stream, again),
        template=stream,
        read_payload=_payload(again, stream),
        open_again=again,
        pid=stream.id if stream.container.format.name == "mpegts" else None,
    )


def _payload(again: OpenAgain, stream: Stream) -> Callable[[], bytes] | None:
    if isinstance(stream, AttachmentStream):
        return partial(_data, stream)
    return partial(_read_cover, again, stream.index) if is_cover(stream) else None


def _data(stream: AttachmentStream) -> bytes:
    return stream.data


def _read_cover(open_again: OpenAgain, index: int) -> bytes:
    """Read the picture ahead of time: a header comes before every packet."""
    with reading(open_again()) as again:
        packet = next(again.demux(again.streams[index]))
        return bytes(packet)
