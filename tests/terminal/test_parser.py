"""Errors of command lines: one line, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidsr.terminal.parser import Parser, did_you_mean


def parser() -> Parser:
    made = Parser("tool")
    made.add_argument("--engine", choices=("torch", "tensorrt"))
    made.add_argument("--size", type=int)
    commands = made.add_subparsers(dest="command")
    commands.add_parser("build").add_argument("--force", action="store_true")
    return made


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--egine=torch"], "did you mean --engine?"),
        (["--eng=torch"], "did you mean --engine?"),  # no abbreviation, but a hint
        (["--engine", "tensort"], "did you mean tensorrt?"),
        (["biuld"], "did you mean build?"),
        (["--size", "large"], "tool --help lists what is expected."),
        (["--nothing-like-it"], "tool --help lists what is expected."),
    ],
)
def test_errors_are_one_line_with_a_hint(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("tool: error: ")
    assert said.endswith(f". Hint: {hint}\n")
    assert said.count("\n") == 1


def test_commands_know_no_abbreviations_either(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["build", "--force"]).force
    with pytest.raises(SystemExit):
        parser().parse_args(["build", "--forc"])
    assert "--forc" in capsys.readouterr().err


def test_nothing_is_meant_where_nothing_is_near() -> None:
    assert did_you_mean("magic", ["torch", "tensorrt"]) == ""


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("--engin", ["--engine", "--end"], "--engine"),
        ("--enigne", ["--engine"], "--engine"),
        ("--enigen", ["--engine"], "--engine"),
        ("--enxxxe", ["--engine"], ""),
        ("--gpu", ["--crf", "--size"], ""),
        ("-x", ["-q", "-o"], ""),
        ("--tmie", ["--tile", "--size"], "--tile"),
        ("--precison", ["--precision", "--preset"], "--precision"),
        ("--quality", ["--quiet"], ""),
        ("--SCALE", ["--scale"], "--scale"),
        ("--prec", ["--precision", "--preset"], "--precision"),
        ("--pre", ["--precision", "--preset"], ""),
    ],
)
def test_guesses_stay_within_two_letters(given: str, known: list[str], meant: str) -> None:
    assert did_you_mean(given, known) == (f"did you mean {meant}?" if meant else "")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-clip.mp4"], "-clip.mp4"),
        (["--size", "-4.mkv"], "-4.mkv"),
        (["--my holiday.mov"], "--my holiday.mov"),
        (["--engine=torch", "-here"], "-here"),
    ],
)
def test_names_with_a_leading_dash_get_a_hint(
    arguments: list[str],
    name: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-here").touch()
    with pytest.raises(SystemExit):
        parser().parse_args(arguments)
    assert f"Hint: write ./{name} for a name that begins with a dash." in capsys.readouterr().err
