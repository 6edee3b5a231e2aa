"""A child program of a run: given pieces by lines, and heard by a thread of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO

from vidsr.clusters.messages import Assignment, Event

Heard = tuple["Child", Event | None]
"""An event and whose it is; None is the end of the child."""
PATIENCE_S = 3.0  # of a child that was asked to end
# Of C, and with no lock that Ctrl-C may leave taken: whoever put something would wait for ever.
HeardQueue = queue.SimpleQueue[Heard]


class Child:
    """A running child program.

    Args:
        module: The module that it runs.
        argument: What it is started with.
        heard: A queue for its events.
        environment: Variables beside those of this process.
        log: A file for what it prints; None for this process's own stderr.
    """

    def __init__(
        self,
        module: str,
        argument: str,
        heard: HeardQueue,
        environment: Mapping[str, str] | None = None,
        log: IO[bytes] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(environment or {}),
            start_new_session=True,  # Ctrl-C is the parent's; a kill strikes the group
        )
        self._heard = heard
        self._thread = threading.Thread(target=self._hear, name="vidsr-hear", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def _hear(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines:
                for line in lines:
                    # What a library prints is no event, nor is a line that a kill cut short.
                    with contextlib.suppress(ValueError, TypeError, AttributeError):
                        self._heard.put((self, Event.from_json(line.decode())))
        finally:  # whatever comes: without this word a run would wait for ever
            self._heard.put((self, None))

    def send(self, given: Assignment) -> None:
        """Give the child a piece; one that has ended is heard of otherwise."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(asdict(given)).encode() + b"\n")
            self._process.stdin.flush()

    def ask_to_end(self) -> None:
        """Close the line to the child, which ends it when its piece is done."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def end(self, patience_s: float = PATIENCE_S) -> None:
        """End the child, by force after a while. May be called twice."""
        self.ask_to_end()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._thread.join(PATIENCE_S)  # somebody else may have the other end of the pipe

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._process.kill()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return this process's variables with ``more``, by which the child finds this very vidsr."""
    home = str(Path(__file__).absolute().parents[2])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}
