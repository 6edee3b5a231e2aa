"""The weights that ship with vidsr, by name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from importlib import resources
from os import PathLike
from pathlib import Path

import torch

from vidsr.errors import ModelError
from vidsr.models.loaders import ModelLoader, load_file, model_loaders
from vidsr.models.model import Model as Model
from vidsr.models.networks.config import OutputRange

SUFFIX = ".safetensors"
PURPOSES = {
    "lite-fast-x2": "the fastest",
    "lite-surveillance-x4": "footage of IP cameras, compressed and noisy",
    "lite-x2": "the default for twice the size on a processor",
    "lite-x4": "the default for four times the size on a processor",
    "srgan-x4": "sharper for the eye, less faithful",
    "srresnet-x2": "more faithful, for a GPU or patience",
    "srresnet-x4": "more faithful, for a GPU or patience",
    "unet-x1": "takes motion blur away at the same size",
}
"""What the shipped weights are for."""


def weights_folder() -> Path:
    """Where the shipped weights lie; it need not exist."""
    return Path(str(resources.files("vidsr.models"))) / "weights"


def available() -> tuple[str, ...]:
    """Names of the shipped weights, sorted."""
    return tuple(sorted(path.stem for path in weights_folder().glob(f"*{SUFFIX}")))


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
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and _is_name(name_or_path):
        path = _shipped(name_or_path)
    return load_file(path, model_loaders(output_range) if loaders is None else loaders)


def _is_name(text: str) -> bool:
    return not Path(text).suffix and not any(s in text for s in (os.sep, os.altsep) if s)


def _shipped(name: str) -> Path:
    names = available()
    if name in names:
        return weights_folder() / f"{name}{SUFFIX}"
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "a path to a .safetensors or .pth works too"
    raise ModelError(f"model = {name!r}, available: {', '.join(names) or 'none'}", hint=hint)


def automatic_model(device: torch.device, scale: int) -> str:
    """The model for people who did not choose: quality where there is a GPU, else speed."""
    best = f"srresnet-x{scale}"
    return best if device.type == "cuda" and best in available() else f"lite-x{scale}"
