"""Models in files of others as safetensors, and ONNX files with what they leave unsaid."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from vidsr.catalogue.facts_of import facts_of
from vidsr.errors import ModelError, OptionError, OutputError
from vidsr.files import written_whole
from vidsr.models.checkpoint import save_generator
from vidsr.models.foreign.recognise import recognise, recognised_reading
from vidsr.models.foreign.refusal import Misfit
from vidsr.models.foreign.spandrel_nets import read_by_spandrel
from vidsr.models.foreign.tensor_file import read_tensors
from vidsr.models.model import Model
from vidsr.models.ncnn_networks.files import graph_files, read_graph, read_weights
from vidsr.models.ncnn_networks.nets import compact_names, esrgan_names
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.onnx_networks.network import is_onnx
from vidsr.models.onnx_networks.statement import with_statement
from vidsr.models.zoo import load_model

SUFFIX = ".safetensors"


def convert(model: Model, target: Path) -> None:
    """Write a model as safetensors, which loads as the same network.

    Networks of vidsr's own kinds get its header; others keep the names that their trainers gave,
    by which vidsr and other programs recognise them.

    Raises:
        OptionError: ``target`` is no name of a safetensors file.
        ModelError: The model is of a kind that only its own file describes.
        OutputError: The file cannot be written.
    """
    if target.suffix.lower() != SUFFIX:
        raise OptionError(f"output = {target}: expected a name that ends in {SUFFIX}.")
    if not isinstance(model.module, StatedNet):
        save_generator(target, model.config, model.module.state_dict())
        return
    tensors = {name: t.contiguous().clone() for name, t in _tensors(model).items()}
    facts = facts_of(model)
    header = {"format": "pt", "architecture": facts.architecture}
    if facts.licence:
        header["license"] = facts.licence
    with written_whole(target) as part:
        part.write_bytes(save(tensors, metadata=header))
    _prove(model, target)


def _tensors(model: Model) -> dict[str, Tensor]:
    """Return the weights under the names by which the network is recognised. Raises ModelError."""
    assert isinstance(model.module, StatedNet)
    if is_onnx(model.path):
        raise ModelError(
            f"{model.path}: an ONNX file describes its own graph, weights alone do not",
            hint="it runs as it is; order and range can be stated in a copy that ends in .onnx",
        )
    if model.file_format == "method":
        raise ModelError(f"{model.path}: a method without learning has no weights to write")
    if model.file_format != "ncnn":
        tensors = read_tensors(model.path).tensors
        read = recognised_reading(tensors) or read_by_spandrel(tensors)
        return read[0] if read else tensors
    files = graph_files(model.path)
    assert files is not None
    weights = read_weights(files[1], read_graph(files[0]))
    for names in (compact_names, esrgan_names):
        tensors = names(weights)
        try:
            found = recognise(tensors)
        except Misfit:
            continue
        if found is not None and found.architecture == model.module.architecture:
            return tensors
    raise ModelError(
        f"{model.path}: a graph of more than {model.module.architecture}, kept as it is",
        hint="convert the model that it resizes",
    )


@torch.inference_mode()
def _prove(model: Model, target: Path) -> None:
    """Raise ModelError, and remove the file, where it is not the same network."""
    x = torch.linspace(0, 1, 3 * 16 * 16).view(1, 3, 16, 16)[:, : model.traits.in_channels]
    again = load_model(target)
    if not torch.equal(model.module(x), again.module(x)):
        target.unlink(missing_ok=True)
        raise ModelError(f"{target}: does not load as the same network as {model.path}")


def state(source: Path, target: Path, order: str | None, span: str | None) -> None:
    """Write a copy of an ONNX file that states the order of channels and the range of numbers.

    Raises OptionError, OutputError.
    """
    if not (is_onnx(source) and is_onnx(target)):
        raise OptionError("order and range: expected an ONNX file and one to write.")
    if target.absolute().parent != source.absolute().parent:
        raise OptionError(f"output = {target}: expected the folder of {source}, where weights lie.")
    if target.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the model itself")
    with written_whole(target) as part:
        part.write_bytes(with_statement(source.read_bytes(), order, span))
