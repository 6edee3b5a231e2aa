"""The frame of every command: signals, streams, errors on one line, and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidsr.errors import MemoryLimitError, VidsrError
from vidsr.terminal.completion import Words, complete
from vidsr.terminal.flags import FlagFormatter, as_flags, flags_of
from vidsr.terminal.parser import UsageExit
from vidsr.terminal.signals import Interruption, open_closed_streams, signals_caught

INTERRUPTED = 130  # also what a work returns that ended by itself after a signal of any kind
OUT_OF_MEMORY = MemoryLimitError.exit_code
OURS = "vidsr"  # the logger of the package
Asked = Callable[[], bool]
Work = Callable[[argparse.Namespace, Asked], int | None]


@dataclass(frozen=True)
class Failure:
    """The end of a command that did not do what it was asked for.

    Attributes:
        kind: Name of the error, such as ``InputError``; ``Interrupted`` after a signal.
        message: What went wrong, in words of the command.
        hint: The step that may mend it, or "".
        exit_code: Exit status of the command.
    """

    kind: str
    message: str
    hint: str
    exit_code: int

    @classmethod
    def of(cls, error: VidsrError, flags: Mapping[str, str]) -> Failure:
        """Return the failure of an error of vidsr, with flags in place of arguments."""
        message, hint = (as_flags(text, flags) for text in (error.message, error.hint))
        return cls(type(error).__name__, message, hint, error.exit_code)


Failed = Callable[[Failure, argparse.Namespace | None], None]


def run_command(
    name: str,
    work: Work,
    argv: Sequence[str] | None,
    *,
    parser: Callable[[], argparse.ArgumentParser],
    interrupted: str = "interrupted",
    memory_hint: str = "",
    interruption: Interruption | None = None,
    failed: Failed = lambda *_: None,
    words: Words | None = None,
) -> int:
    """Parse ``argv``, do ``work``, and return the exit status, whatever happens.

    Args:
        name: The name that every line on stderr begins with.
        work: The command itself: gets the parsed arguments and a function that returns True once a
            signal has asked for the end, and returns the exit status, None for 0.
        argv: The arguments; None takes those of the process.
        parser: The builder of the parser, whose flags replace arguments in messages.
        interrupted: What to say after Ctrl-C.
        memory_hint: What to say where memory runs out, beside that it did.
        interruption: The handler of signals, for a command that ends in its own time.
        failed: A receiver of the failure, once it is printed, and of right arguments, else None.
        words: Names that shells offer for options, by their flags.

    Returns:
        0, the error's own status, 8 where memory ran out, 128 and the signal's number after one
        (130 for Ctrl-C, 143 for SIGTERM), 141 where nobody read the video in a pipe any more.

    Raises:
        SystemExit: The arguments are wrong (2), or asked for help or version (0).
    """
    open_closed_streams()
    with signals_caught(interruption) as caught, _level_kept():
        arguments = None
        try:
            made = parser()
            complete(made, words or {})
            arguments = _parsed(name, argv, made)
            status = work(arguments, lambda: caught.asked) or 0
            sys.stdout.flush()  # here, where a closed pipe is expected
            return caught.status if status == INTERRUPTED and caught.asked else status
        except UsageExit as stop:
            failed(Failure("OptionError", stop.message, stop.hint, 2), None)
            raise
        except VidsrError as error:
            failure = Failure.of(error, flags_of(made))
            if not isinstance(error, BrokenPipeError):  # who stops reading has seen enough
                say(name, f"error: {as_flags(str(error), flags_of(made))}")
        except KeyboardInterrupt as stop:
            text = f"interrupted; {stop.args[0]}" if stop.args else interrupted
            failure = _interrupted(name, text, caught.status)
        except BrokenPipeError:  # the reader of the output has seen enough
            _drop_output()
            return 0
        except MemoryError:
            failure = _out_of_memory(name, memory_hint)
        failed(failure, arguments)
        return failure.exit_code


def _interrupted(name: str, text: str, status: int) -> Failure:
    """Print that a signal ended the command, and return that end."""
    say(name, text)
    return Failure("Interrupted", text, "", status)


def _out_of_memory(name: str, hint: str) -> Failure:
    """Print that memory ran out, and return that end."""
    say(name, f"error: out of memory.{f' Hint: {hint}' if hint else ''}")
    return Failure("MemoryError", "out of memory", hint, OUT_OF_MEMORY)


def _parsed(
    name: str, argv: Sequence[str] | None, parser: argparse.ArgumentParser
) -> argparse.Namespace:
    """Return the arguments, and begin to log as they say."""
    try:
        arguments = parser.parse_args(argv)
    except SystemExit:  # of --help, whose reader may have gone as well
        sys.stdout.flush()
        raise
    quiet = getattr(arguments, "quiet", False)
    _log_to_stderr(FlagFormatter(name, flags_of(parser)), quiet=quiet)
    return arguments


@contextlib.contextmanager
def _level_kept() -> Iterator[None]:
    """Leave the level of vidsr's own log as it was, for programs that call a command's ``main``."""
    ours = logging.getLogger(OURS)
    before = ours.level
    try:
        yield
    finally:
        ours.setLevel(before)


def _log_to_stderr(formatter: logging.Formatter, *, quiet: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.ERROR if quiet else logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.ERROR if quiet else logging.INFO)


def say(name: str, text: str) -> None:
    """Print a line on stderr, if anybody still reads it."""
    with contextlib.suppress(OSError):
        print(f"{name}: {text}", file=sys.stderr, flush=True)


def _drop_output() -> None:
    """Let what is still buffered go nowhere: Python flushes once more as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
