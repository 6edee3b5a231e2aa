"""Addresses of sinks, checked before anything is opened; PyAV and PyTorch are not loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from vidsr.errors import OptionError
from vidsr.live.sinks.muxing.video_fit import check_carried
from vidsr.option_values import nearest
from vidsr.video.locator import PIPE, Locator

SinkKind = Literal["network", "udp", "hls", "pipe", "record"]
NETWORK = ("rtsp", "rtsp+udp", "rtsps", "rtmp", "rtmps", "srt", "tcp")
_WITH_PORT = ("udp", "tcp", "srt")
KINDS = (*NETWORK, "udp", "hls", "hls+ll", "pipe", "record")
# Coded video, and pictures as they are (mjpeg codes each for itself).
CODED_PIPES = {"nut": "nut", "ts": "mpegts", "mkv": "matroska"}
PICTURE_PIPES = ("y4m", "raw", "nut-raw", "mjpeg")
RECORDINGS = {".mkv": "matroska", ".ts": "mpegts", ".mp4": "mp4"}
_CONTAINERS = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "rtmp": "flv",
    "rtmps": "flv",
    "srt": "mpegts",
    "tcp": "mpegts",
    "udp": "mpegts",
}
RECORD_S = 600.0
_DURATION = re.compile(r"\?duration=(\d+(?:\.\d+)?)(s|m|min|h|)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_SECRET_KEYS = re.compile("pass|pwd|pw|token|secret|key|sig|auth|cred|streamid|session|jwt", re.I)
_EXAMPLES = (
    "rtsp://host/path, rtmp://host/app/name, srt://host:port, udp://host:port, tcp://host:port, "
    "hls:FOLDER, record:FOLDER/%Y-%m-%d_%H-%M-%S.mkv, pipe:nut and -"
)


@dataclass(frozen=True, repr=False)
class SinkAddress:
    """An address of a sink, taken apart.

    Args:
        kind: What writes it.
        name: The address without secrets, by which the sink is known.
        scheme: The part before the colon, such as ``rtsp+udp``; ``pipe`` for ``-``.
        target: An address as FFmpeg opens it with user and password, a folder, a pattern, or the
            path of a named pipe, empty for standard output.
        format: What a pipe holds.
        duration_s: The length of a recording's files.
    """

    kind: SinkKind
    name: str
    scheme: str
    target: str
    format: str = ""
    duration_s: float = RECORD_S

    def check_codec(self, codec: str) -> None:
        """Raise OptionError for video that the sink does not carry, such as AV1 in ``udp://``."""
        if self.container:
            check_carried(self.name, self.container, codec)

    @property
    def container(self) -> str:
        """FFmpeg's name of the container, ``hls+ll`` for HLS of fragmented MP4, "" for pictures."""
        if self.kind == "pipe":
            return CODED_PIPES.get(self.format, "")
        if self.kind == "record":
            return RECORDINGS[Path(self.target).suffix.lower()]
        return _CONTAINERS.get(self.scheme.partition("+")[0], self.scheme)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts that no text may hold."""
        if self.kind not in ("network", "udp"):
            return ()
        parts = urlsplit(self.target)
        values = [v for k, v in parse_qsl(parts.query) if _SECRET_KEYS.search(k)]
        user = parts.netloc.rpartition("@")[0]
        password = user.partition(":")[2] or user
        hidden = (self.target, user, password, unquote(password), *values)
        return tuple(text for text in hidden if text and text != self.name)

    def __repr__(self) -> str:
        return f"SinkAddress({self.name!r})"


def parse_sink(text: str) -> SinkAddress:
    """Return the address that a text names.

    Args:
        text: ``rtsp://``, ``rtsp+udp://``, ``rtsps://``, ``rtmp://``, ``rtmps://``, ``srt://``,
            ``udp://`` or ``tcp://`` and a host; ``hls:FOLDER`` or ``hls+ll:FOLDER``;
            ``record:PATTERN``, perhaps with ``?duration=10m``; ``pipe:FORMAT``, perhaps with
            ``:PATH`` of a named pipe; ``-`` for ``pipe:nut``.

    Raises:
        OptionError: The text names no sink, or lacks a part.
    """
    if text == PIPE:
        return SinkAddress("pipe", PIPE, "pipe", "", format="nut")
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in KINDS:
        raise _unknown(text)
    if scheme == "pipe":
        return _pipe(text, rest)
    if scheme == "record":
        return _recording(text, rest)
    if scheme in ("hls", "hls+ll"):
        if not rest or "://" in text:
            raise OptionError(f"{text}: expected a folder after {scheme}:.")
        return SinkAddress("hls", text, scheme, rest)
    return _network(text, scheme, rest)


def _network(text: str, scheme: str, rest: str) -> SinkAddress:
    locator = Locator.of(text)
    name = str(locator)
    try:
        parts = urlsplit(locator.text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise OptionError(f"{name}: expected a host and a port of 1 to 65535.") from error
    if not rest.startswith("//") or not host:
        raise OptionError(f"{name}: expected {scheme}:// and a host.")
    if scheme in _WITH_PORT and not port:
        raise OptionError(f"{name}: expected a port, as in {scheme}://{host}:5000.")
    if scheme in ("rtmp", "rtmps") and len(parts.path.strip("/")) == 0:
        raise OptionError(f"{name}: expected an application and a name, as in /live/camera.")
    url = locator.text.replace("rtsp+udp://", "rtsp://", 1)
    return SinkAddress("udp" if scheme == "udp" else "network", name, scheme, url)


def _pipe(text: str, rest: str) -> SinkAddress:
    format, _, path = rest.partition(":")
    known = (*CODED_PIPES, *PICTURE_PIPES)
    if format not in known:
        near = nearest(format, known)
        raise OptionError(
            f"{text}: expected one of {', '.join(known)} after pipe:.",
            hint=f"did you mean pipe:{near}?" if near else "",
        )
    return SinkAddress("pipe", text, "pipe", path, format=format)


def _recording(text: str, rest: str) -> SinkAddress:
    duration_s = RECORD_S
    if match := _DURATION.search(rest):
        duration_s = float(match[1]) * _SECONDS[match[2]]
        rest = rest[: match.start()]
    if Path(rest).suffix.lower() not in RECORDINGS:
        raise OptionError(f"{text}: expected a file that ends with {', '.join(RECORDINGS)}.")
    if duration_s <= 0:
        raise OptionError(f"{text}: expected a duration above zero.")
    return SinkAddress("record", text, "record", rest, duration_s=duration_s)


def _unknown(text: str) -> OptionError:
    name = str(Locator.of(text))
    scheme = text.partition(":")[0].lower()
    near = nearest(scheme, KINDS) if ":" in text else ""
    hint = f"did you mean {near}:?" if near else ""
    if not hint and Path(text).suffix.lower() in RECORDINGS and "://" not in text:
        hint = f"record:{name} writes files."
    return OptionError(f"{name}: expected the address of a sink: {_EXAMPLES}.", hint=hint)
