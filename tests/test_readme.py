"""README's commands are ones that the programs take."""

from __future__ import annotations

import argparse
import re
import shlex

import pytest

import vidsr.bench.command.cli
import vidsr.cli
import vidsr.degradation.cli
import vidsr.engines.command.cli
import vidsr.quality.cli
import vidsr.training.command.cli
import vidsr.training.tools.blend
from tests.paths import ROOT
from vidsr.models.zoo import load_model
from vidsr.training.networks.student import adopt, build_student, dimensions
from vidsr.training.options import Options, preset

README = ROOT / "README.md"
PARSERS = {
    "vidsr": vidsr.cli,
    "vidsr-bench": vidsr.bench.command.cli,
    "vidsr-degrade": vidsr.degradation.cli,
    "vidsr-engine": vidsr.engines.command.cli,
    "vidsr-eval": vidsr.quality.cli,
    "vidsr-train": vidsr.training.command.cli,
    "python -m vidsr.training.tools.blend": vidsr.training.tools.blend,
}


def commands() -> list[str]:
    """Every line of the shell blocks that calls one of the programs, what precedes it left out."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split(" && ")[-1] for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(tuple(PARSERS)) and "--help" not in line]


def parsed(line: str) -> argparse.Namespace:
    program = max((name for name in PARSERS if line.startswith(name)), key=len)
    arguments = shlex.split(line.removeprefix(program), comments=True)
    namespace: argparse.Namespace = PARSERS[program].build_parser().parse_args(arguments)
    return namespace


@pytest.mark.parametrize("line", commands())
def test_commands_are_taken(line: str) -> None:
    parsed(line)


TRAINING = [
    line for line in commands() if line.startswith("vidsr-train") and "--resume" not in line
]


@pytest.mark.parametrize("line", TRAINING)
def test_what_is_trained_can_be_built_from_where_it_starts(line: str) -> None:
    given = {k: v for k, v in vars(parsed(line)).items() if v is not None}
    init = given.get("init")
    if init and "/" in init:  # of the run before
        init = "srresnet-x4"
    model, start = dimensions(init, given.get("model")) if init else (given.get("model"), {})
    known = {k: v for k, v in given.items() if k in Options.__dataclass_fields__}
    options = preset(model or "lite", **{**start, **known})
    student = build_student(options.config(), seed=0, middle=options.middle)
    if init:
        assert adopt(student, options.config(), load_model(init).module) in ("weights", "growth")


def test_every_program_is_shown() -> None:
    for program in PARSERS:
        assert any(line.startswith(program + " ") for line in commands())
