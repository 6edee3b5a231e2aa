"""Engines loaded or built while the run goes on without them."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import IO

from vidsr.engines.engine import Engine
from vidsr.errors import DeviceError, VidsrError

STOP_S = 10.0  # for a builder to end before it is killed
NO_ENGINE = "no TensorRT engine: "


class BackgroundBuild:
    """A ``Candidate`` that ``command`` puts where ``load`` finds it.

    A thread does all of it, since even to look for an engine takes seconds: libraries of 2 GB are
    loaded. What builds is another process, because a builder takes the GPU's memory and minutes of
    a core, may crash, and has to be stopped at once when the run ends. None is started where
    ``load`` finds the engine already; it gives None where it does not, and is called once more
    after the building. ``building`` is called, by the thread, when that begins.
    """

    def __init__(
        self,
        command: Sequence[str],
        load: Callable[[], Engine | None],
        building: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = _Work(command, load, building)
        # A daemon, and not bound to self: whoever forgets close(), or leaves without, ends it too.
        self._stop = weakref.finalize(self, self._work.stop)
        self._work.thread.start()

    def ready(self) -> bool:
        """Return True if ``take`` would not wait."""
        return not self._work.thread.is_alive()

    def take(self) -> Engine:
        """Wait for the engine. Raises DeviceError with what the builder said last."""
        self._work.thread.join()
        return self._work.result()

    def close(self) -> None:
        """Stop the builder."""
        self._stop()


class _Work:
    """Work of the thread; ``stop`` is for other threads."""

    def __init__(
        self,
        command: Sequence[str],
        load: Callable[[], Engine | None],
        building: Callable[[], None],
    ) -> None:
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._command, self._load, self._building = command, load, building
        self._engine: Engine | None = None
        self._error: BaseException | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock, self._stopped = threading.Lock(), False

    def _run(self) -> None:
        try:
            self._engine = self._load()
            if self._engine is None:
                self._build()
                self._engine = None if self._stopped else self._load()
        except BaseException as error:
            self._error = error

    def _build(self) -> None:
        # A file, because nobody reads a pipe meanwhile, and a full one would stop the builder.
        with tempfile.TemporaryFile() as said:
            with self._lock:
                if self._stopped:
                    return
                self._process = _start(self._command, said)
            self._building()
            status = self._process.wait()
            if status:
                raise DeviceError(_last_line(said) or f"its builder ended with {status}")

    def result(self) -> Engine:
        """Return the engine. Raises DeviceError, or what is no VidsrError as it was raised."""
        if isinstance(self._error, VidsrError):
            raise DeviceError(NO_ENGINE + self._error.message) from self._error
        if self._error is not None:
            raise self._error
        if self._engine is None:
            raise DeviceError(f"{NO_ENGINE}it was built, but is not in the cache")
        return self._engine

    def stop(self) -> None:
        """End the builder and wait for the thread, which may be loading."""
        with self._lock:
            self._stopped = True
        if self._process is not None:
            _stop(self._process)
        if self.thread is not threading.current_thread():  # where garbage is collected
            self.thread.join()


def _start(command: Sequence[str], said: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # Ctrl-C is for the run, which then calls close()
    )


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("vidsr-engine: ").removeprefix("error: ").strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
