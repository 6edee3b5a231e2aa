"""SRT by a bridge: another FFmpeg, which has it, receives and hands the bytes on through a pipe.

PyAV's libraries have no SRT. Arguments of a process can be read by everybody on a machine, and
FFmpeg takes an address from nowhere else; but a list for its ``concat`` demuxer may come by
standard input. An address with a secret goes that way, at the cost of one more reading of the
stream inside the bridge: first frame after 1.1 s instead of 0.9 s, of which 0 to 1 s is the wait
for a key frame.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator

from vidsr.errors import OptionError
from vidsr.live.sources.opening.address import Address

_QUIET = ["-nostdin", "-hide_banner", "-loglevel", "error"]
_OUT = ["-map", "0", "-c", "copy", "-flush_packets", "1"]
_TIMEOUT = "connect_timeout"  # of libsrt's handshake, in milliseconds
_LINES = 20
_DENIED = b"incorrect passphrase", b"password required"
ENDS_S = 0.5


def find_bridge() -> str:
    """Return the path of an FFmpeg with SRT: that of imageio-ffmpeg, or the system's.

    Raises:
        OptionError: There is none.
    """
    for candidate in _candidates():
        if _has_srt(candidate):
            return candidate
    raise OptionError(
        "srt:// needs an FFmpeg with SRT, and none is installed",
        hint="install the extra [srt], or the system's ffmpeg.",
    )


def _candidates() -> Iterator[str]:
    with contextlib.suppress(ImportError, RuntimeError):
        import imageio_ffmpeg

        yield imageio_ffmpeg.get_ffmpeg_exe()
    if system := shutil.which("ffmpeg"):
        yield system


@functools.cache
def _has_srt(path: str) -> bool:
    command = [path, "-hide_banner", "-protocols"]
    try:
        listed = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"srt" in listed.stdout.split()


class SrtBridge:
    """A child process that receives one SRT stream. Its output is a transport stream.

    Args:
        address: Where to call, or to listen with ``mode=listener``; an address of FFmpeg.
        open_s: Longest time that the handshake may take, in seconds.
    """

    def __init__(self, address: Address, open_s: float) -> None:
        url = _with_timeout(address.url, open_s)
        secret = address.name != address.url
        command = secret_command() if secret else [*_QUIET, "-f", "data", "-i", url, *_OUT]
        output = ["-f", "mpegts", "-omit_video_pes_length", "0"] if secret else ["-f", "data"]
        self.process = subprocess.Popen(
            [find_bridge(), *command, *output, "pipe:1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(_playlist(url).encode() if secret else b"")
        self.process.stdin.close()
        self._said: list[bytes] = []
        self._listener = threading.Thread(target=self._listen, name="srt-bridge", daemon=True)
        self._listener.start()

    @property
    def descriptor(self) -> int:
        """The descriptor from which its output is read; it stays the bridge's."""
        assert self.process.stdout
        return self.process.stdout.fileno()

    @property
    def denied(self) -> bool:
        """True if the peer wants another passphrase; to be asked when the child has ended."""
        return any(word in line for line in self._said for word in _DENIED)

    def close(self) -> None:
        """End the child. May be called twice.

        One that is asked to end tells its peer, which otherwise finds it gone after 5 s only, and
        may serve nobody else until then.
        """
        self.process.terminate()
        try:
            self.process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.join(1)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def _listen(self) -> None:
        """Keep its first lines, which name the address with its secrets and are never shown."""
        assert self.process.stderr
        with contextlib.suppress(OSError, ValueError):
            for line in self.process.stderr:
                if len(self._said) < _LINES:
                    self._said.append(line.lower())


def secret_command() -> list[str]:
    """Return arguments that name no address: it comes by standard input."""
    quiet = [word for word in _QUIET if word != "-nostdin"]
    allowed = ["-protocol_whitelist", "pipe,fd,srt"]
    return [*quiet, *allowed, "-f", "concat", "-safe", "0", "-i", "pipe:0", *_OUT]


def _playlist(url: str) -> str:
    quoted = url.replace("'", r"'\''")
    options = {"fpsprobesize": "0", "analyzeduration": "200000"}
    lines = [f"option {name} {value}" for name, value in options.items()]
    return "\n".join(["ffconcat version 1.0", f"file '{quoted}'", *lines, ""])


def _with_timeout(url: str, open_s: float) -> str:
    if f"{_TIMEOUT}=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}{_TIMEOUT}={round(1000 * open_s)}"
