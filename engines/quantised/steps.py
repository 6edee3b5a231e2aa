"""Meaning of 8-bit codes in each layer of a network: a small file beside its weights.

Activations are unsigned codes with one step and zero point a layer, weights signed ones with a step
an output channel. The file holds what was found by looking at photographs, or learned; steps of
weights follow from the weights.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vidsr.engines.quantised.codes import HIGHEST_CODE, ZERO
from vidsr.errors import ModelError, OptionError
from vidsr.models.header import stated_config
from vidsr.models.networks.config import Kind
from vidsr.models.shipped import SUFFIX as WEIGHTS_SUFFIX
from vidsr.models.shipped import weights_folder

if TYPE_CHECKING:
    from vidsr.models.model import Model

# PyTorch is not imported: the cache of engines asks for the path of steps without it.

SUFFIX = ".int8.json"
SCHEMA = 1  # raised whenever a field changes its meaning


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

    @property
    def symmetric(self) -> LayerSteps:
        """Steps with ``ZERO`` for zero, as TensorRT needs them, that reach as far or farther."""
        reach = max(self.zero / ZERO, (HIGHEST_CODE - self.zero) / (HIGHEST_CODE - ZERO))
        return replace(self, step=self.step * reach, zero=ZERO)


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


def shipped(kind: Kind = "lite") -> tuple[str, ...]:
    """Return names of the models of a kind that come with steps."""
    folder = weights_folder()
    names = (p.name.removesuffix(SUFFIX) for p in folder.glob(f"*{SUFFIX}"))
    plain = (name for name in names if "." not in name)  # NAME.coded is no model
    stated = ((name, stated_config(folder / f"{name}{WEIGHTS_SUFFIX}")) for name in plain)
    return tuple(sorted(name for name, config in stated if config and config.kind == kind))


def read_steps(model: Model, channels: list[int]) -> Steps:
    """Return the steps beside the weights of ``model``.

    Args:
        model: The model; its own network and none of those for coded footage.
        channels: Input channels of each convolution after the first.

    Raises:
        OptionError: There are none.
        ModelError: The file is damaged, or its steps are of other weights.
    """
    path = steps_path(model.path)
    remake = f"python -m vidsr.training.tools.quantise {model.path} PHOTOS makes them"
    try:
        steps = Steps.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OptionError(
            f"model {model.name!r}: there are no steps for 8 bits, {path.name}, beside its weights",
            hint=f"{remake}; shipped are {', '.join((*shipped(), *shipped('srresnet')))}",
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: no steps for 8 bits: {error}", hint=remake) from error
    if steps.weights_sha256 != weights_sha256(model.path):
        raise ModelError(f"{path}: its steps were made for other weights", hint=remake)
    if [len(layer.factors) for layer in steps.layers] != channels:
        raise ModelError(f"{path}: its steps are of a network of other size", hint=remake)
    return steps
