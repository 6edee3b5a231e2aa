"""Entries of the commands: they are imported here, so that Ctrl-C is no traceback meanwhile."""

from __future__ import annotations

import signal
import sys
import threading
from importlib import import_module
from types import FrameType

INTERRUPTED = 130
COMMANDS = {
    "vidsr": "vidsr.cli",
    "vidsr-bench": "vidsr.bench.command.cli",
    "vidsr-degrade": "vidsr.degradation.cli",
    "vidsr-engine": "vidsr.engines.command.cli",
    "vidsr-eval": "vidsr.quality.cli",
    "vidsr-job": "vidsr.jobs.cli",
    "vidsr-live": "vidsr.live.service.cli",
    "vidsr-models": "vidsr.catalogue.cli",
    "vidsr-train": "vidsr.training.command.cli",
}
"""Modules by the names of the commands; each has a ``main``."""


SWALLOWED_S = 0.01


def _once(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, and let a second signal not strike while that is answered.

    Where importlib gives up the lock of a module, Python would print the exception and go on: the
    signal strikes once more soon after.
    """
    if frame is not None and _swallows(frame):
        main = threading.main_thread().ident
        threading.Timer(SWALLOWED_S, signal.pthread_kill, (main, number)).start()
        return
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _swallows(frame: FrameType) -> bool:
    """Return True in the callback of a weak reference to a module's lock."""
    code = frame.f_code
    return code.co_name == "cb" and code.co_filename.startswith("<frozen importlib")


def start(command: str, module: str) -> int:
    """Import the module of a command, run its ``main`` and return the exit status."""
    ordinary = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ordinary and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _once)
    try:
        status: int = import_module(module).main()
    except KeyboardInterrupt:  # before the command has handlers of its own
        print(f"{command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def vidsr() -> int:
    """Run ``vidsr``."""
    return start("vidsr", COMMANDS["vidsr"])


def bench() -> int:
    """Run ``vidsr-bench``."""
    return start("vidsr-bench", COMMANDS["vidsr-bench"])


def degrade() -> int:
    """Run ``vidsr-degrade``."""
    return start("vidsr-degrade", COMMANDS["vidsr-degrade"])


def engine() -> int:
    """Run ``vidsr-engine``."""
    return start("vidsr-engine", COMMANDS["vidsr-engine"])


def evaluate() -> int:
    """Run ``vidsr-eval``."""
    return start("vidsr-eval", COMMANDS["vidsr-eval"])


def job() -> int:
    """Run ``vidsr-job``."""
    return start("vidsr-job", COMMANDS["vidsr-job"])


def live() -> int:
    """Run ``vidsr-live``."""
    return start("vidsr-live", COMMANDS["vidsr-live"])


def models() -> int:
    """Run ``vidsr-models``."""
    return start("vidsr-models", COMMANDS["vidsr-models"])


def train() -> int:
    """Run ``vidsr-train``."""
    return start("vidsr-train", COMMANDS["vidsr-train"])
