"""A server as a process: started and awaited, silenced, killed, started again on the same port."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from tests.paths import ROOT

STARTS_S = 60.0
_LISTENS = {"tcp": "0A", "udp": "07"}
_given: set[int] = set()


def free_port() -> int:
    """Return a port of loopback that is free for TCP and UDP, never the same one twice."""
    for _ in range(100):
        with socket.socket() as one, socket.socket(type=socket.SOCK_DGRAM) as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError):
                two.bind(("127.0.0.1", port))
                if port not in _given:
                    _given.add(port)
                    return port
    raise OSError("expected a free port, got none in 100 tries")


def listens(port: int, protocol: str = "tcp") -> bool:
    """Return True if somebody listens on the port; nobody is disturbed by the question."""
    wanted = f":{port:04X}"
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        with contextlib.suppress(OSError), open(table) as lines:
            for line in lines:
                words = line.split()
                if words[1].endswith(wanted) and words[3] == _LISTENS[protocol]:
                    return True
    return False


def await_that(condition: object, what: str, within_s: float = STARTS_S) -> None:
    """Wait until ``condition()`` is true. Raises TimeoutError."""
    assert callable(condition)
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"expected {what} within {within_s:g} s")
        time.sleep(0.01)


class Server:
    """A process in a group of its own, which ends with the test.

    Args:
        command: What is started; from the root of the repository.
        ports: The ports it will listen on.
        protocol: ``tcp`` or ``udp``, of those ports.
        url: Where clients find what it offers.
    """

    def __init__(
        self, command: Sequence[str], *, ports: Sequence[int] = (), protocol: str = "tcp", url: str
    ) -> None:
        self.command, self.ports, self.protocol, self.url = list(command), ports, protocol, url
        self.process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.NamedTemporaryFile(prefix="server-", suffix=".log")  # noqa: SIM115

    @property
    def log(self) -> str:
        """Everything that the process has printed."""
        return Path(self._log.name).read_text(errors="replace")

    @property
    def running(self) -> bool:
        """True while the process is there."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> Self:
        """Start the process and wait until it listens. Raises TimeoutError."""
        # Dies with whoever started it, so that nothing is left of a test that was killed.
        keeper = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self.process = subprocess.Popen(
            keeper + self.command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "GST_REGISTRY_FORK": "no"},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            await_that(self._is_up, f"{self.command[0]} to listen on {list(self.ports)}")
        except BaseException as error:
            self.kill()
            error.add_note(self.log[-2000:])
            raise
        return self

    def _is_up(self) -> bool:
        assert self.process is not None
        if not self.ports and self.process.poll() == 0:
            return True  # a sender may be done before anybody looks
        assert self.running, f"{self.command} ended:\n{self.log[-2000:]}"
        return all(listens(port, self.protocol) for port in self.ports)

    def pause(self) -> None:
        """Stop the process where it is: its peers hear nothing and see no end."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process as a power cut would."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def restart(self) -> None:
        """Kill the process and start it again, on the same ports."""
        self.kill()
        self.start()

    def close(self) -> None:
        """End the process for good."""
        self.kill()
        self._log.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server, and end it on every way out."""
    try:
        yield server.start()
    finally:
        server.close()
