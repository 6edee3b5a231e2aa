"""SRResNet checkpoints from elsewhere, recognised by the shapes of their tensors.

Nobody agrees on names, but the published architecture has one order of shapes. Names only group
the tensors of a layer ("trunk.3.weight", "trunk.3.bias"); safetensors files, which are sorted by
name, are brought back into running order first.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.networks.config import GeneratorConfig, OutputRange
from vidsr.models.networks.srresnet import SRResNet
from vidsr.models.readers.foreign_layers import Layer, layer_kind, running_order

ALLOWED = (
    "expected a 9x9 head, residual blocks of two normalised 3x3 convolutions, a normalised 3x3 "
    "convolution, one or two 3x3 upsamplers to four times the width, a 9x9 tail, PReLU between"
)
HINT = "only SRResNet as published (Ledig et al. 2017) loads from foreign files"
GREYS = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass
class Layers:
    """The layers of a checkpoint by kind, each kind in the order in which it runs."""

    convs: list[Layer]
    norms: list[Layer]
    prelus: list[Layer]


def _group(path: Path, tensors: Mapping[str, Tensor], ordered: bool) -> Layers:
    layers: dict[str, Layer] = {}
    for name, tensor in tensors.items():
        prefix, _, leaf = name.rpartition(".")
        layers.setdefault(prefix, {})[leaf] = tensor
    strange = [name for name, layer in layers.items() if layer_kind(layer) == "other"]
    if strange:
        raise _unlike(path, tensors, f"layer {strange[0]!r} is of no kind that SRResNet has")
    names = list(layers) if ordered else running_order(path, layers)
    by_kind = {
        kind: [layers[n] for n in names if layer_kind(layers[n]) == kind]
        for kind in ("conv", "norm", "prelu")
    }
    return Layers(by_kind["conv"], by_kind["norm"], by_kind["prelu"])


def recognise(
    path: Path, tensors: Mapping[str, Tensor], *, ordered: bool
) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """Return dimensions and renamed weights of a foreign SRResNet, its range taken for ``unit``.

    ``ordered`` says that the tensors come in the order of definition.
    Raises ModelError naming what was found when the shapes are not SRResNet's.
    """
    layers = _group(path, tensors, ordered)
    config = _dimensions(path, tensors, layers)
    with torch.device("meta"):
        net = SRResNet(config)
    weights: dict[str, Tensor] = {}
    for kind, found in (
        (nn.Conv2d, layers.convs),
        (nn.BatchNorm2d, layers.norms),
        (nn.PReLU, layers.prelus),
    ):
        ours = [(name, m) for name, m in net.named_modules() if isinstance(m, kind)]
        if len(ours) != len(found):
            raise _unlike(path, tensors, f"{len(found)} {kind.__name__} instead of {len(ours)}")
        for (name, module), layer in zip(ours, found, strict=True):
            weights |= _fill(path, tensors, name, module, layer)
    return config, weights


def looks_like_srresnet(tensors: Mapping[str, Tensor]) -> bool:
    """Return True if the first convolution and a last one are 9x9, as no other network has them."""
    kernels = [t for t in tensors.values() if t.ndim == 4]
    ends = [t for t in kernels if tuple(t.shape[2:]) == (9, 9)]
    if len(ends) != 2:
        return False
    one, other = ends
    return one.shape[1] == other.shape[0] or other.shape[1] == one.shape[0]


def _dimensions(path: Path, tensors: Mapping[str, Tensor], layers: Layers) -> GeneratorConfig:
    if not layers.convs or not layers.prelus:
        raise _unlike(path, tensors, "no PReLU" if layers.convs else "no convolution")
    width, channels, *kernel = layers.convs[0]["weight"].shape
    doublings = sum(c["weight"].shape[0] == 4 * width for c in layers.convs)
    body = len(layers.convs) - doublings - 3
    if kernel != [9, 9] or doublings not in (1, 2) or body < 0 or body % 2:
        raise _unlike(path, tensors, f"{len(layers.convs)} convolutions in another arrangement")
    slopes = layers.prelus[0]["weight"].numel()
    try:
        return GeneratorConfig(
            kind="srresnet",
            scale=2**doublings,
            channels=channels,
            width=width,
            blocks=body // 2,
            prelu="shared" if slopes == 1 else "channel",
        )
    except ValueError as error:
        raise _unlike(path, tensors, str(error)) from error


def _fill(
    path: Path, tensors: Mapping[str, Tensor], name: str, module: nn.Module, layer: Layer
) -> dict[str, Tensor]:
    """Return one layer's tensors under our names; what a file may leave out is neutral."""
    out = {}
    for leaf, wanted in module.state_dict().items():
        tensor = layer.get(leaf)
        if tensor is None:
            make = torch.ones if leaf == "weight" else torch.zeros
            tensor = make(wanted.shape, dtype=wanted.dtype)
        if tensor.shape != wanted.shape:
            found = f"{list(tensor.shape)} where {list(wanted.shape)} is wanted ({name}.{leaf})"
            raise _unlike(path, tensors, found)
        out[f"{name}.{leaf}"] = tensor
    return out


def _unlike(path: Path, tensors: Mapping[str, Tensor], found: str) -> ModelError:
    """Return the refusal: what differs, how the convolutions look, what is expected."""
    shapes = [tuple(t.shape) for t in tensors.values() if t.ndim == 4]
    common = ", ".join(f"{n} of {list(s)}" for s, n in Counter(shapes).most_common(4))
    return ModelError(
        f"{path}: not an SRResNet: {found}; convolutions: {common or 'none'}; {ALLOWED}", hint=HINT
    )


def unlike_all(path: Path, tensors: Mapping[str, Tensor], *, spandrel: bool) -> ModelError:
    """Return the refusal of a file of no known architecture; ``spandrel``: it was asked, too."""
    first = next(iter(tensors))
    shape = list(tensors[first].shape)
    return ModelError(
        f"{path}: of no architecture that is known here: {len(tensors)} tensors, the first "
        f"{first[:80]!r} of {shape}",
        hint="Compact, ESRGAN, SPAN, RealPLKSR and SRResNet are known, and what spandrel knows"
        + ("" if spandrel else ": pip install -e '.[models]'"),
    )


@torch.no_grad()
def probe_output_range(path: Path, module: nn.Module) -> OutputRange:
    """Return the range that a trained network puts out, [0, 1] or [-1, 1], seen from flat greys.

    Padding repeats the edge here, so that a flat picture stays flat right to its border.
    Raises ModelError for a network that keeps neither (untrained, other normalisation, a tanh).
    """
    net = copy.deepcopy(module)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = "replicate"
    x = torch.tensor(GREYS)
    first = next(net.parameters())
    flat = x[:, None, None, None].expand(-1, first.shape[1], 6, 6)
    y = net(flat).mean(dim=(1, 2, 3))
    if (y - x).abs().max() < 0.05:
        return "unit"
    if (y - (2 * x - 1)).abs().max() < 0.1:
        return "signed"
    became = ", ".join(f"{a:.1f} -> {b:.2f}" for a, b in zip(GREYS, y.tolist(), strict=True))
    raise ModelError(
        f"{path}: grey {became}: neither [0, 1] nor [-1, 1] as an output range; is it trained, "
        "without a tanh, on inputs in [0, 1]?",
        hint="if it is, state the range: output_range='unit' or 'signed'",
    )
