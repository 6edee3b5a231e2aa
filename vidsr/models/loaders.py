"""Kinds of model files: a list of loaders, asked in order.

Another kind takes a file with its loader and a line in ``LOADERS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vidsr.errors import ModelError
from vidsr.models.checkpoint import is_own, load_own, load_srresnet
from vidsr.models.model import Model
from vidsr.models.networks.config import OutputRange
from vidsr.models.onnx_networks.network import is_onnx, load_onnx
from vidsr.models.shipped import model_title, require_file
from vidsr.models.strength_files import load_strengths


class ModelLoader(Protocol):
    """Reader of one kind of model files."""

    def detect(self, path: Path) -> bool:
        """Return True if the file is of this kind, without reading all of it."""
        ...

    def load(self, path: Path, name: str) -> Model:
        """Read the file. Raises ModelError that says what is wrong with it."""
        ...


@dataclass(frozen=True)
class OwnCheckpoints:
    """Loader of what vidsr writes: safetensors with the dimensions in the header."""

    output_range: OutputRange | None = None

    def detect(self, path: Path) -> bool:
        """Return True if the header describes a generator."""
        return is_own(path)

    def load(self, path: Path, name: str) -> Model:
        """Read the generator, and its networks for coded footage. Raises ModelError."""
        module = load_own(path, self.output_range)[1]
        return Model(name, module, path, load_strengths(path, module.state_dict()))


@dataclass(frozen=True)
class PublishedSRResNets:
    """Loader of SRResNet checkpoints from elsewhere, told by the shapes of their tensors.

    The last of the list: takes whatever nobody else does, and says why it cannot be read.
    """

    output_range: OutputRange | None = None

    def detect(self, path: Path) -> bool:
        """Return True for every file: what it is, only its tensors tell."""
        return True

    def load(self, path: Path, name: str) -> Model:
        """Read the generator. Raises ModelError."""
        return Model(name, load_srresnet(path, self.output_range)[1], path)


@dataclass(frozen=True)
class OnnxFiles:
    """Loader of ONNX files of any origin, told by their names."""

    def detect(self, path: Path) -> bool:
        """Return True if the name ends in ``.onnx``."""
        return is_onnx(path)

    def load(self, path: Path, name: str) -> Model:
        """Check the file, try it and read it. Raises ModelError, DeviceError."""
        return Model(name, load_onnx(path), path)


LOADERS: tuple[ModelLoader, ...] = (OnnxFiles(), OwnCheckpoints(), PublishedSRResNets())


def model_loaders(output_range: OutputRange | None = None) -> tuple[ModelLoader, ...]:
    """Return the loaders in order; ``output_range`` is for the kinds that have a choice of it."""
    if output_range is None:
        return LOADERS
    return OnnxFiles(), OwnCheckpoints(output_range), PublishedSRResNets(output_range)


def load_file(path: Path, loaders: Sequence[ModelLoader]) -> Model:
    """Load the model in a file by the first of ``loaders`` that knows its kind.

    Raises ModelError.
    """
    require_file(path)
    for loader in loaders:
        if loader.detect(path):
            return loader.load(path, model_title(path))
    names = ", ".join(type(loader).__name__ for loader in loaders) or "none"
    raise ModelError(f"{path}: of no kind that is known here (loaders: {names})")
