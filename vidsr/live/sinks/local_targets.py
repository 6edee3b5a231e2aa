"""Targets that are written in this process: datagrams, HLS, pipes."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.muxer import Muxer
from vidsr.live.sinks.muxing.options import DATAGRAM, hls_options, transport_options
from vidsr.live.sinks.pipe_end import PipeEnd
from vidsr.live.sinks.writers import Writer

_SEGMENT = re.compile(r"[0-9a-f]{11,}-\d{15,}\.(?:ts|m4s)(?:\.tmp)?")
_OLD_S = 60.0
PLAYLIST, ENDED = "index.m3u8", "#EXT-X-ENDLIST"


class UdpTarget:
    """A transport stream in datagrams; nobody has to be there."""

    once = False

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self, format: MuxFormat) -> Writer:
        """Return a muxer. FFmpeg would look the host's name up under the interpreter's lock."""
        return Muxer(numbered_url(self._url), "mpegts", format, transport_options())

    def stop(self) -> None:
        """Do nothing: datagrams wait for nobody."""

    def end(self) -> None:
        """Do nothing: datagrams have no end."""


def numbered_url(url: str) -> str:
    """Return the address with the host's number and the size of datagrams. Raises OSError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    family, _, _, _, number = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    shown = f"[{number[0]}]" if family == socket.AF_INET6 else str(number[0])
    query = parts.query or f"pkt_size={DATAGRAM}"
    if "pkt_size" not in query:
        query += f"&pkt_size={DATAGRAM}"
    return f"udp://{shown}:{port}?{query}"


class HlsTarget:
    """A folder with a playlist, ``index.m3u8``, and its newest segments.

    A change of format or a failure does not end the list: another one follows in the same place.

    Args:
        folder: The folder, made where there is none.
        low_latency: True for fragmented MP4 of half a second.
        want_key_frame: Where key frames are asked for: a segment ends at one.
    """

    once = False

    def __init__(
        self, folder: Path, *, low_latency: bool, want_key_frame: Callable[[], None]
    ) -> None:
        self._folder, self._low_latency = folder, low_latency
        self._want_key_frame = want_key_frame
        self._opened = False

    def open(self, format: MuxFormat) -> Writer:
        """Return a muxer whose segments carry the time of its opening in their names."""
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_old_segments(self._folder)
        suffix = "m4s" if self._low_latency else "ts"
        segments = self._folder / f"{time.time_ns() // 1_000_000:x}-%d.{suffix}"
        options = hls_options(str(segments), low_latency=self._low_latency)
        muxer = Muxer(str(self._folder / PLAYLIST), "hls", format, options)
        self._opened = True
        return KeyAsking(muxer, 0.5 if self._low_latency else 1.0, self._want_key_frame)

    def stop(self) -> None:
        """Do nothing: files wait for nobody."""

    def end(self) -> None:
        """Tell players that there is no further segment. Raises OSError."""
        if self._opened:
            end_playlist(self._folder / PLAYLIST)


def end_playlist(path: Path) -> None:
    """Write the mark of the end into a playlist, which is whole at every moment. Raises OSError."""
    text = path.read_text(encoding="utf-8")
    if ENDED not in text:
        whole = path.with_name(path.name + ".tmp")
        whole.write_text(f"{text}{ENDED}\n", encoding="utf-8")
        whole.replace(path)


def remove_old_segments(folder: Path) -> None:
    """Remove segments that earlier runs have left, once nobody can be reading them any more."""
    for path in folder.iterdir():
        if _SEGMENT.fullmatch(path.name) and time.time() - path.stat().st_mtime > _OLD_S:
            path.unlink(missing_ok=True)


class KeyAsking:
    """A writer that asks for a key frame where the last one is a segment's length ago."""

    def __init__(self, muxer: Writer, longest_s: float, want_key_frame: Callable[[], None]) -> None:
        self._muxer, self._longest = muxer, round(longest_s * CLOCK_HZ)
        self._want_key_frame = want_key_frame
        self._key_at: int | None = None

    @property
    def packets(self) -> int:
        """Packets of video written."""
        return self._muxer.packets

    @property
    def size_bytes(self) -> int:
        """Bytes written."""
        return self._muxer.size_bytes

    def look_after(self) -> None:
        """Do nothing."""

    def write(self, packet: CodedPacket) -> None:
        """Write a packet, and ask before the next one would be late."""
        self._muxer.write(packet)
        if packet.kind != "video":
            return
        if packet.key or self._key_at is None:
            self._key_at = packet.pts
        elif packet.pts + packet.duration - self._key_at >= self._longest:
            self._want_key_frame()
            self._key_at = packet.pts  # not again for every frame until it comes

    def close(self) -> None:
        """Write the end."""
        self._muxer.close()


class PipeTarget:
    """Standard output, or a named pipe that readers come to and leave."""

    def __init__(self, container: str, end: PipeEnd) -> None:
        self._container, self._end = container, end
        self.once = not end.named

    def open(self, format: MuxFormat) -> Writer:
        """Return a muxer into the pipe, once somebody reads it. Raises OSError after ``stop``."""
        options = transport_options() if self._container == "mpegts" else {}
        file: Any = self._end.open()
        try:
            return PipeMuxer(Muxer(file, self._container, format, options), self._end)
        except BaseException:
            self._end.close()
            raise

    def stop(self) -> None:
        """Break off what waits for a reader."""
        self._end.stop()

    def end(self) -> None:
        """Do nothing: the end of a pipe is that of its last writer."""


class PipeMuxer:
    """A muxer into a pipe, which is closed with it where it has a name."""

    def __init__(self, muxer: Muxer, end: PipeEnd) -> None:
        self._muxer, self._end = muxer, end

    @property
    def packets(self) -> int:
        """Packets of video written."""
        return self._muxer.packets

    @property
    def size_bytes(self) -> int:
        """Bytes of packets written."""
        return self._muxer.size_bytes

    def write(self, packet: CodedPacket) -> None:
        """Mux a packet."""
        self._muxer.write(packet)

    def look_after(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Write the end."""
        try:
            self._muxer.close()
        finally:
            self._end.close()
