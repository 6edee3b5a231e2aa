"""Networks in 8 bits: which there are, and their form with numbers rounded to codes in PyTorch.

What engines compute with codes, this form computes with the floats that the codes stand for. The
first convolution stays in floats: it sees 1 or 3 channels, and is a small part of the work.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from vidsr.engines.pytorch.rewrite import PhaseSRResNet, to_phase_module
from vidsr.engines.quantised.coded_steps import load_coded_steps
from vidsr.engines.quantised.codes import CodeType
from vidsr.engines.quantised.rounding import (
    input_step,
    rounded_input,
    rounded_weight,
    weight_steps_of,
)
from vidsr.engines.quantised.steps import LayerSteps, Steps, read_steps
from vidsr.errors import ModelError, OptionError
from vidsr.models.checkpoint import Generator
from vidsr.models.model import Model
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.srresnet import SRResNet

FP8_CHANNELS = 16
"""Number that the channels of a convolution in E4M3 are multiples of; others stay in floats."""


def quantisable(module: Generator, name: str) -> PhaseNet:
    """Return the network in the form that runs. Raises OptionError for one that has no 8 bits."""
    luma_lite = isinstance(module, Lite) and module.config.channels == 1
    if luma_lite or isinstance(module, SRResNet | PhaseSRResNet):
        return to_phase_module(module)
    config = getattr(module, "config", None)
    kind = config.kind if config else "foreign"
    colour = "luma" if config and config.channels == 1 else "RGB"
    raise OptionError(
        f"model {name!r} in 8 bits: it is a {kind} network on {colour}: expected lite networks on "
        "luma, or srresnet"
    )


def convolutions(net: PhaseNet) -> list[nn.Conv2d]:
    """Return the convolutions in the order in which they run, which is that of definition."""
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]


def later_convolutions(net: PhaseNet) -> list[nn.Conv2d]:
    """Return all but the first, which stays in floats."""
    return convolutions(net)[1:]


def load_steps_of(model: Model) -> Steps:
    """Return the steps of the network that ``model`` is, for clean pictures or for coded ones.

    Raises OptionError where there are none, ModelError for those of other weights or a damaged
    file.
    """
    if model.step:
        return load_coded_steps(model)
    net = quantisable(model.module, model.name)
    steps = read_steps(model, [conv.in_channels for conv in later_convolutions(net)])
    if not isinstance(net, Lite) and any(set(layer.factors) != {1.0} for layer in steps.layers):
        raise ModelError(f"{model.path}: its steps have factors, which only a lite network takes")
    return steps


def weights_and_biases(
    net: PhaseNet, factors: tuple[tuple[float, ...], ...]
) -> list[tuple[Tensor, Tensor]]:
    """Return [O, I, k, k] and [O] of each convolution, ``factors`` of all but the first applied."""
    found = [(conv.weight.detach().clone(), _bias(conv)) for conv in convolutions(net)]
    for ((before, bias), (after, _)), own in zip(pairwise(found), factors, strict=True):
        if set(own) == {1.0}:  # of networks whose convolutions do not follow each other
            continue
        factor = torch.tensor(own)
        before /= factor.view(-1, 1, 1, 1)
        bias /= factor
        after *= factor.view(1, -1, 1, 1)
    return found


def _bias(conv: nn.Conv2d) -> Tensor:
    if conv.bias is None:
        return conv.weight.new_zeros(conv.out_channels)
    return conv.bias.detach().clone()


@dataclass(frozen=True)
class ConvSteps:
    """Steps of one convolution in codes: of what goes in, and of its weights [O] or []."""

    input_step: float
    weight_steps: Tensor


class Rounded(nn.Module):
    """Rounding of what goes into a convolution to symmetric codes."""

    def __init__(self, step: float, codes: CodeType) -> None:
        super().__init__()
        self.step, self.codes = step, codes

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        return rounded_input(x, self.step, self.codes)


@torch.no_grad()
def rounded_weights(
    net: PhaseNet,
    steps: Sequence[LayerSteps],
    codes: CodeType = "int8",
    dtype: torch.dtype = torch.float32,
) -> tuple[PhaseNet, dict[str, ConvSteps]]:
    """Return a copy whose weights are numbers that codes stand for, and its convolutions' steps.

    Args:
        net: Network in the form that runs.
        steps: Steps of each convolution after the first; taken as symmetric.
        codes: Type of the codes.
        dtype: Type in which steps are to be written; float32 or float16.

    Returns:
        The network in float32, and steps by the name of each convolution in codes. With ``fp8``,
        convolutions whose channels no kernel takes are left out and stay in floats.
    """
    parts = weights_and_biases(net, tuple(layer.factors for layer in steps))
    net, found = copy.deepcopy(net).requires_grad_(False), {}
    named = [(name, m) for name, m in net.named_modules() if isinstance(m, nn.Conv2d)]
    for (name, conv), (weight, bias), layer in zip(named, parts, (None, *steps), strict=True):
        conv.weight.copy_(weight)
        if conv.bias is not None:
            conv.bias.copy_(bias)
        if layer is None or not _takes(conv, codes):
            continue
        own = _written(weight_steps_of(weight, codes), dtype)
        conv.weight.copy_(rounded_weight(weight, own, codes))
        step = _written(torch.tensor(input_step(layer.symmetric.step, codes)), dtype)
        found[name] = ConvSteps(float(step), own)
    return net, found


def _takes(conv: nn.Conv2d, codes: CodeType) -> bool:
    return codes == "int8" or not (
        conv.in_channels % FP8_CHANNELS or conv.out_channels % FP8_CHANNELS
    )


def _written(steps: Tensor, dtype: torch.dtype) -> Tensor:
    """Return steps as they are written in ``dtype``, above 0."""
    return steps.clamp(min=torch.finfo(dtype).tiny).to(dtype).float()


def quantised_net(
    net: PhaseNet,
    steps: Sequence[LayerSteps],
    codes: CodeType = "int8",
    dtype: torch.dtype = torch.float32,
) -> PhaseNet:
    """Return a copy that computes what an engine in 8 bits does; see ``rounded_weights``.

    It runs as every other network does, in float32: other types would round again.
    """
    copied, found = rounded_weights(net, steps, codes, dtype)
    for name, own in found.items():
        conv = copied.get_submodule(name)
        copied.set_submodule(name, nn.Sequential(Rounded(own.input_step, codes), conv))
    return copied.eval()
