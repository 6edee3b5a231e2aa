"""Growth of large generators out of small ones, which keeps the function.

A network that already upscales well is written into the weights of a larger one, which then
learns on from there instead of from noise. The idea is that of Net2Net (Chen et al., 2016).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.srresnet import ResidualBlock, SRResNet
from vidsr.picture.luma import LUMA

TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
"""Matrix from (Y, Cb, Cr), chroma in [-1/2, 1/2], to (R, G, B): the inverse of BT.601."""
CENTRE = 1  # of a 3x3 kernel


@torch.no_grad()
def grow_srresnet(net: SRResNet, lite: Lite) -> None:
    """Make ``net`` compute what ``lite`` does on luma, and bilinear upscaling on chroma.

    Away from the border, where the two pad differently, and up to rounding. Channels that this
    leaves free keep their random weights but reach the output only through zeros.
    Raises ValueError unless the scales agree and ``net`` is an RGB network without normalisation,
    with a PReLU slope a channel, in unit range, twice as wide as ``lite`` and with at least as
    many blocks as ``lite`` has convolutions in its body, an even number of them.
    """
    _check(net, lite)
    width, scale = lite.config.width, lite.config.scale
    for block in net.blocks:
        assert isinstance(block, ResidualBlock)
        _silence(block.conv2)
    _write_head(net, lite)
    for index, conv in enumerate(lite.body):
        assert isinstance(conv, nn.Conv2d)
        block, slopes = net.blocks[index], lite.activations[index + 1]
        assert isinstance(block, ResidualBlock)
        assert isinstance(slopes, nn.PReLU)
        _write_block(block, conv, slopes, odd=index % 2 == 1)
    join = net.join[0]
    assert isinstance(join, nn.Conv2d)
    _silence(join)
    first = width + 3  # after the two chroma channels and the picture itself
    join.weight[first : first + scale**2, :width] = lite.tail.weight
    _bias(join)[first : first + scale**2] = _bias(lite.tail)
    _write_upsampling(net, width)


def _check(net: SRResNet, lite: Lite) -> None:
    small, large = lite.config, net.config
    fits = (
        large.scale == small.scale
        and small.stride == 1
        and (large.channels, small.channels) == (3, 1)
        and (large.norm, large.prelu, large.output_range) == ("none", "channel", "unit")
        and large.width >= 2 * small.width
        and small.width >= small.scale**2 + 3
        and small.prelu == "channel"
        and large.blocks >= small.blocks
        and small.blocks % 2 == 0
    )
    if not fits:
        raise ValueError(f"{large} cannot be grown from {small}")


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _silence(conv: nn.Conv2d) -> None:
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(_bias(conv))


def _write_head(net: SRResNet, lite: Lite) -> None:
    """Write the small head on luma; then Cb, Cr and Y as they are, in three channels after it."""
    conv, activation = net.head[0], net.head[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(activation, nn.PReLU)
    luma = torch.tensor(LUMA)
    width, reach = lite.config.width, conv.kernel_size[0] // 2
    nn.init.zeros_(conv.weight[: width + 3 + lite.config.scale**2])
    nn.init.zeros_(_bias(conv))
    inner = slice(reach - 1, reach + 2)
    conv.weight[:width, :, inner, inner] = lite.head.weight * luma.view(1, 3, 1, 1)
    # The small network centres its input on mid-grey.
    _bias(conv)[:width] = _bias(lite.head) - lite.head.weight.sum((1, 2, 3)) / 2
    blue, red = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    planes = torch.stack(((blue - luma) / 1.772, (red - luma) / 1.402, luma))
    conv.weight[width : width + 3, :, reach, reach] = planes
    activation.weight.fill_(1.0)
    first = lite.activations[0]
    assert isinstance(first, nn.PReLU)
    activation.weight[:width] = first.weight


def _write_block(block: ResidualBlock, conv: nn.Conv2d, slopes: nn.PReLU, *, odd: bool) -> None:
    """Write a plain convolution as a residual block: from one half of the channels to the other.

    The block adds the convolution's output to that half and takes away what was there.
    """
    width = conv.out_channels
    halves = slice(0, width), slice(width, 2 * width)
    source, target = halves[::-1] if odd else halves
    identity = torch.eye(width)
    nn.init.zeros_(block.conv1.weight[: 2 * width])
    block.conv1.weight[halves[0], source] = conv.weight
    block.conv1.weight[halves[1], target, CENTRE, CENTRE] = identity
    bias = _bias(block.conv1)
    bias[: 2 * width] = 0
    bias[:width] = _bias(conv)
    block.activation.weight[halves[0]] = slopes.weight
    block.activation.weight[halves[1]] = 1.0
    block.conv2.weight[target, halves[0], CENTRE, CENTRE] = identity
    block.conv2.weight[target, halves[1], CENTRE, CENTRE] = -identity


def _write_upsampling(net: SRResNet, width: int) -> None:
    """Sort out phases of luma stage by stage; upscale chroma twice bilinearly; turn to RGB."""
    scale = net.config.scale
    chroma, luma = width, width + 2
    phases: Tensor = torch.arange(width + 3, width + 3 + scale**2).view(scale, scale)
    while scale > 1:
        scale //= 2
        stage = net.upsample[3 * _stage(net, scale)]
        activation = net.upsample[3 * _stage(net, scale) + 2]
        assert isinstance(stage, nn.Conv2d)
        assert isinstance(activation, nn.PReLU)
        kept = scale**2
        nn.init.zeros_(stage.weight[: 4 * (kept + 2)])
        nn.init.zeros_(_bias(stage))
        activation.weight[: kept + 2] = 1.0
        for quarter in range(4):
            row, column = divmod(quarter, 2)
            part = phases[row * scale : (row + 1) * scale, column * scale : (column + 1) * scale]
            for index, phase in enumerate(part.flatten().tolist()):
                stage.weight[4 * index + quarter, phase, CENTRE, CENTRE] = 1.0
                if luma >= 0:  # the small network adds to nearest-neighbour upscaling
                    stage.weight[4 * index + quarter, luma, CENTRE, CENTRE] = 1.0
            for plane in range(2):
                kernel = _bilinear(row, column)
                stage.weight[4 * (kept + plane) + quarter, chroma + plane] = kernel
        phases, chroma, luma = torch.arange(kept).view(scale, scale), kept, -1
    _silence(net.tail)
    reach = net.tail.kernel_size[0] // 2
    net.tail.weight[:, :3, reach, reach] = torch.tensor(TO_RGB)


def _stage(net: SRResNet, scale: int) -> int:
    """Return the number of the upsampler that leaves ``scale`` still to do."""
    return (net.config.scale // scale).bit_length() - 2


def _bilinear(row: int, column: int) -> Tensor:
    """Return the 3x3 kernel of one quarter of a pixel in bilinear upscaling by two."""
    taps = (torch.tensor([0.25, 0.75, 0.0]), torch.tensor([0.0, 0.75, 0.25]))
    return torch.outer(taps[row], taps[column])


def _shape(config: GeneratorConfig) -> tuple[object, ...]:
    """Return the numbers that two ``lite`` networks have to share: all but those of blocks."""
    return config.scale, config.channels, config.width, config.prelu, config.stride


@torch.no_grad()
def share_slopes(shared: Lite, lite: Lite) -> None:
    """Make ``shared``, with one slope a layer, as like ``lite`` as its mean slopes let it be.

    Not the same function: a start for learning. Raises ValueError unless only that differs.
    """
    own, given = shared.config, replace(lite.config, prelu="shared")
    if (own.blocks, *_shape(own)) != (given.blocks, *_shape(given)):
        raise ValueError(f"{shared.config} cannot be made from {lite.config}")
    weights = lite.state_dict()
    for name, value in weights.items():
        if name.startswith("activations"):
            weights[name] = value.mean().view(1)
    shared.load_state_dict(weights)


@torch.no_grad()
def deepen_lite(deep: Lite, lite: Lite) -> None:
    """Make ``deep``, with more convolutions, compute what ``lite`` does: the new ones do nothing.

    Raises ValueError unless only the number of blocks differs, in this direction.
    """
    extra = deep.config.blocks - lite.config.blocks
    alike = _shape(deep.config) == _shape(lite.config)
    if extra < 0 or not alike or deep.config.prelu != "channel":
        raise ValueError(f"{deep.config} cannot be grown from {lite.config}")
    weights = lite.state_dict()
    for index in range(lite.config.blocks, deep.config.blocks):
        conv, activation = deep.body[index], deep.activations[index + 1]
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(activation, nn.PReLU)
        nn.init.dirac_(conv.weight)
        weights[f"body.{index}.weight"] = conv.weight
        weights[f"body.{index}.bias"] = torch.zeros_like(_bias(conv))
        weights[f"activations.{index + 1}.weight"] = torch.ones_like(activation.weight)
    deep.load_state_dict(weights)
