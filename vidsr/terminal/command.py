"""The frame of every command: signals, streams, errors on one line, and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence

from vidsr.errors import MemoryLimitError, VidsrError
from vidsr.terminal.flags import FlagFormatter, as_flags, flags_of
from vidsr.terminal.signals import Interruption, open_closed_streams, signals_caught

INTERRUPTED = 130
Asked = Callable[[], bool]
Work = Callable[[argparse.Namespace, Asked], int | None]


def run_command(
    name: str,
    work: Work,
    argv: Sequence[str] | None,
    *,
    parser: Callable[[], argparse.ArgumentParser],
    interrupted: str = "interrupted",
    memory_hint: str = "",
    interruption: Interruption | None = None,
) -> int:
    """Parse ``argv``, do ``work``, and return the exit status, whatever happens.

    Args:
        name: The name that every line on stderr begins with.
        work: The command itself. It gets the parsed arguments and a function that returns True once
            a signal has asked for the end; it returns the exit status, None for 0.
        argv: The arguments; None takes those of the process.
        parser: The function that builds the parser, whose flags replace arguments in messages.
        interrupted: What to say after Ctrl-C.
        memory_hint: What to say where memory runs out, beside that it did.
        interruption: The handler of signals, for a command that ends in its own time.

    Returns:
        0, the error's own status, 8 where memory ran out, 130 where the command was interrupted.

    Raises:
        SystemExit: The arguments are wrong (2), or asked for help or version (0).
    """
    open_closed_streams()
    with signals_caught(interruption) as caught:
        try:
            made = parser()
            return _run(name, work, argv, made, lambda: caught.asked)
        except VidsrError as error:
            say(name, f"error: {as_flags(str(error), flags_of(made))}")
            return error.exit_code
        except KeyboardInterrupt as stop:
            say(name, f"interrupted; {stop.args[0]}" if stop.args else interrupted)
            return INTERRUPTED
        except BrokenPipeError:  # the reader of the output has seen enough
            _drop_output()
            return 0
        except MemoryError:
            say(name, f"error: out of memory.{f' Hint: {memory_hint}' if memory_hint else ''}")
            return MemoryLimitError.exit_code


def _run(
    name: str,
    work: Work,
    argv: Sequence[str] | None,
    parser: argparse.ArgumentParser,
    asked: Asked,
) -> int:
    try:
        arguments = parser.parse_args(argv)
        quiet = getattr(arguments, "quiet", False)
        _log_to_stderr(FlagFormatter(name, flags_of(parser)), quiet=quiet)
        status = work(arguments, asked)
    except SystemExit:  # of --help, whose reader may have gone as well
        sys.stdout.flush()
        raise
    sys.stdout.flush()  # here, where a closed pipe is expected
    return status or 0


def _log_to_stderr(formatter: logging.Formatter, *, quiet: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.ERROR if quiet else logging.WARNING)


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
