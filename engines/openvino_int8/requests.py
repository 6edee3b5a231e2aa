"""Requests of a network that OpenVINO has compiled, lent to one caller each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Compiled:
    """A network for callers that take ``threads`` threads each, and requests that nobody uses.

    One at a time: requests keep their activations, 160 bytes a pixel with lite-x4.
    """

    threads: int
    network: Any
    idle: list[Any]


class Requests:
    """Requests of one network, which is compiled in 0.05 s for each number of threads.

    Args:
        core: OpenVINO's core.
        network: What it has read or built.
        threads: CPU threads that all requests share.
        precision: Type that layers of floats run in, as OpenVINO names it; None leaves it to
            OpenVINO.
    """

    def __init__(self, core: Any, network: Any, threads: int, precision: str | None = None) -> None:
        self._core, self._network, self._threads = core, network, threads
        self._hint = {} if precision is None else {"INFERENCE_PRECISION_HINT": precision}
        self._lock = threading.Lock()
        self._compiled: _Compiled | None = None

    @contextmanager
    def lend(self, threads: int) -> Iterator[Any]:
        """Lend a request to the caller alone, with so many threads to run on."""
        with self._lock:
            if self._compiled is None or self._compiled.threads != threads:
                self._compiled = self._compile(threads)
            compiled = self._compiled
            idle = compiled.idle
            request = idle.pop() if idle else compiled.network.create_infer_request()
        yield request
        with self._lock:
            idle.append(request)

    def _compile(self, threads: int) -> _Compiled:
        """Compile the network for as many requests at once as there are threads for."""
        streams = max(1, self._threads // threads)
        options = self._hint | {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams * threads,
            "ENABLE_CPU_PINNING": False,  # other work of this process runs beside
        }
        return _Compiled(threads, self._core.compile_model(self._network, "CPU", options), [])

    def clear(self) -> None:
        """Forget the compiled network and the activations that its requests keep."""
        with self._lock:
            self._compiled = None
