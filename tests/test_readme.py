"""The commands in README and docs are ones that the programs take."""

from __future__ import annotations

import argparse
import shlex

import pytest

from tests.docs.blocks import program_lines, shell_lines
from tests.paths import ROOT
from tools.docs.programs import PROGRAMS, parser_of
from vidsr.models.zoo import load_model
from vidsr.training.networks.student import adopt, build_student, dimensions
from vidsr.training.options import Options, preset

LONGEST_README = 120
# Programs of others that pages may call; what they do is not checked.
OTHERS = {"cd", "git", "make", "mkdir", "pip", "pre-commit", "python", "python3", "source"}
OTHERS |= {"eval", "register-python-argcomplete"}  # of shells and of argcomplete


def parsed(line: str) -> argparse.Namespace:
    program = max((name for name in PROGRAMS if line.startswith(f"{name} ")), key=len)
    arguments = shlex.split(line.removeprefix(program), comments=True)
    return parser_of(program).parse_args(arguments)


@pytest.mark.parametrize("line", [line for line in program_lines() if " " in line])
def test_commands_are_taken(line: str) -> None:
    parsed(line)


TRAINING = [
    line for line in program_lines() if line.startswith("vidsr-train") and "--resume" not in line
]


@pytest.mark.parametrize("line", TRAINING)
def test_what_is_trained_can_be_built_from_where_it_starts(line: str) -> None:
    given = {k: v for k, v in vars(parsed(line)).items() if v is not None}
    init = given.get("init")
    if init and "/" in init:  # of the run before
        init = "deblur-x1" if given.get("model") == "unet" else "srresnet-x4"
    usual = "unet" if given.get("unpaired") else "lite"
    model, start = dimensions(init, given.get("model")) if init else (given.get("model"), {})
    known = {k: v for k, v in given.items() if k in Options.__dataclass_fields__}
    options = preset(model or usual, **{**start, **known})
    student = build_student(options.config(), seed=0, middle=options.middle)
    if init:
        assert adopt(student, options.config(), load_model(init).module) in ("weights", "growth")


def test_every_program_is_shown() -> None:
    for program in PROGRAMS:
        assert any(line.startswith(program + " ") for line in program_lines())


@pytest.mark.parametrize(("name", "line"), shell_lines())
def test_no_line_calls_a_program_that_is_not_known(name: str, line: str) -> None:
    first = line.split()[0]
    assert first in OTHERS | set(PROGRAMS), f"{name}: {line}"


@pytest.mark.parametrize(
    "line", [line for _, line in shell_lines() if line.startswith(("python", "python3"))]
)
def test_scripts_that_are_run_exist(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words[1] == "-m" or (ROOT / words[1]).is_file()


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < LONGEST_README
