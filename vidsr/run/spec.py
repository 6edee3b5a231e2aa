"""A run as data: what to read, what to write, and every option; nothing is opened."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self, get_args

from vidsr.errors import OptionError
from vidsr.run.options import RunOptions
from vidsr.video.locator import Kind, Locator, Name


@dataclass(frozen=True)
class JobSpec:
    """A run as it was asked for, which may be written down and executed elsewhere.

    Its JSON holds the names of source and target whole, with the passwords of addresses.
    """

    source: Locator
    target: Locator
    options: RunOptions

    @classmethod
    def of(cls, src: Name, dst: Name, options: RunOptions) -> Self:
        """Return the run of two names. Raises OptionError for a name that cannot be."""
        return cls(Locator.of(src), Locator.of(dst), options)

    def to_json(self) -> str:
        """Return the run as a JSON object."""
        data = {name: asdict(getattr(self, name)) for name in ("source", "target")}
        return json.dumps(data | {"options": json.loads(self.options.to_json())})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote. Raises OptionError for anything else."""
        try:
            data = json.loads(text)
            source, target, options = (data[name] for name in ("source", "target", "options"))
        except (KeyError, TypeError, ValueError) as error:
            raise OptionError(f"not a run: {error}") from error
        return cls(_locator(source), _locator(target), RunOptions.from_json(json.dumps(options)))


def _locator(data: Any) -> Locator:
    if isinstance(data, dict) and data.keys() == {"kind", "text"}:
        kind, text = data["kind"], data["text"]
        if kind in get_args(Kind) and isinstance(text, str):
            return Locator(kind, text)
    raise OptionError("not a run: expected a kind and a text for source and target")
