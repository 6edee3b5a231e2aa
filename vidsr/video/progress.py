"""Receivers of what a run reports to while it goes on: an object with three methods, or a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from vidsr.errors import OptionError
from vidsr.video.info import SourceInfo


class Progress(Protocol):
    """A receiver of progress; see ``vidsr.terminal.progress_bar.ProgressBar``.

    What one of the methods raises ends the run: nothing is left of the target, and the caller of
    the run gets the exception.
    """

    def start(self, info: SourceInfo) -> None:
        """Take the facts of the source, before the first frame."""
        ...

    def frame(self, done: int, output_bytes: int) -> None:
        """Take the number of frames and bytes written so far, after every frame."""
        ...

    def close(self) -> None:
        """Take the end of the run, whatever it was."""
        ...


ProgressCall: TypeAlias = Callable[[int, int | None], object]
"""A function of the frames that are done, and of all frames; None where their number is unknown."""


class CallProgress:
    """A receiver of progress that calls a function with frames done and frames in all."""

    def __init__(self, call: ProgressCall) -> None:
        self._call = call
        self._total: int | None = None

    def start(self, info: SourceInfo) -> None:
        """Remember how many frames there are, as far as the source says."""
        self._total = info.frames

    def frame(self, done: int, output_bytes: int) -> None:
        """Call the function. The total is an estimate, and never less than what is done."""
        self._call(done, None if self._total is None else max(done, self._total))

    def close(self) -> None:
        """Do nothing."""


def receiver_of(progress: object) -> Progress | None:
    """Return what receives progress: the object itself, or one that calls it.

    Raises:
        OptionError: It is neither callable nor has ``start``, ``frame`` and ``close``.
    """
    if progress is None:
        return None
    methods = ("start", "frame", "close")
    missing = [name for name in methods if not callable(getattr(progress, name, None))]
    if isinstance(progress, type):
        raise OptionError(
            f"progress: expected an object or a function, got the class {progress.__name__}.",
            hint="call it to make an object.",
        )
    if not missing:
        return progress  # type: ignore[return-value]
    if callable(progress):
        return CallProgress(progress)
    raise OptionError(
        f"progress: expected a function, or an object with start, frame and close, got type "
        f"{type(progress).__name__} without {', '.join(missing)}."
    )
