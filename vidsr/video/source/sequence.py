"""Numbered pictures on their way through the decoder, and which one is at fault.

FFmpeg takes an empty picture for the end of the sequence, and a decoder with frame threads reports
an error some pictures late, or loses it in the drain: so pictures are counted in and out here.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import av

from vidsr.errors import InputError
from vidsr.video.image_sequences import numbered_files
from vidsr.video.source.presence import HINT, check_files, unreadable
from vidsr.video.whole_pictures import is_cut_short, strict_options

# By the first bytes. A suffix decides which decoder FFmpeg takes for a whole sequence.
_BEGINNINGS = (
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"RIFF", "webp"),
    (b"qoif", "qoi"),
)


class NumberedPictures:
    """A count of one sequence's pictures, a packet each, into the decoder and out of it."""

    def __init__(self, pattern: Path) -> None:
        self._files = list(numbered_files(pattern).values())
        self._inside: deque[Path] = deque()
        self._next = 0

    def sent(self, packet: av.Packet[Any]) -> None:
        """Count a picture that is about to be decoded."""
        # A sequence's times are the places of its pictures, after a seek too.
        self._next = packet.pts if packet.pts is not None else self._next
        if self._next < len(self._files):
            self._inside.append(self._files[self._next])
        self._next += 1

    @property
    def latest(self) -> Path:
        """The picture that was read last."""
        return self._files[min(self._next, len(self._files)) - 1]

    def shown(self) -> None:
        """Count a picture that has come out."""
        if self._inside:
            self._inside.popleft()

    def check_end(self, decoder: str) -> None:
        """Raise InputError unless every picture has been read and has come out."""
        if self._inside:
            raise self.undecodable(decoder)
        if self._next < len(self._files):
            raise self.unreadable("FFmpeg finds no picture in it")

    def unreadable(self, reason: str) -> InputError:
        """Return the error of a sequence that could not be read on."""
        check_files(self._files)
        return unreadable(self._files[min(self._next, len(self._files) - 1)], reason)

    def undecodable(self, decoder: str, reason: str = "") -> InputError:
        """Return the error of the first picture inside the decoder that does not decode alone."""
        for path in self._inside:
            try:
                data = path.read_bytes()
            except OSError as error:
                return unreadable(path, error.strerror or str(error))
            if not _decodes(decoder, data):
                wanted, got = decoder.replace("mjpeg", "jpeg"), _kind(data)
                got = "a damaged one" if got == wanted else got
                return InputError(f"{path}: expected a {wanted} picture, got {got}", hint=HINT)
        path = next(iter(self._inside), self._files[-1])
        return InputError(f"{path}: cannot be decoded: {reason or 'no picture came out'}")


def _decodes(decoder: str, data: bytes) -> bool:
    """Return True if a whole picture comes out of the file, decoded alone and in this thread."""
    if is_cut_short(decoder, data):
        return False
    context = av.CodecContext.create(decoder, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    context.options = strict_options(decoder)
    try:
        return bool([*context.decode(av.Packet(data)), *context.decode(None)])
    except (av.error.FFmpegError, OSError, ValueError):
        return False


def _kind(data: bytes) -> str:
    """Return what the file seems to hold, by name where it is a picture."""
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    if not data:
        return "an empty file"
    if not data.strip(b"\0"):  # what a broken disk or download leaves
        return "a file of zeros"
    return "text" if data.isascii() and b"\0" not in data else "something else"
