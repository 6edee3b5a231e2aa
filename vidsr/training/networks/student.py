"""Student: a generator in the form in which it learns, perhaps not that in which it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.checkpoint import Generator, build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.srresnet import SRResNet
from vidsr.models.zoo import load_model
from vidsr.training.networks.collapse import WideLite
from vidsr.training.networks.fast_forward import fast_forward
from vidsr.training.networks.grow import deepen_lite, grow_srresnet, share_slopes
from vidsr.training.options import dimensions_of


class PlainStudent(nn.Module):
    """Generator that learns as it is; SRResNet through the faster form of its tail."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def plain_weights(self) -> dict[str, Tensor]:
        """Return names and values of the generator's tensors."""
        return self.generator.state_dict()

    def forward(self, x: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C, s*H, s*W]."""
        if isinstance(self.generator, SRResNet):
            return fast_forward(self.generator, x)
        out: Tensor = self.generator(x)
        return out


Student = PlainStudent | WideLite


def build_student(config: GeneratorConfig, *, seed: int, middle: int) -> Student:
    """Build a student with fresh weights of ``seed``; ``lite`` over-parameterised if ``middle``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.kind == "lite" and middle:
            return WideLite(Lite(config), middle)
        plain = PlainStudent(build_generator(config))
    plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return plain


KEEP = "leave dimensions out to keep those of the weights, or give no --init"


def dimensions(init: str, model: str | None) -> tuple[str, dict[str, Any]]:
    """Return model and dimensions to train from the weights ``init`` where nothing else is asked.

    ``model`` None is the kind of the weights. Another kind, which has to grow, keeps its own.
    Raises ModelError for weights that cannot be read.
    """
    return dimensions_of(load_model(init).config, model)


def differences(old: GeneratorConfig, new: GeneratorConfig) -> tuple[str, str]:
    """Return, as text, the dimensions of both in which they differ."""
    names = [f.name for f in fields(new) if getattr(old, f.name) != getattr(new, f.name)]
    named = [", ".join(f"{name} {getattr(c, name)}" for name in names) for c in (old, new)]
    return named[0], named[1]


def adopt(student: Student, config: GeneratorConfig, generator: Generator) -> str:
    """Start from the trained ``generator``; return in a word how: "weights" or "growth".

    The same dimensions are taken over; a ``lite`` of fewer blocks is deepened, one with a slope a
    channel gets one slope a layer, and an SRResNet grows out of a ``lite``. Raises ModelError if
    none of these is possible.
    """
    start = build_generator(config)
    try:
        how = grow(start, generator, student.plain_weights())
    except ValueError as error:
        old, new = differences(generator.config, config)
        raise ModelError(
            f"--init: weights of {old} cannot start a network of {new}", hint=KEEP
        ) from error
    if not isinstance(student, WideLite):
        student.generator.load_state_dict(start.state_dict())
        return how
    try:
        student.hold(start.state_dict())
    except ValueError as error:
        raise ModelError(f"--init: {error}", hint="leave --middle out") from error
    return how


def grow(start: Generator, generator: Generator, fresh: Mapping[str, Tensor]) -> str:
    """Write ``generator`` into ``start``, with ``fresh`` weights where it is larger.

    Returns "weights" or "growth", as ``adopt`` does. Raises ValueError where neither is possible.
    """
    if generator.config == start.config:
        start.load_state_dict(generator.state_dict())
        return "weights"
    if isinstance(start, SRResNet) and isinstance(generator, Lite):
        start.load_state_dict(fresh)
        grow_srresnet(start, _with_even_blocks(generator))
    elif isinstance(start, Lite) and isinstance(generator, Lite):
        if start.config.prelu == "shared":
            share_slopes(start, generator)
        else:
            deepen_lite(start, generator)
    else:
        raise ValueError(f"{start.config.kind} from {generator.config.kind}")
    return "growth"


def _with_even_blocks(generator: Lite) -> Lite:
    """Add a block that does nothing if their number is odd: growth takes two by two."""
    config = generator.config
    if config.blocks % 2 == 0:
        return generator
    even = Lite(replace(config, blocks=config.blocks + 1))
    deepen_lite(even, generator)
    return even
