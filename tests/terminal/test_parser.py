"""Errors of command lines: one line, with what was probably meant."""

from __future__ import annotations

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
