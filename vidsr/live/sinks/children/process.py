"""One child process: how it is started, fed without waiting, heard and killed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import vidsr

# What a program needs to find its libraries, certificates and names of hosts; secrets that came to
# the parent by its environment are not among it.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("VIRTUAL_ENV", "PYTHONHOME", "http_proxy", "https_proxy", "no_proxy"),
)
_READ_BYTES = 1 << 16


class Child:
    """A running child. Every method but ``kill`` is called by the thread that made it.

    Args:
        module: The module that it runs, named in full.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # FFmpeg's lines name addresses with their passwords
            bufsize=0,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is the parent's; a kill strikes the group
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._down, self._up = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._down, False)
        os.set_blocking(self._up, False)
        self._waiting = memoryview(b"")
        self._line = b""

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def full(self) -> bool:
        """True while the last message is not in the pipe as a whole."""
        return len(self._waiting) > 0

    def send(self, message: bytes) -> None:
        """Take a message, of which as much goes into the pipe as fits.

        Raises OSError where the child reads no more. ``full`` must be False.
        """
        assert not self.full
        self._waiting = memoryview(message)
        self.push()

    def push(self) -> None:
        """Put more of the message into the pipe. Raises OSError."""
        while self._waiting:
            try:
                count = os.write(self._down, self._waiting)
            except BlockingIOError:
                return
            self._waiting = self._waiting[count:]

    def wait(self, timeout_s: float) -> None:
        """Wait until there is a line to read, or room for the rest of a message."""
        writable = [self._down] if self.full else []
        select.select([self._up], writable, [], max(0.0, timeout_s))

    def lines(self) -> list[dict[str, Any]]:
        """Return what the child has said since the last time. Raises EOFError after the end."""
        try:
            data = os.read(self._up, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise EOFError
        *whole, self._line = (self._line + data).split(b"\n")
        return [json.loads(line) for line in whole]

    def end_input(self) -> None:
        """Close the pipe to the child."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def kill(self) -> None:
        """Kill the child with all that it has started, and close the pipes; may be repeated."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.end_input()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _environment() -> dict[str, str]:
    """Return the child's environment, in which this very package is found first."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = str(Path(vidsr.__file__).resolve().parent.parent)
    return kept | {"PYTHONPATH": own, "PYTHONDONTWRITEBYTECODE": "1"}
