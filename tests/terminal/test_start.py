"""Commands are started so that Ctrl-C is one line from the first moment on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from tests.paths import ROOT
from vidsr.terminal import start

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
STOP = """
import sys, importlib.abc
class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {at!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from {module} import {function}
sys.exit({function}())
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_leads_to_a_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function = SCRIPTS[name].split(":")
    seen: list[tuple[str, str]] = []

    def note(command: str, module: str) -> int:
        seen.append((command, module))
        return 0

    monkeypatch.setattr(start, "start", note)
    assert getattr(import_module(module), function)() == 0
    ((command, implementation),) = seen
    assert command == name
    assert callable(import_module(implementation).main)


@pytest.mark.parametrize("at", ["argparse", "vidsr.errors", "vidsr.terminal.command"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_ctrl_c_while_a_command_is_imported_is_one_line(name: str, at: str) -> None:
    module, function = SCRIPTS[name].split(":")
    code = STOP.format(at=at, module=module, function=function)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, f"{name}: interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")
@pytest.mark.parametrize("delay_s", [0.02, 0.06, 0.12, 0.2])
def test_a_signal_once_a_command_has_begun_leaves_no_traceback_of_ours(delay_s: float) -> None:
    # Python says which module it has imported; the command begins with this one, after which
    # nothing may show through, however fast or slow the machine is.
    words = [sys.executable, "-X", "importtime", "-m", "vidsr", "none.mkv", "-o", "out.mkv"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("vidsr.terminal.start" in line for line in process.stderr)
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        error = process.stderr.read()
    assert "vidsr/" not in error
    # Interrupted, told that there is no such file, or struck while Python was ending.
    assert process.returncode in (130, 3, -signal.SIGINT)


@pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")
def test_a_signal_while_a_lock_of_importlib_goes_strikes_soon_after() -> None:
    # Exceptions in callbacks of weak references are printed, and lost.
    code = compile("def cb(reference):\n    strike()\n", "<frozen importlib._bootstrap>", "exec")
    inside: dict[str, Any] = {"strike": lambda: start._once(signal.SIGINT, sys._getframe(1))}
    exec(code, inside)
    before = signal.signal(signal.SIGINT, start._once)
    try:
        with pytest.raises(KeyboardInterrupt):
            _forget_and_wait(inside["cb"])
    finally:
        signal.signal(signal.SIGINT, before)


def _forget_and_wait(callback: Callable[[Any], None]) -> None:
    gone = set[int]()  # what a weak reference can be made to
    kept = weakref.ref(gone, callback)
    del gone
    threading.Event().wait(60)
    assert kept() is None
