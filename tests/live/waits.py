"""Bounds of what a call waits for, held without a clock."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from unittest import mock

LONGEST_S = 60.0


@contextlib.contextmanager
def joins_within(bound_s: float) -> Iterator[None]:
    """Hold that this thread gives each join of another at most so many seconds.

    A call that ends in time whatever its threads do joins them with a timeout; how long a busy
    machine takes on the way says nothing.
    """
    here, join = threading.current_thread(), threading.Thread.join
    given: list[float | None] = []

    def noted(thread: threading.Thread, timeout: float | None = None) -> None:
        if threading.current_thread() is here:
            given.append(timeout)
        join(thread, timeout)

    with mock.patch.object(threading.Thread, "join", noted):
        yield
    assert all(timeout is not None and timeout <= bound_s for timeout in given), given


def assert_returns(call: Callable[[], object]) -> None:
    """Hold that a call comes back, which is waited for for a minute."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(LONGEST_S)
    assert not thread.is_alive(), call
