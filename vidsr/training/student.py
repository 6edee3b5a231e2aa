"""A generator in the form in which it learns, which need not be the form in which it runs."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.checkpoint import Generator, build_generator
from vidsr.models.config import GeneratorConfig
from vidsr.models.lite import Lite
from vidsr.models.srresnet import SRResNet
from vidsr.training.collapse import WideLite
from vidsr.training.fast import fast_forward
from vidsr.training.grow import deepen_lite, grow_srresnet, share_slopes


class PlainStudent(nn.Module):
    """A generator that learns as it is; SRResNet through the faster form of its tail."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def plain_weights(self) -> dict[str, Tensor]:
        """Names and values of the generator's tensors."""
        return self.generator.state_dict()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, s*H, s*W]."""
        if isinstance(self.generator, SRResNet):
            return fast_forward(self.generator, x)
        out: Tensor = self.generator(x)
        return out


Student = PlainStudent | WideLite


def build_student(config: GeneratorConfig, *, seed: int, middle: int) -> Student:
    """A generator with fresh weights of ``seed``; ``lite`` over-parameterised if ``middle``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.kind == "lite" and middle:
            return WideLite(config, middle)
        plain = PlainStudent(build_generator(config))
    plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return plain


def adopt(student: Student, config: GeneratorConfig, generator: Generator) -> str:
    """Start from the trained ``generator``; returns in a word how: "weights" or "growth".

    The same dimensions are taken over; a ``lite`` of fewer blocks is deepened, one with a slope a
    channel gets one slope a layer, and an SRResNet grows out of a ``lite``. Raises ModelError where
    none is possible.
    """
    start = build_generator(config)
    how = "weights"
    try:
        if generator.config == config:
            start.load_state_dict(generator.state_dict())
        elif isinstance(start, SRResNet) and isinstance(generator, Lite):
            start.load_state_dict(student.plain_weights())
            grow_srresnet(start, _with_even_blocks(generator))
            how = "growth"
        elif isinstance(start, Lite) and isinstance(generator, Lite):
            if config.prelu == "shared":
                share_slopes(start, generator)
            else:
                deepen_lite(start, generator)
            how = "growth"
        else:
            raise ValueError("another architecture")
        if isinstance(student, WideLite):
            student.hold(start.state_dict())
        else:
            student.generator.load_state_dict(start.state_dict())
    except ValueError as error:
        raise ModelError(
            f"weights of {generator.config} cannot start {config}: {error}",
            hint="give the same --width and --blocks (and a --middle of that width), or no --init",
        ) from error
    return how


def _with_even_blocks(generator: Lite) -> Lite:
    """The same function with one block more where their number is odd: growth takes two by two."""
    config = generator.config
    if config.blocks % 2 == 0:
        return generator
    even = Lite(replace(config, blocks=config.blocks + 1))
    deepen_lite(even, generator)
    return even
