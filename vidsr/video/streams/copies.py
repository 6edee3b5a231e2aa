"""Streams of a target that take a source's packets as they are, whatever PyAV thinks of it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.stream import Stream

MUX_ERRORS = (av.error.FFmpegError, ValueError, RuntimeError, OSError)
LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")  # FFmpeg's defaults


def add_copy(target: OutputContainer, stream: Stream) -> Stream:
    """Add a stream to ``target`` that takes ``stream``'s packets. Raises one of MUX_ERRORS."""
    try:
        copy: Stream = target.add_stream_from_template(stream, opaque=True)
    except ValueError:
        copy = _add_unasked(target, stream)
    if isinstance(copy, AudioStream):
        _name_layout(copy)
    copy.time_base = stream.time_base
    copy.disposition = stream.disposition
    return copy


def _add_unasked(target: OutputContainer, stream: Stream) -> Stream:
    """Add a copy without PyAV's question whether the container lists the codec.

    Matroska lists nothing of what it writes as Windows does (G.711, WMA, ADPCM). A stream of no
    kind asks nothing, and a filter that does nothing gives it the parameters of another.
    """
    copy: Stream = target.add_data_stream()
    with _untagged(stream) as template:
        BitStreamFilterContext("null", template, copy)
    return copy


@contextlib.contextmanager
def _untagged(stream: Stream) -> Iterator[Stream]:
    """Yield a stream of the same parameters without the source's tag, which other muxers refuse."""
    if getattr(stream, "codec_context", None) is None:  # data, and what no decoder is known of
        yield stream
        return
    scratch = av.open(io.BytesIO(), "w", format="null")
    try:
        yield scratch.add_stream_from_template(stream, opaque=True)
    finally:
        scratch.close()


def _name_layout(copy: AudioStream) -> None:
    """Name the layout that the source does not: MP4 else fails on PCM, and only when closed."""
    if copy.layout.name.endswith(" channels") and copy.channels <= len(LAYOUTS):
        copy.codec_context.layout = LAYOUTS[copy.channels - 1]
