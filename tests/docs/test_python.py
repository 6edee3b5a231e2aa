"""The Python in README and docs compiles, names what is public, and runs."""

from __future__ import annotations

import ast
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest

import vidsr
import vidsr.live
from tests.docs.blocks import blocks, documents
from tests.makers.clips import Tone, decode, make_clip
from tests.paths import ROOT
from tools.docs.report_page import EXAMPLE

SIZE = (32, 24)
NEEDS_STDIN = "sys.stdin"


def all_blocks() -> list[tuple[str, str]]:
    """Return (name, text) of every block of Python."""
    found = [
        (f"{path.relative_to(ROOT).as_posix()}-{number}", text)
        for path in documents()
        for number, text in enumerate(blocks(path, "python"))
    ]
    return [*found, ("reference/report", EXAMPLE)]


BLOCKS = all_blocks()
RUN = [(name, text) for name, text in BLOCKS if NEEDS_STDIN not in text]
by_name = pytest.mark.parametrize(("name", "text"), BLOCKS, ids=[name for name, _ in BLOCKS])


def names_of_vidsr(text: str) -> Iterator[str]:
    """Yield every name that a block takes from the package."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "vidsr":
                yield node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vidsr":
            yield from (f"{node.module}.{alias.name}"[6:] for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name[6:] for alias in node.names if alias.name.startswith("vidsr."))


@by_name
def test_it_compiles(name: str, text: str) -> None:
    compile(text, name, "exec")


@by_name
def test_it_names_what_is_public(name: str, text: str) -> None:
    public = {*vidsr.__all__, "live", *(f"live.{name}" for name in vidsr.live.__all__)}
    assert set(names_of_vidsr(text)) <= public


def test_private_names_would_be_found() -> None:
    text = "import vidsr.run.job\nfrom vidsr.notes import Notes\nvidsr._hidden"
    assert set(names_of_vidsr(text)) == {"run.job", "notes.Notes", "_hidden"}


class FakeCapture:
    """A stand-in for OpenCV's reader: three grey pictures."""

    def __init__(self, name: str) -> None:
        self.left = 3

    def get(self, what: int) -> float:
        return 25.0

    def read(self) -> tuple[bool, Any]:
        self.left -= 1
        return self.left >= 0, np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)

    def release(self) -> None:
        pass


class FakeWriter:
    """A stand-in for OpenCV's writer that checks what it is given."""

    def __init__(self, name: str, code: int, rate: float, size: tuple[int, int]) -> None:
        self.shape = (size[1], size[0], 3)

    def write(self, picture: Any) -> None:
        assert picture.shape == self.shape == (2 * SIZE[1], 2 * SIZE[0], 3)
        assert picture.flags["C_CONTIGUOUS"]

    def release(self) -> None:
        pass


@pytest.fixture
def fake_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("cv2")
    names = {"VideoCapture": FakeCapture, "VideoWriter": FakeWriter, "CAP_PROP_FPS": 5}
    for name, value in {**names, "VideoWriter_fourcc": lambda *letters: 0}.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "cv2", module)


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """Set the level of the log back to what it was."""
    logger = logging.getLogger("vidsr")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, with the file that the pages read."""
    make_clip(tmp_path / "input.mp4", frames=4, size=SIZE, audio=Tone())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "text"), RUN, ids=[name for name, _ in RUN])
@pytest.mark.usefixtures("fake_opencv", "quiet_again")
def test_it_runs(folder: Path, name: str, text: str) -> None:
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    exec(compile(text, name, "exec"), {"__name__": "__main__", "picture": picture})


def test_the_program_behind_a_pipe_keeps_times(folder: Path) -> None:
    clip = make_clip(folder / "in.mkv", size=SIZE, pts=[0, 40, 100, 110], time_base=None)
    program = next(text for _, text in BLOCKS if NEEDS_STDIN in text)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        input=clip.path.read_bytes(),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    target = folder / "out.mkv"
    target.write_bytes(run.stdout)
    frames = decode(target)
    assert [frame.time for frame in frames] == [frame.time for frame in decode(clip.path)]
    assert (frames[0].width, frames[0].height) == (2 * SIZE[0], 2 * SIZE[1])
    assert isinstance(frames[0], av.VideoFrame)
