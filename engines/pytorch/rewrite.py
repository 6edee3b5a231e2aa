"""Exact rewriting of a trained generator into the form that runs.

Batch normalisation, the output range and the last pixel shuffle are all linear, so each is moved
into the weights of a convolution. The results are equal to the original in exact arithmetic.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.networks.layers.phase_weights import phase_weight
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.srresnet import ResidualBlock, SRResNet


def _plain_conv(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """Return a same-size convolution that holds ``weight`` [O, I, k, k] and ``bias`` [O]."""
    out_channels, in_channels, k, _ = weight.shape
    conv = nn.Conv2d(in_channels, out_channels, k, padding=k // 2, device="meta")
    conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
    return conv


def _bias(conv: nn.Conv2d) -> Tensor:
    return conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias


@torch.no_grad()
def fold_batch_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one convolution equal to ``norm(conv(x))`` in eval mode.

    Formed in float64, because the statistics of a trained network span many orders of magnitude.
    Raises ModelError for a normalisation without running statistics.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ModelError("batch normalisation without running statistics cannot be folded")
    factor = (norm.running_var.double() + norm.eps).rsqrt()
    shift = norm.running_mean.double().neg() * factor
    if norm.weight is not None:
        factor, shift = factor * norm.weight, shift * norm.weight + norm.bias
    weight = conv.weight.double() * factor[:, None, None, None]
    bias = _bias(conv) * factor + shift
    return _plain_conv(weight.to(conv.weight.dtype), bias.to(conv.weight.dtype))


def fold_norm(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d:
    """Return one convolution equal to ``norm(conv(x))``, where ``norm`` may be no normalisation."""
    if isinstance(norm, nn.BatchNorm2d):
        return fold_batch_norm(conv, norm)
    return copy.deepcopy(conv)


@torch.no_grad()
def fold_output_range(conv: nn.Conv2d) -> nn.Conv2d:
    """Return one convolution equal to ``(conv(x) + 1) / 2``: from [-1, 1] to [0, 1]."""
    return _plain_conv(conv.weight / 2, (_bias(conv) + 1) / 2)


@torch.no_grad()
def shift_output(conv: nn.Conv2d, amount: float) -> nn.Conv2d:
    """Return one convolution equal to ``conv(x) + amount``."""
    return _plain_conv(conv.weight, _bias(conv) + amount)


@torch.no_grad()
def phase_conv(conv: nn.Conv2d) -> nn.Conv2d:
    """Return the convolution that may run before ``PixelShuffle(2)`` instead of ``conv`` after it.

    ``conv(pixel_shuffle(x, 2)) == pixel_shuffle(phase_conv(conv)(x), 2)``, borders included: see
    ``phase_weight``.
    """
    return _plain_conv(phase_weight(conv.weight), _bias(conv).repeat_interleave(4))


@torch.no_grad()
def phase_prelu(prelu: nn.PReLU) -> nn.PReLU:
    """Return the PReLU that may run before ``PixelShuffle(2)`` instead of ``prelu`` after it."""
    out = copy.deepcopy(prelu)
    if prelu.num_parameters > 1:
        out.num_parameters = 4 * prelu.num_parameters
        out.weight = nn.Parameter(prelu.weight.repeat_interleave(4))
    return out


class FoldedBlock(nn.Module):
    """A ``ResidualBlock`` without its normalisations."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.conv1 = fold_norm(block.conv1, block.norm1)
        self.activation = copy.deepcopy(block.activation)
        self.conv2 = fold_norm(block.conv2, block.norm2)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape, in memory of its own."""
        out: Tensor = self.conv2(self.activation(self.conv1(x)))
        return out.add_(x)


class PhaseSRResNet(PhaseNet):
    """An ``SRResNet`` for inference: no normalisation, unit range, one shuffle left out.

    The last ``PixelShuffle(2), PReLU, conv 9x9`` becomes ``PReLU, conv 5x5, PixelShuffle(2)``,
    so that the widest tensor is never moved. The weights are copies in the original's dtype.
    """

    def __init__(self, net: SRResNet) -> None:
        super().__init__()
        self.config = net.config
        layers = [copy.deepcopy(layer) for layer in net.upsample]
        last_activation, tail = layers[-1], net.tail
        conv, norm = net.join
        assert isinstance(last_activation, nn.PReLU)
        assert isinstance(conv, nn.Conv2d)
        if net.config.output_range == "signed":
            tail = fold_output_range(tail)
        self.head = copy.deepcopy(net.head)
        self.blocks = nn.Sequential(
            *(FoldedBlock(b) for b in net.blocks if isinstance(b, ResidualBlock))
        )
        self.join = fold_norm(conv, norm)
        self.upsample = nn.Sequential(*layers[:-2], phase_prelu(last_activation))
        self.tail = phase_conv(tail)
        self.eval()

    @property
    def shuffle(self) -> int:
        """2, for every scale."""
        return 2

    def features(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> [N, width, H, W]: everything at low resolution."""
        head = self.head(x)
        out: Tensor = self.join(self.blocks(head))
        return out.add_(head)

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C*4, H*s/2, W*s/2] before the shuffle, about [0, 1]."""
        out: Tensor = self.tail(self.upsample(self.features(x)))
        return out


def to_phase_module(module: nn.Module) -> PhaseNet:
    """Return the inference form of a generator: ``phase(x)`` stops before the last shuffle.

    All but ``SRResNet`` are that already and are returned as they are. Raises ModelError for
    modules that are no generators.
    """
    if isinstance(module, SRResNet):
        return PhaseSRResNet(module)
    if isinstance(module, PhaseNet):
        return module
    raise ModelError(f"module = {type(module).__name__}: expected generators of vidsr.models")
