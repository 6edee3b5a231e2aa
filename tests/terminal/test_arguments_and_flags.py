"""Tests of messages: the library speaks of arguments, the command of its options."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vidsr
from tests.makers.clips import Tone, make_clip
from tests.paths import ROOT
from vidsr import VidsrError
from vidsr.cli import build_parser, main
from vidsr.run.early_checks import check_report
from vidsr.terminal.flags import FlagFormatter, flags_of

ROOMS = ("video", "run", "upscaling", "models", "picture", "engines")
EXEMPT = {
    "run/options.py": "defines the flags",
    "engines/selection/tensorrt_candidate.py": "makes the arguments of another process",
}
FLAG = re.compile(r"(?<![\w-])(--[a-z]|-ss\b)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of two frames with sound, a picture in RGB, and an older target."""
    made = tmp_path_factory.mktemp("words")
    make_clip(made / "in.mkv", frames=2, audio=Tone())
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(made / "in.png")
    (made / "old.mkv").touch()
    return made


REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("a.mkv", {"size": "64x36", "height": 5}, "`size` and `height` are", "--size and --height are"),
    ("a.mkv", {"model": "unet", "scale": 2}, "leave `scale` out", "leave --scale out"),
    ("a.mkv", {"scale": 1}, "give a `model` that", "give a --model that"),
    ("a.png", {"codec": "hevc"}, "leave `codec` out", "leave --codec out"),
    ("a.webm", {}, "or `drop_incompatible` to", "or --drop-incompatible to"),
    ("old.mkv", {}, "`overwrite` replaces it", "--overwrite replaces it"),
    ("a.mkv", {"framerate": 25}, "framerate = 25: ", "--framerate 25: "),
    ("a.mp4", {"size": "51x31"}, "pix_fmt = 'yuv444p'", "--pix-fmt yuv444p"),
    ("a.mkv", {"max_memory": "1K"}, "raise `max_memory`", "raise --max-memory"),
]


@pytest.mark.parametrize(("target", "options", "argument", "flag"), REFUSALS)
def test_an_error_names_arguments_in_the_library_and_flags_in_the_command(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    target: str,
    options: dict[str, Any],
    argument: str,
    flag: str,
) -> None:
    source, options = folder / "in.mkv", {"device": "cpu"} | options
    with pytest.raises(VidsrError) as refusal:
        vidsr.upscale(source, folder / target, **options)
    assert argument in str(refusal.value)
    assert not FLAG.search(str(refusal.value))
    typed = [w for n, v in options.items() for w in (f"--{n.replace('_', '-')}", str(v))]
    assert main([str(source), "-o", str(folder / target), *typed]) == refusal.value.exit_code
    said = capsys.readouterr().err
    assert flag in said
    assert argument not in said


def test_a_report_that_cannot_be(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = folder / "in.mkv", folder / "a.mkv"
    with pytest.raises(VidsrError, match=r"^`report` /"):
        check_report(source, (source, target))
    assert main([str(source), "-o", str(target), "--report", str(source)]) == 4
    assert f"error: --report {source}: is the source" in capsys.readouterr().err


def test_a_note_is_logged_with_flags_and_reported_with_arguments(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "root", bare := logging.RootLogger(logging.WARNING))
    monkeypatch.setattr(logging.getLogger("vidsr"), "parent", bare)  # without pytest's handlers
    source, target = folder / "in.png", folder / "b.mkv"
    assert main([str(source), "-o", str(target), "--device", "cpu", "--model", "lite-x2"]) == 0
    assert "--pix-fmt yuv420p plays everywhere\n" in capsys.readouterr().err
    report = vidsr.upscale(source, target, device="cpu", model="lite-x2", overwrite=True)
    assert any(note.endswith("pix_fmt = 'yuv420p' plays everywhere") for note in report.notes)


@pytest.mark.parametrize(
    ("logger", "line"),
    [
        ("vidsr", "vidsr: --deinterlace off or --overwrite"),
        ("vidsr.engines", "vidsr: --deinterlace off or --overwrite"),
        ("libav", "vidsr: deinterlace = 'off' or `overwrite`"),
    ],
)
def test_only_the_lines_of_vidsr_are_changed(logger: str, line: str) -> None:
    text = "deinterlace = 'off' or `overwrite`"
    record = logging.LogRecord(logger, logging.WARNING, "a.py", 1, text, None, None)
    assert FlagFormatter("vidsr", flags_of(build_parser())).format(record) == line
    assert record.getMessage() == text  # which other handlers of the library's log see


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module, with their lines, but for docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def test_no_string_of_the_library_holds_a_flag() -> None:
    package, found, seen = ROOT / "vidsr", [], 0
    for path in (p for room in ROOMS for p in sorted((package / room).rglob("*.py"))):
        name, seen = path.relative_to(package).as_posix(), seen + 1
        if name not in EXEMPT and "command" not in path.parts:
            found += [f"{name}:{at}: {text}" for at, text in _texts(path) if FLAG.search(text)]
    assert seen > 100
    assert found == []
    assert all((package / name).is_file() for name in EXEMPT)
