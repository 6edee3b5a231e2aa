"""Folder of a run: its files, whole at every moment, and the state to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidsr.errors import InputError, NoInputError, OptionError, OutputError
from vidsr.files import written_whole
from vidsr.models.shipped import RUN_OPTIONS, RUN_WEIGHTS

# Torch is imported where it is used: what is in the way of a run is told before it loads.


@dataclass(frozen=True)
class RunFolder:
    """Names of the files of one run."""

    path: Path

    @property
    def state(self) -> Path:
        """Return the path of all that a resume needs."""
        return self.path / "state.pt"

    @property
    def options(self) -> Path:
        return self.path / RUN_OPTIONS

    @property
    def model(self) -> Path:
        """Return the path of the averaged weights, as ``vidsr --model`` takes them."""
        return self.path / RUN_WEIGHTS

    @property
    def log(self) -> Path:
        return self.path / "log.csv"

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def card(self) -> Path:
        return self.path / "card.md"

    def sheet(self, step: int) -> Path:
        return self.path / "sheets" / f"{step:08d}.png"

    def refuse_others(self) -> None:
        """Raise OptionError if a new run would write over files that are there."""
        for path in (self.state, self.options, self.model, self.log, self.card, self.curves):
            if path.exists():
                raise OptionError(
                    f"{path}: exists already",
                    hint="choose another --out; --resume goes on with a run",
                )

    def create(self) -> None:
        """Create the folder. Raises OutputError if it cannot be made or written to."""
        try:
            (self.path / "sheets").mkdir(parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}") from error


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state; a crash leaves the one before. Raises OutputError."""
    import torch

    with written_whole(path) as part:
        torch.save(state, part)


def require_state(path: Path) -> None:
    """Raise NoInputError where there is no state to go on from."""
    if not path.is_file():
        raise NoInputError(f"{path}: no run to go on with", hint="leave --resume out to begin one")


def load_state(path: Path) -> dict[str, Any]:
    """Read a state onto the CPU. Raises NoInputError where there is none, InputError if damaged."""
    require_state(path)
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged archive can raise nearly anything
        raise InputError(f"{path}: not a state to go on from ({type(error).__name__})") from error
    if not isinstance(state, dict) or not {"learner", "step", "seconds"} <= set(state):
        raise InputError(f"{path}: not the state of a training run")
    return state
