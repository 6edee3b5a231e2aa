"""Answers to what is typed wrong: they come before PyTorch is loaded, whatever the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.terminal.mistakes import MISTAKES, MODULES, NEEDS_AV, Mistake, make_files

BOUND_S = 60
# The command in a process of its own, whose last line says what it has loaded.
PROGRAM = """
import importlib, sys
try:
    status = importlib.import_module({module!r}).main({arguments!r})
except SystemExit as stop:
    status = stop.code
loaded = sorted({{"torch", "av", "numpy", "tqdm"}} & set(sys.modules))
print("loaded", *loaded)
sys.exit(status)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_files(tmp_path)
    return tmp_path


def run(command: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(module=MODULES[command], arguments=arguments)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VIDSR_DATA": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_a_mistake_is_answered_before_pytorch_is_loaded(mistake: Mistake, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    done = run(mistake.command, mistake.line.split(), folder)
    assert done.returncode == mistake.status, done.stderr
    assert mistake.said in done.stderr
    assert done.stderr.count("\n") == 1
    needed = ["av"] if mistake.name in NEEDS_AV else []
    assert done.stdout.split() == ["loaded", *needed]
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("command", MODULES)
def test_help_loads_nothing(command: str, folder: Path) -> None:
    done = run(command, ["--help"], folder)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "loaded"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions of a user")
@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("vidsr", "in.mp4 -o locked/out.mp4"),
        ("vidsr-train", "photos --out locked/run --steps 5"),
        ("vidsr-eval", "--hr photos --json locked/a.json"),
        ("vidsr-degrade", "in.mp4 -o locked/out.mp4"),
        ("vidsr-engine", "export lite-x4 -o locked/a.onnx"),
        ("vidsr-bench", "--json locked/a.json"),
        ("vidsr-live", "rtsp://192.0.2.1/c -o udp://192.0.2.2:5 --report locked/a.json"),
    ],
)
def test_a_folder_that_may_not_be_written_to(command: str, line: str, folder: Path) -> None:
    done = run(command, line.split(), folder)
    assert done.returncode == 4, done.stderr
    assert done.stdout.split() == ["loaded"]


def test_every_command_has_mistakes() -> None:
    assert {mistake.command for mistake in MISTAKES} == set(MODULES)
