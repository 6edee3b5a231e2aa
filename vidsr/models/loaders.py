"""Kinds of model files: a list of loaders, asked in order.

Another kind takes a file with its loader and a line in ``LOADERS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vidsr.errors import ModelError
from vidsr.models.checkpoint import Generator, adopt_srresnet, is_own, load_own
from vidsr.models.foreign.recognise import recognise
from vidsr.models.foreign.refusal import Misfit
from vidsr.models.foreign.spandrel_import import has_spandrel
from vidsr.models.foreign.spandrel_nets import read_by_spandrel
from vidsr.models.foreign.tensor_file import TensorFile, read_tensors
from vidsr.models.model import Model
from vidsr.models.ncnn_networks.files import graph_files
from vidsr.models.ncnn_networks.nets import read_ncnn
from vidsr.models.networks.config import OutputRange
from vidsr.models.onnx_networks.network import is_onnx, load_onnx, onnx_network
from vidsr.models.readers.foreign_srresnet import looks_like_srresnet, unlike_all
from vidsr.models.readers.method_files import load_method
from vidsr.models.shipped import METHOD_SUFFIX, model_title, require_file
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
class NcnnGraphs:
    """Loader of ncnn's pairs of files, by the name of either."""

    def detect(self, path: Path) -> bool:
        """Return True for a ``.param``, and for a ``.bin`` beside one."""
        return graph_files(path) is not None

    def load(self, path: Path, name: str) -> Model:
        """Read the network. Raises ModelError."""
        files = graph_files(path)
        assert files is not None
        return Model(name, read_ncnn(*files), files[1], file_format="ncnn")


@dataclass(frozen=True)
class ForeignCheckpoints:
    """Loader of checkpoints from elsewhere, told by the names and shapes of their tensors.

    The last of the list: takes whatever nobody else does, and says why it cannot be read.
    """

    output_range: OutputRange | None = None

    def detect(self, path: Path) -> bool:
        """Return True for every file: what it is, only its tensors tell."""
        return True

    def load(self, path: Path, name: str) -> Model:
        """Read the generator. Raises ModelError."""
        content = read_tensors(path)
        try:
            net = recognise(content.tensors)
            module = net or self._other(content)
        except Misfit as error:
            raise ModelError(f"{path}: {error}") from error
        return Model(name, module, path, file_format=content.file_format, licence=content.licence)

    def _other(self, content: TensorFile) -> Generator:
        """Return an SRResNet, or what spandrel makes of the tensors. Raises ModelError, Misfit."""
        ordered = content.file_format == "pickle"
        try:
            return adopt_srresnet(
                content.path, content.tensors, self.output_range, ordered=ordered
            )[1]
        except ModelError as error:
            if self.output_range is not None or looks_like_srresnet(content.tensors):
                raise
            spandrel = has_spandrel()
            found = read_by_spandrel(content.tensors) if spandrel else None
            if found is None:
                raise unlike_all(content.path, content.tensors, spandrel=spandrel) from error
            return found[1]


@dataclass(frozen=True)
class OnnxFiles:
    """Loader of ONNX files of any origin, told by their names."""

    def detect(self, path: Path) -> bool:
        """Return True if the name ends in ``.onnx``."""
        return is_onnx(path)

    def load(self, path: Path, name: str) -> Model:
        """Check the file, try it and read it. Raises ModelError, DeviceError."""
        module = load_onnx(path)
        network = onnx_network(module)
        licence = network.licence if network else None
        return Model(name, module, path, file_format="onnx", licence=licence)


@dataclass(frozen=True)
class MethodFiles:
    """Loader of methods without learning, told by the names of their files."""

    def detect(self, path: Path) -> bool:
        """Return True if the name ends in ``.toml``."""
        return path.suffix.lower() == METHOD_SUFFIX

    def load(self, path: Path, name: str) -> Model:
        """Read the method and its numbers. Raises ModelError."""
        return Model(name, load_method(path), path, file_format="method")


LOADERS: tuple[ModelLoader, ...] = (
    OnnxFiles(),
    MethodFiles(),
    OwnCheckpoints(),
    NcnnGraphs(),
    ForeignCheckpoints(),
)


def model_loaders(output_range: OutputRange | None = None) -> tuple[ModelLoader, ...]:
    """Return the loaders in order; ``output_range`` is for the kinds that have a choice of it."""
    if output_range is None:
        return LOADERS
    foreign = ForeignCheckpoints(output_range)
    return OnnxFiles(), MethodFiles(), OwnCheckpoints(output_range), NcnnGraphs(), foreign


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
