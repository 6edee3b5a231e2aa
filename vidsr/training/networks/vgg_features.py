"""Perceptual distance: pictures compared by the features of VGG19 instead of by pixels.

Two files are known, told apart by their tensors:

- torchvision's VGG19 (``features.0.weight`` to ``features.34.weight``, with or without its
  classifier): input normalised by ImageNet's mean and deviation, zero padding, max pooling that
  drops an odd last row.
- "VGG normalised" up to relu3_1, as style transfer uses it (Huang and Belongie 2017): a 1x1
  convolution of its own turns RGB into the network's input, reflection padding, max pooling that
  keeps an odd last row (``ceil_mode``). That it is max pooling was checked: its weights are scaled
  for a mean activation of 1, and relu3_1 has 0.84 on our photographs with maxima, 0.59 with
  averages.

Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.foreign.tensor_file import read_pickle
from vidsr.training.choices import FeatureLayer
from vidsr.training.networks.losses import Distance, l1, mse
from vidsr.training.networks.vgg_file import HINT, require_vgg

# Of layers, vgg54 is phi_{5,4} of Ledig et al. 2017: the fourth convolution after its ReLU, before
# the fifth pooling.
WIDTHS = (64,) * 2 + (128,) * 2 + (256,) * 4 + (512,) * 8
"""Output channels of VGG19's convolutions (Simonyan and Zisserman 2015)."""
POOLED_BEFORE = (2, 4, 8, 12)
CONVS_UP_TO: dict[FeatureLayer, int] = {"vgg22": 4, "vgg31": 5, "vgg54": 16}
SHORT_NAMES = ("2", "5", "9", "12", "16")
"""The short file counts paddings, ReLUs and poolings too; "0" is the convolution of its own."""
FEATURE_SCALE = 1 / 12.75
"""The paper's factor, to bring the squared error of features to the size of that of pixels.

It does so for the short file too: bicubic x4 against 15 photographs gives 0.012 at vgg22 and 0.019
at vgg31, where pixels in [-1, 1] give 0.009. Not measured with torchvision's weights.
"""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VggFeatures(nn.Module):
    """VGG19 cut after one ReLU; its weights are frozen, and no layer has a training mode.

    ``forward`` takes RGB ``[N, 3, H, W]`` in [0, 1], sides of at least ``smallest``, and gives
    ``[N, C, H/2^p, W/2^p]`` after p poolings, times 1/12.75. Gradients pass through to the picture.
    A ``perceptual_loss`` of 4x3x96x96, forward and backward, takes one busy Zen 4 core 122 ms
    at vgg22 and 148 at vgg31; in bfloat16 80 and 86.
    """

    def __init__(self, layer: FeatureLayer, *, padding: Literal["zeros", "reflect"]) -> None:
        super().__init__()
        sizes = (3, *WIDTHS[: CONVS_UP_TO[layer]])
        self.layer, self.keep_odd = layer, padding == "reflect"
        self.to_input = nn.Conv2d(3, 3, 1)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, padding_mode=padding) for a, b in pairwise(sizes)
        )
        pools = sum(index < len(self.convs) for index in POOLED_BEFORE)
        self.smallest = 2 ** (pools + 1)  # the deepest maps are then two samples wide
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 3 or min(x.shape[2:]) < self.smallest:
            sides = f"sides of at least {self.smallest}"
            raise ValueError(f"expected [N, 3, H, W] with {sides}, got {list(x.shape)}")
        x = self.to_input(x)
        for index, conv in enumerate(self.convs):
            if index in POOLED_BEFORE:
                x = F.max_pool2d(x, 2, ceil_mode=self.keep_odd)
            x = F.relu(conv(x))
        return x * FEATURE_SCALE


def perceptual_loss(
    features: VggFeatures, out: Tensor, target: Tensor, *, distance: Distance = "mse"
) -> Tensor:
    """Return the mean squared (SRGAN) or absolute (ESRGAN) difference of features, float32.

    ``out`` and ``target`` are RGB ``[N, 3, H, W]`` in [0, 1]; only ``out`` gets a gradient.
    """
    with torch.no_grad():
        wanted = features(target)
    return (mse if distance == "mse" else l1)(features(out), wanted)


def load_vgg(path: str | PathLike[str], layer: FeatureLayer = "vgg22") -> VggFeatures:
    """Load VGG19 cut after ``layer``, float32 on the CPU, channels last (a fifth faster).

    Raises ModelError when the file is absent, damaged, carries code, is neither of the two
    formats, or is too short for ``layer``. Code in the file is never run.
    """
    path = Path(path)
    require_vgg(path)
    tensors = read_pickle(path)
    short = "0.weight" in tensors and tensors["0.weight"].shape == (3, 3, 1, 1)
    if short and CONVS_UP_TO[layer] > len(SHORT_NAMES):
        raise ModelError(
            f"{path}: a VGG normalised file: expected vgg22 or vgg31, got {layer}",
            hint="give torchvision's VGG19 state dict for vgg54",
        )
    with torch.device("meta"):  # nothing is allocated before the shapes are known to fit
        net = VggFeatures(layer, padding="reflect" if short else "zeros")
    if not short:
        _refuse_relatives(path, tensors)
        tensors |= _imagenet_input()
    theirs = ("0", *SHORT_NAMES) if short else ("input", *_torchvision_names())
    ours = ("to_input", *(f"convs.{index}" for index in range(len(net.convs))))
    weights = {
        f"{mine}.{leaf}": _take(
            path, tensors, f"{name}.{leaf}", net.get_parameter(f"{mine}.{leaf}")
        )
        for mine, name in zip(ours, theirs, strict=False)  # the file may go on after ``layer``
        for leaf in ("weight", "bias")
    }
    net.load_state_dict(weights, assign=True)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net.requires_grad_(False)


def _torchvision_names() -> list[str]:
    """Return the names of the convolutions: each is followed by a ReLU, and some by a pooling."""
    return [f"features.{2 * i + sum(i >= p for p in POOLED_BEFORE)}" for i in range(len(WIDTHS))]


def _imagenet_input() -> dict[str, Tensor]:
    """Return (x - mean) / deviation as a 1x1 convolution."""
    mean, deviation = torch.tensor(MEAN), torch.tensor(DEVIATION)
    return {
        "input.weight": torch.diag(1 / deviation)[:, :, None, None],
        "input.bias": -mean / deviation,
    }


def _refuse_relatives(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise ModelError for other VGGs: places of later layers tell VGG16 from VGG19."""
    found = {name.rpartition(".")[0] for name in tensors if name.startswith("features.")}
    strange = sorted(found.difference(_torchvision_names()))
    if strange or not found:
        what = f"it has {strange[0]}" if strange else "no tensor is called features.*"
        raise ModelError(f"{path}: not VGG19: {what}", hint=HINT)


def _take(path: Path, tensors: Mapping[str, Tensor], name: str, wanted: Tensor) -> Tensor:
    """Return the tensor ``name`` as float32, if it is there, of that shape, plain and finite."""
    tensor = tensors.get(name)
    if tensor is None:
        raise ModelError(f"{path}: not VGG19: {name} is missing", hint=HINT)
    if tensor.shape != wanted.shape:
        shapes = f"expected {list(wanted.shape)}, got {list(tensor.shape)}"
        raise ModelError(f"{path}: not VGG19: {name}: {shapes}", hint=HINT)
    plain = tensor.layout == torch.strided and tensor.is_floating_point()
    if not plain or tensor.device.type != "cpu" or not tensor.isfinite().all():
        raise ModelError(f"{path}: {name} is not a plain tensor of finite numbers", hint=HINT)
    return tensor.to(torch.float32, copy=True)
