"""The weights that ship with vidsr, by name."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path

import torch

from vidsr.errors import ModelError
from vidsr.models.checkpoint import Generator, load_generator
from vidsr.models.networks.config import GeneratorConfig, OutputRange

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


@dataclass(frozen=True)
class Model:
    """A generator ready to be given to an engine: float32 on the CPU, in eval mode."""

    name: str
    config: GeneratorConfig
    module: Generator
    path: Path


def weights_folder() -> Path:
    """Where the shipped weights lie; it need not exist."""
    return Path(str(resources.files("vidsr.models"))) / "weights"


def available() -> tuple[str, ...]:
    """Names of the shipped weights, sorted."""
    return tuple(sorted(path.stem for path in weights_folder().glob(f"*{SUFFIX}")))


def load_model(
    name_or_path: str | PathLike[str], *, output_range: OutputRange | None = None
) -> Model:
    """Shipped weights by name, or the user's own by path.

    A string is a path when it has a separator or a suffix. ``output_range`` overrules what the
    file states, see ``load_generator``.
    Raises ModelError for an unknown name and for a file that does not load.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and _is_name(name_or_path):
        path = _shipped(name_or_path)
    config, module = load_generator(path, output_range=output_range)
    return Model(path.stem, config, module, path)


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
