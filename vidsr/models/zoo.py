"""The weights that ship with vidsr, and those of others, as models ready for an engine."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from vidsr.models.loaders import ModelLoader, load_file, model_loaders
from vidsr.models.model import Model as Model
from vidsr.models.networks.config import OutputRange
from vidsr.models.shipped import find_weights


def load_model(
    name_or_path: str | PathLike[str],
    *,
    output_range: OutputRange | None = None,
    loaders: Sequence[ModelLoader] | None = None,
) -> Model:
    """Load shipped weights by name, or the user's own by path.

    Args:
        name_or_path: A string is a path when it has a separator or a suffix.
        output_range: Overrules what the file states, see ``load_generator``.
        loaders: The kinds of files to look for, in order; None for those of
            ``vidsr.models.loaders``.

    Raises:
        ModelError: The name is unknown, or the file does not load.
    """
    path = find_weights(name_or_path)
    return load_file(path, model_loaders(output_range) if loaders is None else loaders)
