"""Giving decoders and encoders up while pictures are in flight inside them.

PyAV frees a codec under the interpreter's lock and FFmpeg then waits for the codec's threads. A
thread that logs waits for the same lock wherever a host has called ``av.logging.set_level``: both
wait for ever. A codec that holds no picture any more has no thread at work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import av
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream

ERRORS = (av.error.FFmpegError, OSError, ValueError)


def empty_decoder(decoder: av.CodecContext | None) -> None:
    """Drop the pictures inside; the lock is open meanwhile. Costs nothing where there are none."""
    if decoder is not None and decoder.is_open:
        decoder.flush_buffers()


def empty_encoder(encoder: av.CodecContext | None) -> None:
    """Encode what is inside and drop it, where threads of the encoder may log through Python.

    Elsewhere it is left alone: a run that is broken off would go on for all that looks ahead, 40
    pictures in x264, which at 4K and a slow preset is most of a minute.
    """
    if av.logging.get_level() is None or encoder is None or not encoder.is_open:
        return
    if isinstance(encoder, av.VideoCodecContext | av.AudioCodecContext):
        with contextlib.suppress(*ERRORS):  # drained already, or failed: nothing is inside
            encoder.encode(None)


def close_input(container: InputContainer) -> None:
    """Empty every decoder of a file and close it; a second time does nothing."""
    for stream in container.streams:
        if not isinstance(stream, AttachmentStream):
            empty_decoder(stream.codec_context)
    container.close()


@contextlib.contextmanager
def reading(container: InputContainer) -> Iterator[InputContainer]:
    """Close a file on every way out, an abandoned generator's too, with no picture in flight."""
    try:
        yield container
    finally:
        close_input(container)


@contextlib.contextmanager
def writing(container: OutputContainer) -> Iterator[OutputContainer]:
    """Close a target on every way out, with no picture in flight."""
    try:
        yield container
    finally:
        for stream in container.streams:
            if not isinstance(stream, AttachmentStream):
                empty_encoder(stream.codec_context)
        container.close()
