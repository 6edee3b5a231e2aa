"""SRT, which PyAV's FFmpeg lacks: by the library itself, or by another FFmpeg's program."""

from __future__ import annotations

import ctypes
import errno
import math
import os
import shutil
import socket
import subprocess
import sys
import time
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from vidsr.live.sinks.muxing.options import DATAGRAM
from vidsr.terminal.lifeline import end_with_parent

LIBRARIES = ("libsrt-gnutls.so.1.5", "libsrt.so.1.5", "libsrt-openssl.so.1.5", "libsrt.1.5.dylib")
# Connecting goes on as long as its parent waits, since every other try costs a process.
_CONNECT_MS, _SEND_MS = 4500, 3000
LATENCY_MS = 120
_MOST_LINGER_MS = 300
# A peer answers what it gets within 10 ms, beside the way there and back. The library gives one up
# after 16 silences of 0.3 s each, which no option shortens; here its answers are counted.
UNANSWERED_S = 1.5
_STATS_BYTES, _ANSWERS_AT = 1024, 40  # the place of ``pktRecvACKTotal`` in CBytePerfMon
# Numbers of options, as srt.h of 1.4 and 1.5 has them.
_SNDTIMEO, _LATENCY, _PASSPHRASE, _PBKEYLEN, _STREAMID, _CONNTIMEO = 13, 23, 26, 27, 46, 36
_REJECTED_PASSPHRASE = (1011, 1010)
_SECRET_KEYS = ("passphrase", "streamid")


def load_library() -> Any:
    """Return libsrt; None where this machine has none."""
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def bridge_program() -> str | None:
    """Return the path of an FFmpeg that speaks SRT: that of imageio-ffmpeg, else the system's."""
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg")


def has_secrets(url: str) -> bool:
    """Return True for an address with a pass phrase or a stream's identity in it."""
    return any(key in _SECRET_KEYS and value for key, value in parse_qsl(urlsplit(url).query))


def open_srt(url: str) -> SrtConnection | SrtProgram:
    """Return a connection as a file object for a transport stream.

    Raises OSError where there is none, and for secrets that only a program's arguments could carry.
    """
    library = load_library()
    if library is not None:
        return SrtConnection(library, url)
    program = bridge_program()
    if program is None:
        raise OSError(errno.EPROTONOSUPPORT, "SRT needs libsrt, or a program ffmpeg")
    if has_secrets(url):
        raise OSError(errno.EPROTONOSUPPORT, "a pass phrase needs libsrt: others would see it")
    return SrtProgram(program, url)


class SrtConnection:
    """A caller's connection of SRT's live mode.

    Args:
        library: libsrt.
        url: ``srt://host:port?latency=120&passphrase=…&pbkeylen=…&streamid=…``, latency in ms.
    """

    def __init__(self, library: Any, url: str) -> None:
        self._library = library
        library.srt_getlasterror_str.restype = ctypes.c_char_p
        if library.srt_startup() < 0:
            raise self._error("starting")
        self._socket = library.srt_create_socket()
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        self._set(_CONNTIMEO, _CONNECT_MS)
        self._set(_SNDTIMEO, _SEND_MS)
        self._latency_ms = int(query.get("latency", LATENCY_MS))
        self._set(_LATENCY, self._latency_ms)
        if "pbkeylen" in query:
            self._set(_PBKEYLEN, int(query["pbkeylen"]))
        for option, key in ((_PASSPHRASE, "passphrase"), (_STREAMID, "streamid")):
            if query.get(key):
                self._set(option, query[key].encode())
        self._connect(parts.hostname or "", parts.port or 0)
        self._stats = ctypes.create_string_buffer(_STATS_BYTES)
        self._answers, self._unanswered_s = 0, math.inf

    def write(self, data: bytes | memoryview) -> int:
        """Send whole packets of the transport stream, seven at a time. Raises OSError."""
        left = bytes(data)
        for begin in range(0, len(left), DATAGRAM):
            piece = left[begin : begin + DATAGRAM]
            if self._library.srt_send(self._socket, piece, len(piece)) < 0:
                raise self._error("sending")
        self._check_answers(time.monotonic())
        return len(left)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """End the connection once the peer has had time for what it holds back."""
        time.sleep(min(self._latency_ms, _MOST_LINGER_MS) / 1000)
        self.abort()

    def abort(self) -> None:
        """End the connection at once. The peer is told, and so has a place for the next one."""
        self._library.srt_close(self._socket)

    def _check_answers(self, now_s: float) -> None:
        """Raise OSError where the peer has answered nothing for long."""
        if self._library.srt_bstats(self._socket, self._stats, 0) < 0:
            return
        answers = int.from_bytes(self._stats.raw[_ANSWERS_AT : _ANSWERS_AT + 4], sys.byteorder)
        if answers != self._answers:
            self._answers, self._unanswered_s = answers, math.inf
        self._unanswered_s = min(self._unanswered_s, now_s)
        if now_s - self._unanswered_s > UNANSWERED_S:
            raise OSError(errno.ETIMEDOUT, "SRT, sending: the peer does not answer")

    def _set(self, option: int, value: int | bytes) -> None:
        raw: Any = ctypes.c_int(value) if isinstance(value, int) else ctypes.c_char_p(value)
        size = ctypes.sizeof(raw) if isinstance(value, int) else len(value)
        pointer = ctypes.byref(raw) if isinstance(value, int) else raw
        if self._library.srt_setsockflag(self._socket, option, pointer, size) < 0:
            raise self._error("setting up", errno.EINVAL)

    def _connect(self, host: str, port: int) -> None:
        family, _, _, _, number = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        address = _raw_address(family, str(number[0]), port)
        if self._library.srt_connect(self._socket, address, len(address)) < 0:
            reason = self._library.srt_getrejectreason(self._socket)
            raise self._error(
                "connecting", errno.EACCES if reason in _REJECTED_PASSPHRASE else None
            )

    def _error(self, doing: str, number: int | None = None) -> OSError:
        text = self._library.srt_getlasterror_str().decode(errors="replace")
        number = number or (errno.ECONNRESET if doing == "sending" else errno.ECONNREFUSED)
        return OSError(number, f"SRT, {doing}: {text}")


def _raw_address(family: int, number: str, port: int) -> bytes:
    """Return a ``sockaddr`` of this machine."""
    kind = family.to_bytes(2, "little")
    if family == socket.AF_INET6:
        return (
            kind + port.to_bytes(2, "big") + bytes(4) + socket.inet_pton(family, number) + bytes(4)
        )
    return kind + port.to_bytes(2, "big") + socket.inet_pton(family, number) + bytes(8)


class SrtProgram:
    """A connection by FFmpeg's program, which passes on what it reads and looks at nothing."""

    def __init__(self, program: str, url: str) -> None:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        latency_us = int(query.get("latency", LATENCY_MS)) * 1000
        address = f"srt://{parts.hostname}:{parts.port}?mode=caller&latency={latency_us}"
        arguments = [
            *(program, "-hide_banner", "-loglevel", "quiet"),
            *("-f", "data", "-raw_packet_size", str(DATAGRAM), "-i", "pipe:0", "-map", "0"),
            *("-c", "copy", "-f", "data", "-flush_packets", "1"),
            f"{address}&connect_timeout={_CONNECT_MS}",
        ]
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent,  # this process has one thread
        )

    def write(self, data: bytes | memoryview) -> int:
        """Pass bytes on. Raises OSError where the program is gone."""
        assert self._process.stdin is not None
        return os.write(self._process.stdin.fileno(), data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Let the program send what it has, and end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_MOST_LINGER_MS / 1000)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def abort(self) -> None:
        """End the program, which tells its peer."""
        self._process.terminate()
