"""Meaning of 8-bit codes in each layer of a lite network: a small file beside its weights.

Activations are unsigned codes with one step and zero point a layer, weights signed ones with a step
an output channel. The file holds what was found by looking at photographs; steps of weights follow
from the weights.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from vidsr.errors import ModelError, OptionError
from vidsr.models.networks.lite import Lite
from vidsr.models.shipped import weights_folder
from vidsr.models.zoo import Model

SUFFIX = ".int8.json"
SCHEMA = 1  # raised whenever a field changes its meaning
LARGEST_WEIGHT_CODE = 127
HINT = "engine = 'torch' runs every model"


@dataclass(frozen=True)
class LayerSteps:
    """Steps of what goes into a convolution: a code means ``(code - zero) * step``.

    ``factors`` bring its channels to like ranges: each is divided by its own in the convolution
    before and multiplied in this one, which changes nothing in floats, since a PReLU passes
    positive factors on (Nagel et al., Data-Free Quantization, ICCV 2019).
    """

    step: float
    zero: int
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for what no layer has."""
        numbers = all(type(n) is float and 0 < n < float("inf") for n in (self.step, *self.factors))
        if not (numbers and type(self.zero) is int and 0 <= self.zero <= 255):
            raise ValueError("a layer needs positive steps and factors, and a zero of 0 to 255")


def layer_steps(fields: dict[str, Any]) -> LayerSteps:
    """Return the steps of a layer from their fields in JSON. Raises ValueError, KeyError."""
    return LayerSteps(fields["step"], fields["zero"], tuple(fields["factors"]))


@dataclass(frozen=True)
class Steps:
    """Steps of every layer after the first, which stays in floats: it has one input channel.

    Attributes:
        weights_sha256: Checksum of the file of weights that they belong to.
        made_from: Pictures that were looked at, for people.
    """

    weights_sha256: str
    made_from: str
    layers: tuple[LayerSteps, ...]
    schema: int = SCHEMA

    def to_json(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote. Raises ValueError on anything else."""
        try:
            fields: dict[str, Any] = json.loads(text)
            layers = tuple(map(layer_steps, fields.pop("layers")))
            steps = cls(layers=layers, **fields)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not steps of layers: {error!r}") from error
        if steps.schema != SCHEMA:
            raise ValueError(f"schema = {steps.schema!r}: expected {SCHEMA}")
        return steps


def steps_path(weights: Path) -> Path:
    """Return where the steps of a file of weights lie: beside it."""
    return weights.with_name(weights.stem + SUFFIX)


def weights_sha256(weights: Path) -> str:
    """Return the checksum of a file of weights. Raises ModelError."""
    try:
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{weights}: cannot be read: {error.strerror}") from error


def require_lite(model: Model) -> Lite:
    """Return the network of ``model``. Raises OptionError for one that is not run in 8 bits."""
    if isinstance(model.module, Lite) and model.config.channels == 1:
        return model.module
    what = f"{model.config.kind} network on {'luma' if model.config.channels == 1 else 'RGB'}"
    raise OptionError(
        f"model {model.name!r} with engine = 'openvino': it is a {what}: expected lite networks "
        f"on luma with stored steps, such as {', '.join(shipped())}",
        hint=HINT,
    )


def shipped() -> tuple[str, ...]:
    """Return names of the models that come with steps."""
    names = (p.name.removesuffix(SUFFIX) for p in weights_folder().glob(f"*{SUFFIX}"))
    return tuple(sorted(name for name in names if "." not in name))  # NAME.coded is no model


def load_steps(model: Model) -> Steps:
    """Return the steps beside the weights of ``model``.

    Raises OptionError where there are none, ModelError for those of other weights or a damaged
    file.
    """
    net, path = require_lite(model), steps_path(model.path)
    remake = f"python -m vidsr.training.tools.quantise {model.path} PHOTOS makes them"
    try:
        steps = Steps.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OptionError(
            f"model {model.name!r} with engine = 'openvino': there are no steps for 8 bits, "
            f"{path.name} beside its weights",
            hint=f"{remake}; shipped are {', '.join(shipped())}",
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: no steps for 8 bits: {error}", hint=remake) from error
    if steps.weights_sha256 != weights_sha256(model.path):
        raise ModelError(f"{path}: its steps were made for other weights", hint=remake)
    if [len(layer.factors) for layer in steps.layers] != [c.in_channels for c in _later(net)]:
        raise ModelError(f"{path}: its steps are of a network of other size", hint=remake)
    return steps


def _later(net: Lite) -> list[Any]:
    return [*net.body, net.tail]


def weights_and_biases(
    net: Lite, factors: tuple[tuple[float, ...], ...]
) -> list[tuple[Tensor, Tensor]]:
    """Return [O, I, k, k] and [O] of each convolution, ``factors`` of all but the first applied."""
    convs = [net.head, *_later(net)]
    found = [(conv.weight.detach().clone(), conv.bias.detach().clone()) for conv in convs]
    for ((before, bias), (after, _)), own in zip(pairwise(found), factors, strict=True):
        factor = torch.tensor(own)
        before /= factor.view(-1, 1, 1, 1)
        bias /= factor
        after *= factor.view(1, -1, 1, 1)
    return found


def weight_steps(weight: Tensor) -> Tensor:
    """Return the steps [O] of codes from -127 to 127 that reach to the largest weight."""
    return weight.abs().amax((1, 2, 3)).clamp(min=1e-12) / LARGEST_WEIGHT_CODE
