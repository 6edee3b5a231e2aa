"""Engines built by another process while this one goes on."""

from __future__ import annotations

import subprocess
import tempfile
import weakref
from collections.abc import Callable, Sequence

from vidsr.engines.engine import Engine
from vidsr.errors import DeviceError

STOP_S = 10.0  # for a builder to end before it is killed


class BackgroundBuild:
    """A :class:`vidsr.engines.switch.Candidate` that ``command`` puts where ``load`` finds it.

    Another process, because a builder takes the GPU's memory and minutes of a core, may crash, and
    has to be stopped at once when the run ends. None is started where ``load`` finds the engine
    already; ``load`` gives None where it does not.
    """

    def __init__(self, command: Sequence[str], load: Callable[[], Engine | None]) -> None:
        self._load = load
        self._engine = load()
        self._process: subprocess.Popen[bytes] | None = None
        if self._engine is None:
            # A file, because nobody reads a pipe meanwhile, and a full one would stop the builder.
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                start_new_session=True,  # Ctrl-C is for the run, which then calls close()
            )
            # Whoever forgets to call close(), or leaves without: the builder ends, too.
            self._stop = weakref.finalize(self, _stop, self._process)

    @property
    def building(self) -> bool:
        """Whether a process is at work."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether :meth:`take` would not wait."""
        return not self.building

    def take(self) -> Engine:
        """Wait for the engine. Raises DeviceError with what the builder said last."""
        if self._engine is None:
            assert self._process is not None
            status = self._process.wait()
            said = self._last_line()
            self.close()
            if status:
                raise DeviceError(
                    f"no TensorRT engine: {said or f'its builder ended with {status}'}"
                )
            self._engine = self._load()
        if self._engine is None:
            raise DeviceError("no TensorRT engine: it was built, but is not in the cache")
        return self._engine

    def _last_line(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return last.removeprefix("vidsr-engine: ").removeprefix("error: ").strip()

    def close(self) -> None:
        """Stop the builder."""
        if self._process is None:
            return
        self._stop()
        self._said.close()
        self._process = None


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
