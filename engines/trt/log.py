"""Messages of TensorRT: to the log ``vidsr``, and into the error that follows."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

KEPT = 3  # the last say why a build ended; before them, kernels that did not run were skipped


class Messages:
    """Log of warnings and errors, each text once, the last errors kept.

    Errors are forwarded as warnings: a build goes on after many of them (a kernel that does not run
    is skipped), and one that ends it comes back as an exception. TensorRT calls from any thread.
    """

    def __init__(self, log: logging.Logger | None = None) -> None:
        self._log = log or logging.getLogger("vidsr")
        self._errors: deque[str] = deque(maxlen=KEPT)
        self._said: set[str] = set()

    def add(self, text: str, *, is_error: bool) -> None:
        """Take one message of TensorRT, put on one line."""
        text = " ".join(text.split())
        if is_error and text not in self._errors:
            self._errors.append(text)
        if text not in self._said:
            self._said.add(text)
            self._log.warning("TensorRT: %s", text)

    def take(self) -> str:
        """Return the last errors on one line, forgotten thereafter."""
        text = "; ".join(self._errors)
        self._errors.clear()
        return text


def make_logger(trt: Any, messages: Messages) -> Any:
    """Return a ``trt.ILogger``, which must outlive what it is given to. INFO is dropped.

    The class is made here because its base comes with TensorRT.
    """
    severity = trt.ILogger.Severity
    errors = (severity.INTERNAL_ERROR, severity.ERROR)

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()  # pybind11 refuses an object whose base was not initialised

        def log(self, level: Any, msg: str) -> None:
            if level in errors:
                messages.add(msg, is_error=True)
            elif level == severity.WARNING:
                messages.add(msg, is_error=False)

    return Logger()
