"""Addresses of live sources, parsed and without their secrets; nothing here opens anything."""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from vidsr.errors import OptionError
from vidsr.live.base.options import SourceOptions
from vidsr.video.locator import PIPE, Locator

Kind = Literal["rtsp", "rtmp", "udp", "tcp", "srt", "hls", "http", "v4l2", "pipe", "file"]
PipeFormat = Literal["nut", "ts", "y4m", "raw"]
PIPE_FORMATS: tuple[PipeFormat, ...] = get_args(PipeFormat)

_SCHEMES: dict[str, Kind] = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "rtmp": "rtmp",
    "rtmps": "rtmp",
    "udp": "udp",
    "tcp": "tcp",
    "srt": "srt",
    "http": "http",
    "https": "http",
}
_LISTEN = "+listen"
_LISTENING = ("rtsp", "rtmp", "tcp")
_PLAYLISTS = (".m3u8", ".m3u")
_SIGNS = "in a user name or password, / ? # % are written as %2F %3F %23 %25."
KNOWN = (
    *(f"{scheme}://" for scheme in _SCHEMES),
    *(f"{scheme}{_LISTEN}://" for scheme in _LISTENING),
    *("v4l2:", "pipe:", PIPE),
)


@dataclass(frozen=True, repr=False)
class Address:
    """The address of a live source.

    Args:
        kind: What it takes to open it.
        url: What FFmpeg is given, with user and password where it holds them.
        name: The same for people, without secrets.
        listen: True where the peer calls us.
        container: What a pipe holds, None where it is not said.
    """

    kind: Kind
    url: str
    name: str
    listen: bool = False
    container: PipeFormat | None = None

    def __repr__(self) -> str:
        return f"Address({self.kind!r}, {self.name!r})"

    @property
    def secure(self) -> bool:
        """True where the connection is encrypted by TLS."""
        return self.url.partition("://")[0] in ("rtsps", "rtmps", "https")

    @property
    def is_stored(self) -> bool:
        """True for a regular file, by its name or as standard input: all of it is there at once."""
        if self.kind not in ("file", "pipe"):
            return False
        try:
            status = os.fstat(0) if self.kind == "pipe" else os.stat(self.url)
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode)

    @property
    def finite(self) -> bool:
        """True for what is over at its end and is not connected to again."""
        return self.kind in ("pipe", "file")


def parse_address(text: str) -> Address:
    """Return the address that a text names.

    Args:
        text: ``rtsp:// rtsps:// rtmp:// rtmps:// udp:// tcp:// srt:// http:// https://``, the first
            ones with ``+listen`` before ``://`` to be called, ``v4l2:/dev/video0``, ``pipe:nut``
            (or ``ts``, ``y4m``, ``raw``), ``-`` for standard input, or a file.

    Raises:
        OptionError: It names nothing of that.
    """
    if text == PIPE:
        return Address("pipe", PIPE, PIPE)
    head, colon, rest = text.partition(":")
    if colon and head.lower() == "pipe":
        return _pipe(rest, text)
    if colon and head.lower() == "v4l2":
        if not rest:
            raise OptionError("source = 'v4l2:' names no device", hint="as in v4l2:/dev/video0.")
        return Address("v4l2", rest, text)
    locator = Locator.of(text)
    if locator.kind == "address":
        return _network(locator)
    if locator.kind != "file" or not text:
        raise OptionError(f"source = {str(locator)!r} is no live source", hint=_hint(text))
    return Address("file", locator.text, str(locator))


def check_raw(address: Address, options: SourceOptions) -> None:
    """Raise OptionError for raw video of which nobody says what it holds."""
    raw = "raw" in (address.container, options.format)
    if raw and address.finite and not (options.size and options.pixel_format):
        raise OptionError(
            "raw video says nothing of its pictures: source_size and pixel_format are needed",
            hint="as 640x360 and yuv420p, and source_rate where it is not 25.",
        )


def _pipe(container: str, text: str) -> Address:
    for known in PIPE_FORMATS:
        if container.lower() == known:
            return Address("pipe", PIPE, text, container=known)
    raise OptionError(
        f"source = {text!r}: expected a format of a pipe, got {container!r}",
        hint=f"one of {', '.join(f'pipe:{known}' for known in PIPE_FORMATS)}.",
    )


def _network(locator: Locator) -> Address:
    scheme, rest = locator.scheme, locator.text.partition("://")[2]
    listen = scheme.endswith(_LISTEN)
    plain = scheme.removesuffix(_LISTEN)
    kind = _SCHEMES.get(plain)
    if kind is None or (listen and plain not in _LISTENING):
        raise OptionError(
            f"source = {str(locator)!r}: expected a kind of live source, got {scheme!r}",
            hint=_hint(f"{scheme}://"),
        )
    if not rest.strip("/"):
        raise OptionError(f"source = {str(locator)!r} names no host")
    if not _names_port_well(locator.text):
        raise OptionError(
            f"source = {str(locator)!r}: expected a port of 1 to 65535",
            hint=_SIGNS if "@" in locator.text else "",
        )
    if kind in ("udp", "tcp") and not _port(locator.text):
        raise OptionError(f"source = {str(locator)!r}: expected a port, as in {plain}://HOST:PORT")
    if kind == "http" and locator.suffix in _PLAYLISTS:
        kind = "hls"
    return Address(kind, f"{plain}://{rest}", str(locator), listen)


def _names_port_well(url: str) -> bool:
    """Return True where an address has no port, or one that can be."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _hint(text: str) -> str:
    near = difflib.get_close_matches(text.lower(), KNOWN, 1, 0.6)
    known = "kinds: " + " ".join(KNOWN) + " FILE."
    return f"did you mean {near[0]}? {known}" if near else known
