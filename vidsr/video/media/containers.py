"""The opening of containers: errors in words, and the formats that a source may have.

Playlists and session descriptions name other things to read. A film that somebody was given, and
that is one of them under another name, would have its reader's files and network looked into: so
they are no formats of a source unless that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vidsr.errors import InputError

NAMING_OTHERS = (
    *("hls", "applehttp", "concat", "concatf", "dash", "webm_dash_manifest", "imf", "vobsub"),
    *("sdp", "rtsp", "rtp", "rtp_mpegts", "sap", "lavfi", "avisynth", "vapoursynth"),
)
_BEGINNINGS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"v=0\r\n", b"v=0\n", b"[Reference]")
_LOOKED_AT = 4096
BUFFER_BYTES = 1 << 18
HINT = "vidsr reads what FFmpeg reads; the file may be incomplete or no video."


@dataclass(frozen=True)
class Opening:
    """The way to open a container.

    Args:
        options: Options of the demuxer.
        format: FFmpeg's name of the format, None to find out.
        hwaccel: What decodes instead of FFmpeg where it can.
        playlists: Formats among those that name others which may be read nevertheless.
        io_open: What opens the name, and what a playlist names, in FFmpeg's place.
        hint: What may help where it cannot be opened.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    hwaccel: HWAccel | None = None
    playlists: tuple[str, ...] = ()
    io_open: Callable[[str, int, dict[str, str]], Any] | None = None
    hint: str = HINT


@cache
def _formats(playlists: tuple[str, ...]) -> str:
    """Return the names of the formats that a source may have, as FFmpeg takes a list."""
    banned = set(NAMING_OTHERS).difference(playlists)
    return ",".join(sorted(av.formats_available - banned))


def open_container(name: str, what: Any, way: Opening) -> InputContainer:
    """Open a container. Raises InputError.

    Args:
        name: The source in messages.
        what: The name for FFmpeg, or an object with ``read``.
        way: How to open it.
    """
    options = {**way.options, "format_whitelist": _formats(way.playlists)}
    try:
        container: InputContainer = av.open(
            what,
            options=options,
            format=way.format,
            metadata_errors="replace",
            hwaccel=way.hwaccel,
            io_open=way.io_open,
            buffer_size=BUFFER_BYTES if not isinstance(what, str) or way.io_open else 32768,
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if isinstance(what, str) and way.io_open is None and names_others(what):
            raise is_playlist(name) from error
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name}: cannot be opened: {reason}", hint=way.hint) from error
    if container.format.name == "tty":  # FFmpeg draws text files as a terminal would
        container.close()
        raise InputError(f"{name}: is a text file, not a video")
    return container


def checked(container: InputContainer, check: Callable[[], None]) -> InputContainer:
    """Return an open container, closed where ``check`` raises.

    Left to the garbage collector, one that reads through Python would crash the process: PyAV's
    file objects may go before the demuxer that still holds them.
    """
    try:
        check()
    except BaseException:
        container.close()
        raise
    return container


def names_others(path: str) -> bool:
    """Return True if a file begins as a playlist or a description of streams does."""
    try:
        with open(path, "rb") as file:
            return looks_like_playlist(file.read(_LOOKED_AT))
    except (OSError, ValueError):
        return False


def looks_like_playlist(head: bytes) -> bool:
    """Return True if bytes begin as a playlist or a description of streams does."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(_BEGINNINGS) or (text.startswith(b"<?xml") and b"<MPD" in text)


def is_playlist(name: str) -> InputError:
    """Return the error for a playlist that may not be followed."""
    return InputError(
        f"{name}: is a playlist, which names other files or addresses",
        hint="allow = 'file' reads the files that it names, 'file,https' addresses too.",
    )
