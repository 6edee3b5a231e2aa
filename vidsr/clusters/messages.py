"""Messages between a run and the programs that do its pieces: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from vidsr import errors
from vidsr.errors import OutputError, VidsrError

Kind = Literal["room", "frames", "made", "held", "lost", "failed", "broken"]


@dataclass(frozen=True)
class WorkOrder:
    """What a worker is to know beside the job's folder.

    Args:
        folder: The folder of the job, absolute.
        device: The device of the network; None for the order's.
        threads: Threads of the network on a CPU; None for PyTorch's own number.
        share: The part of the machine's memory that is this worker's, more than 0, up to 1.
    """

    folder: str
    device: str | None = None
    threads: int | None = None
    share: float = 1.0

    def to_json(self) -> str:
        """Return the order as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Assignment:
    """A piece that is given to a worker.

    Args:
        piece: Its number.
        anyway: True to make it whoever holds its lease.
    """

    piece: int
    anyway: bool = False


@dataclass(frozen=True)
class Event:
    """What has happened at the workers.

        room     there are ``count`` workers
        frames   ``count`` frames of a piece are done
        made     a piece is done, of ``count`` frames
        held     a piece was left to somebody else who makes it, or is there already
        lost     the worker of a piece ended without a word
        failed   a piece cannot be made
        broken   no piece can be made any more

    Args:
        kind: Which of these.
        piece: The number of the piece, -1 where it is about none.
        count: Frames, or workers.
        by: Host and number of the process.
        error: The name of the class of the error.
        message: The error.
        hint: What may mend it.
        notes: Doubts and losses of the piece.
    """

    kind: Kind
    piece: int = -1
    count: int = 0
    by: str = ""
    error: str = ""
    message: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of_error(cls, kind: Kind, error: VidsrError, piece: int = -1, by: str = "") -> Self:
        """Return the event of an error."""
        name = type(error).__name__
        return cls(kind, piece, by=by, error=name, message=error.message, hint=error.hint)

    def as_error(self) -> VidsrError:
        """Return the error of the event."""
        kind = getattr(errors, self.error, OutputError)
        known = isinstance(kind, type) and issubclass(kind, VidsrError)
        where = f" (on {self.by})" if self.by else ""
        made: VidsrError = (kind if known else OutputError)(self.message + where, hint=self.hint)
        return made

    def to_json(self) -> str:
        """Return the event as a JSON object."""
        return json.dumps({name: value for name, value in asdict(self).items() if value != ""})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        stored: dict[str, Any] = json.loads(text)
        return cls(**stored | {"notes": tuple(stored.get("notes", ()))})
