"""Processes that start with vidsr loaded: in milliseconds, where a fresh one takes two seconds.

For tests of what only a process shows: signals, kills, limits, terminals, what libraries print.
Tests of how a command starts, and of its memory, start a fresh one.

    with WarmProcess(command("vidsr.cli"), ["a.mp4", "-o", "b.mp4"], stderr=PIPE) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(60)
    done = run_warm("print(1)")
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, TimeoutExpired
from typing import IO, Any, Literal, Self

from tests.paths import ROOT

BOUND_S = 300.0
Loaded = Literal["torch", "commands"]


def command(module: str) -> str:
    """Return code that runs a command's module as ``python -m`` does."""
    return (
        f"import importlib, sys; sys.exit(importlib.import_module({module!r}).main(sys.argv[1:]))"
    )


@cache
def _channel(what: Loaded) -> socket.socket:
    """Return the way to the program that forks; it ends when this process does."""
    ours, theirs = socket.socketpair()
    # Standard output of the jobs is buffered as into a pipe, whatever it is here.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.doubles.warm_program", str(theirs.fileno()), what],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdin=DEVNULL,
        stdout=DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(_end, ours, program)
    return ours


def channel_for_scripts() -> int:
    """Return the descriptor that processes pass on to ``warm_client`` as ``WARM_CHANNEL``."""
    return _channel("torch").fileno()


def _end(channel: socket.socket, program: subprocess.Popen[bytes]) -> None:
    channel.close()
    program.wait()


class WarmProcess:
    """A process that runs code with vidsr loaded; what of ``subprocess.Popen`` tests need.

    Args:
        code: What it runs, as ``__main__``.
        arguments: What ``sys.argv`` has after its first.
        folder: Where it runs.
        environment: Variables to set.
        loaded: What is loaded: all, or what commands need for their answers, without PyTorch.
        stdin, stdout, stderr: PIPE, DEVNULL, a descriptor, or None for the same as here.
    """

    def __init__(
        self,
        code: str,
        arguments: Sequence[object] = (),
        *,
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
        loaded: Loaded = "torch",
        stdin: int | None = DEVNULL,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self.returncode: int | None = None
        with contextlib.ExitStack() as theirs:
            streams = [_open(kind, n, theirs) for n, kind in enumerate((stdin, stdout, stderr))]
            report, ended = os.pipe()
            theirs.callback(os.close, ended)
            self.stdin, self.stdout, self.stderr = (ours for _, ours in streams)
            job = {
                "code": code,
                "arguments": [str(argument) for argument in arguments],
                "folder": str(folder or os.getcwd()),
                "environment": environment or {},
            }
            numbers = [*(number for number, _ in streams), ended]
            message = json.dumps(job).encode() + b"\n"
            channel = _channel(loaded)
            sent = socket.send_fds(channel, [message], numbers)
            channel.sendall(message[sent:])
        self._report = os.fdopen(report, "rb", buffering=0)
        self.pid = int(self._line(BOUND_S))

    def _line(self, timeout_s: float | None) -> bytes:
        if not select.select([self._report], [], [], timeout_s)[0]:
            raise TimeoutExpired("a warm process", timeout_s or 0.0)
        line = self._report.readline()
        assert line, "the program that forks has ended"
        return line

    def poll(self) -> int | None:
        """Return the status, minus the signal's number after one; None while it runs."""
        with contextlib.suppress(TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float = BOUND_S) -> int:
        """Return the status once the process has ended. Raises TimeoutExpired after seconds."""
        if self.returncode is None:
            self.returncode = int(self._line(timeout))
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = BOUND_S) -> tuple[bytes, bytes]:
        """Return all that the process wrote into its pipes. Raises TimeoutExpired after seconds."""
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(_read, stream) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except TimeoutExpired:
                self.kill()
                raise
            out, error = (each.result() for each in both)
        return out, error

    def close(self) -> None:
        """Kill the process if it runs, and close the pipes."""
        self.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr, self._report):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_warm(
    code: str,
    arguments: Sequence[object] = (),
    *,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    loaded: Loaded = "torch",
    timeout: float = BOUND_S,
) -> CompletedProcess[str]:
    """Run code to its end, and return its status and what it wrote."""
    if os.name != "posix":  # then as any other process
        words = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout
        )
    where: dict[str, Any] = {"folder": folder, "environment": environment, "loaded": loaded}
    with WarmProcess(code, arguments, stdout=PIPE, stderr=PIPE, **where) as process:
        out, error = process.communicate(timeout)
        return CompletedProcess("<job>", process.wait(), out.decode(), error.decode())


def run_module(command: Sequence[str], first: str = "") -> CompletedProcess[str]:
    """Run ``[python, "-m", module, *arguments]`` warm, after ``first``, which is code as well."""
    _, option, module, *arguments = command
    assert option == "-m", command
    code = f"{first}\nimport runpy\nrunpy.run_module({module!r}, run_name='__main__')"
    return run_warm(code, arguments)


def _read(stream: IO[bytes] | None) -> bytes:
    return b"" if stream is None or stream.closed else stream.read()


def _open(
    kind: int | None, number: int, theirs: contextlib.ExitStack
) -> tuple[int, IO[bytes] | None]:
    """Return the descriptor for the process, and our end of a pipe."""
    if kind is None:
        return number, None
    if kind == DEVNULL:
        null = os.open(os.devnull, os.O_RDWR)
        theirs.callback(os.close, null)
        return null, None
    if kind != PIPE:
        return kind, None
    reading, writing = os.pipe()
    child, ours = (reading, writing) if number == 0 else (writing, reading)
    theirs.callback(os.close, child)
    return child, os.fdopen(ours, "wb" if number == 0 else "rb", buffering=0 if number == 0 else -1)
