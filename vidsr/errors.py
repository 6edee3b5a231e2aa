"""The errors of vidsr, as one small tree; each is also the matching builtin.

    VidsrError
      OptionError        ValueError     an argument is wrong
      InputError         ValueError     the source cannot be opened or decoded
        NoInputError     FileNotFoundError  the source does not exist
      OutputError        OSError        the target cannot be written
        ReaderGoneError    BrokenPipeError  nobody reads the pipe any more
      ContainerError     ValueError     the target's container cannot hold a stream
      ModelError         ValueError     weights cannot be found, read or recognised
      DeviceError        RuntimeError   the device is absent or failed
      MemoryLimitError   MemoryError    the memory budget is too small for one frame
      TrainingError      RuntimeError   training diverged

Each error has a ``hint``: the step that may mend it. ``str(error)`` is one line.
"""

from __future__ import annotations


class VidsrError(Exception):
    """Base of every error that vidsr raises on purpose.

    Attributes:
        message: One line that states the fault, without the hint.
        hint: One sentence on the step that may mend it, or "".
        exit_code: Exit status of a command that ends with this error.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = " ".join(message.split())
        self.hint = hint
        stop = "" if self.message.endswith((".", "?", "!")) else "."
        super().__init__(f"{self.message}{stop} Hint: {hint}" if hint else self.message)

    def __str__(self) -> str:
        return str(self.args[0])


class OptionError(VidsrError, ValueError):
    """An argument is wrong, alone or beside another."""

    exit_code = 2


class InputError(VidsrError, ValueError):
    """Error for a source that cannot be opened, or in which nothing decodes."""

    exit_code = 3


class NoInputError(InputError, FileNotFoundError):
    """Error for a source that does not exist."""


class OutputError(VidsrError, OSError):
    """Error for a target that cannot be written."""

    exit_code = 4


class ReaderGoneError(OutputError, BrokenPipeError):
    """Error for a pipe that nobody reads any more; commands end with it without a word."""

    exit_code = 141  # as shells report a program that SIGPIPE ended


class ContainerError(VidsrError, ValueError):
    """Error for a target whose container cannot hold a stream of the source."""

    exit_code = 5


class ModelError(VidsrError, ValueError):
    """Error for weights that cannot be found, read or recognised."""

    exit_code = 6


class DeviceError(VidsrError, RuntimeError):
    """Error for a device that is absent or has failed."""

    exit_code = 7


class MemoryLimitError(VidsrError, MemoryError):
    """Error for a memory budget that does not hold one frame."""

    exit_code = 8


class TrainingError(VidsrError, RuntimeError):
    """Training diverged: a loss is NaN or infinite."""

    exit_code = 9
