"""Every command ends alike, whatever goes wrong in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from subprocess import PIPE

import pytest

from tests.doubles.warm import WarmProcess, run_warm
from vidsr.errors import InputError, MemoryLimitError, OptionError, OutputError
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser

BOUND_S = 60
ENGINE, TRAIN = "vidsr.engines.command.cli", "vidsr.training.command.cli"
COMMANDS = {
    "vidsr": ("vidsr.cli", "_work"),
    "vidsr-train": (TRAIN, "_work"),
    "vidsr-eval": ("vidsr.quality.cli", "_work"),
    "vidsr-degrade": ("vidsr.degradation.cli", "_work"),
    "vidsr-engine": (ENGINE, "_work"),
    "vidsr-bench": ("vidsr.bench.command.cli", "_work"),
    "vidsr-live": ("vidsr.live.service.cli", "_run"),
    "vidsr-models": ("vidsr.catalogue.cli", "_work"),
    "blend": ("vidsr.training.tools.blend", "_work"),
    "quantise": ("vidsr.training.tools.quantise", "_work"),
    "strengths": ("vidsr.training.tools.strengths", "_work"),
}
ARGUMENTS = {
    "vidsr-train": ["--out", "x"],
    "vidsr-engine": ["list"],
    "vidsr-models": ["list"],
    "blend": ["a", "b", "-o", "c"],
    "quantise": ["a", "b"],
    "strengths": ["a", "b", "--curve", "1:1"],
}

# The command's work is replaced by code, in a process of its own: streams are closed for good.
PROGRAM = """
import importlib, os, signal, sys
from vidsr.errors import *
command = importlib.import_module({module!r})
def work(*_):
{work}
setattr(command, {name!r}, work)
sys.exit(command.main({arguments!r}))
"""


@dataclass(frozen=True)
class Failure:
    """Code in the place of a command's work, and how the command has to end."""

    work: str
    status: int
    said: str


FAILURES = {
    "done": Failure("pass", 0, ""),
    "option": Failure("raise OptionError('x = 3: expected 2')", 2, "error: x = 3: expected 2"),
    "source": Failure("raise InputError('no video', hint='look.')", 3, "error: no video. Hint: l"),
    "target": Failure("raise OutputError('is full')", 4, "error: is full"),
    "model": Failure("raise ModelError('of others')", 6, "error: of others"),
    "device": Failure("raise DeviceError('is gone')", 7, "error: is gone"),
    "limit": Failure("raise MemoryLimitError('too small')", 8, "error: too small"),
    "memory": Failure("raise MemoryError", 8, "error: out of memory."),
    "interrupt": Failure("raise KeyboardInterrupt", 130, "interrupted"),
    "pipe": Failure("raise BrokenPipeError", 0, ""),
}


def code_of(command: str, work: str) -> str:
    module, name = COMMANDS[command]
    return PROGRAM.format(
        module=module,
        name=name,
        work=textwrap.indent(work, "    "),
        arguments=ARGUMENTS.get(command, []),
    )


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_alike(command: str, failure: str) -> None:
    wanted = FAILURES[failure]
    done = run_warm(code_of(command, wanted.work), loaded="commands")
    assert done.returncode == wanted.status, done.stderr
    lines = done.stderr.splitlines()
    if not wanted.said:
        assert lines == []
        return
    assert len(lines) == 1
    assert lines[0].startswith(f"{command}: {wanted.said}")


@pytest.mark.skipif(os.name != "posix", reason="pipes and descriptors as Unix has them")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_seen_enough_is_no_error(command: str) -> None:
    work = "print('line ' * 30_000)\nsys.stderr.write('told\\n')"
    code = code_of(command, work)
    with WarmProcess(code, loaded="commands", stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait() == 0
    assert b"Error" not in said
    assert b"Exception ignored" not in said


@pytest.mark.skipif(os.name != "posix", reason="pipes and descriptors as Unix has them")
@pytest.mark.parametrize("command", COMMANDS)
def test_closed_streams_are_no_error_and_take_no_file(command: str) -> None:
    work = "print('x'); sys.stderr.write('y')\nassert os.open(os.devnull, os.O_RDONLY) > 2"
    python = [sys.executable, "-c", code_of(command, work)]
    done = subprocess.run(["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *python], timeout=BOUND_S)
    assert done.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_interrupt(command: str, number: str) -> None:
    # Training and live streams end in their own time when asked once, and at once when asked twice.
    times = 2 if command in ("vidsr-train", "vidsr-live") else 1
    work = f"for _ in range({times}): signal.raise_signal(signal.{number})"
    done = run_warm(code_of(command, work), loaded="commands")
    assert done.returncode == 128 + getattr(signal, number), done.stderr
    assert done.stderr.startswith(f"{command}: interrupted")
    assert done.stderr.count("\n") == 1


def parser() -> Parser:
    made = Parser("tool")
    made.add_argument("--wait-for-engine", action="store_true")
    made.add_argument("--quiet", action="store_true")
    return made


def test_messages_name_flags_instead_of_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    def work(*_: object) -> None:
        raise OptionError("wait_for_engine = True with device = 'cpu'")

    assert run_command("tool", work, [], parser=parser) == 2
    # A command without --device keeps the argument's name.
    assert capsys.readouterr().err == "tool: error: --wait-for-engine with device = 'cpu'\n"


def test_what_an_interrupt_knows_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def work(*_: object) -> None:
        raise KeyboardInterrupt("3 of 8 pictures are done")

    assert run_command("tool", work, [], parser=parser, interrupted="interrupted; all lost") == 130
    assert capsys.readouterr().err == "tool: interrupted; 3 of 8 pictures are done\n"


def test_a_status_of_its_own_is_passed_on() -> None:
    assert run_command("tool", lambda *_: 130, [], parser=parser) == 130
    assert run_command("tool", lambda *_: None, [], parser=parser) == 0


def test_wrong_arguments_end_as_argparse_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command("tool", lambda *_: None, ["--wait-for-engin"], parser=parser)
    assert ended.value.code == 2
    assert "did you mean" in capsys.readouterr().err


def test_a_handler_of_before_is_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    for error in (InputError("x"), OutputError("x"), MemoryLimitError("x"), KeyboardInterrupt()):

        def work(*_: object, error: BaseException = error) -> None:
            raise error

        assert run_command("tool", work, [], parser=parser) > 0
        assert signal.getsignal(signal.SIGINT) == before
