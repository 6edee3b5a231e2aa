"""Generators in and out of files: safetensors with the dimensions in the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from vidsr.errors import ModelError
from vidsr.files import written_whole
from vidsr.models.foreign.tensor_file import (
    is_safetensors,
    read_safetensors,
    read_tensors,
    require_plain,
)
from vidsr.models.header import CONFIG_KEY, sorted_texts, stated_texts
from vidsr.models.networks.config import GeneratorConfig, OutputRange
from vidsr.models.networks.espcn import ESPCN
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.rrdb import RRDB
from vidsr.models.networks.srcnn import SRCNN
from vidsr.models.networks.srresnet import SRResNet
from vidsr.models.networks.unet import UNet
from vidsr.models.readers import foreign_srresnet
from vidsr.models.shipped import require_file

Generator = PhaseNet | SRResNet


def build_generator(config: GeneratorConfig) -> Generator:
    """Return the network that ``config`` describes, with fresh weights, in training mode."""
    match config.kind:
        case "srresnet":
            return SRResNet(config)
        case "lite":
            return Lite(config)
        case "espcn":
            return ESPCN(config)
        case "srcnn":
            return SRCNN(config)
        case "rrdb":
            return RRDB(config)
        case "unet":
            return UNet(config)


def save_generator(
    path: Path,
    config: GeneratorConfig,
    weights: Mapping[str, Tensor],
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write weights as fp16 safetensors with ``config`` in the header; counters stay integers.

    ``notes`` are more texts of the header. The file appears when it is whole. Raises OutputError.
    """
    halves = {
        name: (t.to(torch.float16) if t.is_floating_point() else t).detach().contiguous()
        for name, t in weights.items()
    }
    content = save(halves, metadata={**(notes or {}), CONFIG_KEY: config.to_json()})
    with written_whole(path) as part:
        part.write_bytes(sorted_texts(content) if notes else content)


def load_generator(
    path: str | PathLike[str], *, output_range: OutputRange | None = None
) -> tuple[GeneratorConfig, Generator]:
    """Read a generator: one of vidsr's, or a published SRResNet recognised by its shapes.

    The module is float32 on the CPU, in eval mode. ``output_range`` overrules the range that the
    file states, or that is found by trying the network on flat grey.
    Raises ModelError when the file is absent, damaged, unsafe or holds another architecture.
    """
    path = Path(path)
    require_file(path)
    return load_own(path, output_range) if is_own(path) else load_srresnet(path, output_range)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn an OSError of the file system into a ModelError."""
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error


def is_own(path: Path) -> bool:
    """Return True if the file is a safetensors file whose header describes a generator."""
    with _readable(path):
        if not is_safetensors(path):
            return False
    return CONFIG_KEY in stated_texts(path)  # nothing where damaged: whoever reads it says so


def load_own(
    path: Path, output_range: OutputRange | None = None
) -> tuple[GeneratorConfig, Generator]:
    """Read what ``save_generator`` wrote. Raises ModelError."""
    with _readable(path):
        tensors, header = read_safetensors(path)
    config = _stated_config(path, header[CONFIG_KEY])
    if output_range is not None:
        try:
            config = replace(config, output_range=output_range)
        except ValueError as error:
            raise ModelError(f"{path}: {error}", hint="leave output_range out") from error
    return _assemble(path, config, tensors)


def load_srresnet(
    path: Path, output_range: OutputRange | None = None
) -> tuple[GeneratorConfig, Generator]:
    """Read a published SRResNet out of a pickle or a safetensors file. Raises ModelError."""
    content = read_tensors(path)
    ordered = content.file_format == "pickle"
    return adopt_srresnet(path, content.tensors, output_range, ordered=ordered)


def adopt_srresnet(
    path: Path, tensors: dict[str, Tensor], output_range: OutputRange | None, *, ordered: bool
) -> tuple[GeneratorConfig, Generator]:
    """Assemble a foreign SRResNet. Its output range is found by trying it, unless it is known.

    Raises ModelError.
    """
    config, weights = foreign_srresnet.recognise(path, tensors, ordered=ordered)
    _, module = _assemble(path, config, weights)
    if output_range is None:
        output_range = foreign_srresnet.probe_output_range(path, module)
    return _assemble(path, replace(config, output_range=output_range), weights)


def _stated_config(path: Path, text: str) -> GeneratorConfig:
    try:
        return GeneratorConfig.from_json(text)
    except ValueError as error:
        raise ModelError(f"{path}: {error}", hint="was it written by a newer vidsr?") from error


def _assemble(
    path: Path, config: GeneratorConfig, tensors: Mapping[str, Tensor]
) -> tuple[GeneratorConfig, Generator]:
    """Build the module without memory first, so that a lying header cannot ask for any."""
    with torch.device("meta"):
        module = build_generator(config)
    wanted = module.state_dict()
    full = {
        name: require_plain(path, name, t).to(
            wanted[name].dtype if name in wanted else t.dtype, copy=True
        )
        for name, t in tensors.items()
    }
    try:
        module.load_state_dict(full, strict=True, assign=True)
    except RuntimeError as error:
        raise ModelError(f"{path}: does not fit its own description: {error}") from error
    return config, module.eval()
