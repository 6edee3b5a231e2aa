"""Completion by the shell, and manual pages, from the parsers themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tools.docs.man_pages import man_page
from tools.docs.programs import PROGRAMS, parser_of
from vidsr.terminal import completion
from vidsr.terminal.parser import Parser
from vidsr.terminal.start import COMMANDS


def offered(command: str, line: str, folder: Path, shell: str = "bash") -> list[str]:
    """What argcomplete offers at the end of a line, as its shell code asks for it."""
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": shell,
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / ".offered"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    names = f"{command!r}, {COMMANDS[command]!r}"
    code = f"from vidsr.terminal.start import start; start({names})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return sorted(word.strip() for word in (folder / ".offered").read_text().split("\n") if word)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("command", "line", "some"),
    [
        ("vidsr", "vidsr a.mp4 --prec", {"--precision"}),
        ("vidsr", "vidsr a.mp4 --precision f", {"fp32", "fp16"}),
        ("vidsr", "vidsr a.mp4 --model lite-x", {"lite-x2", "lite-x4"}),
        ("vidsr", "vidsr a.mp4 --codec h", {"h264", "hevc"}),
        ("vidsr", "vidsr cl", {"clip.mp4"}),
        ("vidsr-train", "vidsr-train photos --recipe surv", {"surveillance"}),
        ("vidsr-train", "vidsr-train photos --init srres", {"srresnet-x2", "srresnet-x4"}),
        ("vidsr-degrade", "vidsr-degrade a.mp4 --recipe b", {"bicubic", "broadcast"}),
        ("vidsr-engine", "vidsr-engine bui", {"build"}),
        ("vidsr-bench", "vidsr-bench --real", {"--realtime"}),
        ("vidsr-eval", "vidsr-eval --h", {"--hr", "--help"}),
    ],
)
def test_what_shells_offer(
    command: str, line: str, some: set[str], shell: str, tmp_path: Path
) -> None:
    pytest.importorskip("argcomplete")
    (tmp_path / "clip.mp4").touch()
    words = {
        word.partition("\t")[0].partition(":")[0]
        for word in offered(command, line, tmp_path, shell)
    }
    assert some <= words


def test_without_argcomplete_nothing_is_offered_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(completion.ASKED, "1")
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    completion.complete(Parser("tool"), {})
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("program", [name for name in PROGRAMS if " " not in name])
def test_manual_pages_have_every_option(program: str) -> None:
    page, parser = man_page(program), parser_of(program)
    for action in parser._actions:
        for flag in action.option_strings:
            assert f"\\fB{flag.replace('-', chr(92) + '-')}\\fR" in page
    sections = [line for line in page.splitlines() if line.startswith(".SH ")]
    assert sections[:3] == [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"]
    assert "exit status" in page
    assert not any(line.startswith("'") for line in page.splitlines())


@pytest.mark.parametrize("program", ["vidsr", "vidsr-engine"])
def test_manual_pages_can_be_shown(program: str, tmp_path: Path) -> None:
    path = tmp_path / f"{program}.1"
    path.write_text(man_page(program))
    try:
        done = subprocess.run(
            ["groff", "-man", "-Tascii", "-ww", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("no groff here")
    assert done.returncode == 0
    shown = re.sub(".\x08", "", done.stdout)  # bold, as typewriters had it
    assert "EXAMPLES AND EXIT STATUS" in shown
    assert "--help" in shown
    if program == "vidsr":
        assert done.stderr == ""


def test_containers_state_what_was_not_tried() -> None:
    for name in ("cpu", "cuda"):
        text = (ROOT / "docker" / f"Dockerfile.{name}").read_text()
        assert "# Tried:" in text
        assert "# Not tried:" in text
        copied = [words[1] for words in map(str.split, text.splitlines()) if words[:1] == ["COPY"]]
        assert all((ROOT / each).exists() for each in copied)
