"""The errors of vidsr, as one small tree; each is also the matching builtin.

    VidsrError
      OptionError        ValueError     an argument is wrong
      InputError         ValueError     the source cannot be opened or decoded
        NoInputError     FileNotFoundError  the source does not exist
      OutputError        OSError        the target cannot be written
      ContainerError     ValueError     the target's container cannot hold a stream
      ModelError         ValueError     weights cannot be found, read or recognised
      DeviceError        RuntimeError   the device is absent or failed
      MemoryLimitError   MemoryError    the memory budget is too small for one frame
      TrainingError      RuntimeError   training diverged

Each carries a ``hint``: what the reader can do about it. ``str(error)`` is one line.
"""

from __future__ import annotations


class VidsrError(Exception):
    """Base of every error that vidsr raises on purpose."""

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
    """The source cannot be opened, or nothing in it decodes."""

    exit_code = 3


class NoInputError(InputError, FileNotFoundError):
    """The source does not exist."""


class OutputError(VidsrError, OSError):
    """The target cannot be written."""

    exit_code = 4


class ContainerError(VidsrError, ValueError):
    """The target's container cannot hold a stream of the source."""

    exit_code = 5


class ModelError(VidsrError, ValueError):
    """Weights cannot be found, read or recognised."""

    exit_code = 6


class DeviceError(VidsrError, RuntimeError):
    """The device is absent, or it failed."""

    exit_code = 7


class MemoryLimitError(VidsrError, MemoryError):
    """The memory budget does not hold one frame."""

    exit_code = 8


class TrainingError(VidsrError, RuntimeError):
    """Training diverged: a loss is NaN or infinite."""

    exit_code = 9
