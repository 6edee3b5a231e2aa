"""The weights that ship with vidsr, and those of others, as models ready for an engine."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from vidsr.models.checkpoint import Generator, load_generator
from vidsr.models.networks.config import GeneratorConfig, OutputRange
from vidsr.models.shipped import find_weights


@dataclass(frozen=True)
class Model:
    """A generator ready to be given to an engine: float32 on the CPU, in eval mode."""

    name: str
    config: GeneratorConfig
    module: Generator
    path: Path


def load_model(
    name_or_path: str | PathLike[str], *, output_range: OutputRange | None = None
) -> Model:
    """Return shipped weights by name, or the user's own by path.

    A string is a path when it has a separator or a suffix. ``output_range`` overrules what the
    file states, see ``load_generator``.
    Raises ModelError for an unknown name and for a file that does not load.
    """
    path = find_weights(name_or_path)
    config, module = load_generator(path, output_range=output_range)
    return Model(path.stem, config, module, path)
