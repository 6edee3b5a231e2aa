"""A model: a generator under its name, with the file that it came from."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from vidsr.models.checkpoint import Generator
from vidsr.models.foreign.facts import FileFormat
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.models.receptive_field import alignment, halo
from vidsr.models.strengths import Strengths


@dataclass(frozen=True)
class Model:
    """A generator ready to be given to an engine: float32 on the CPU, in eval mode.

    Attributes:
        name: Name of the weights.
        module: Network for clean pictures, or that of ``step``.
        path: File of the weights.
        strengths: Networks for coded footage; None where there are none.
        step: Step of ``strengths`` that ``module`` is.
        file_format: Kind of the file.
        licence: Licence that the file names; None where it names none.
        others: Files of further networks that ``module`` holds.
    """

    name: str
    module: Generator
    path: Path
    strengths: Strengths | None = None
    step: int = 0
    file_format: FileFormat = "safetensors"
    licence: str | None = None
    others: tuple[Path, ...] = ()

    @property
    def config(self) -> GeneratorConfig:
        """Dimensions of a generator of vidsr. Raises ModelError for foreign architectures."""
        return self.module.config

    @property
    def scale(self) -> int:
        """Factor from low to high resolution."""
        return self.module.scale if isinstance(self.module, StatedNet) else self.config.scale

    def at(self, step: int) -> Model:
        """Return the model of another step of ``strengths``; only of step 0 one can go on.

        Raises ValueError where there is no such step.
        """
        if step == self.step:
            return self
        if self.strengths is None or self.step:
            raise ValueError(f"step = {step}: {self.name} has no other networks")
        module = copy.deepcopy(self.module)
        module.load_state_dict(self.strengths.weights(self.module.state_dict(), step))
        return replace(self, module=module.eval(), step=step)

    @cached_property
    def traits(self) -> NetworkTraits:
        """Facts about the network that engines and planners need."""
        return traits_of(self.module)


def traits_of(module: Generator) -> NetworkTraits:
    """Return the traits of a generator, counted from its layers where nobody stated them."""
    if isinstance(module, StatedNet):
        return module.traits
    config = module.config
    return NetworkTraits(
        scale=config.scale,
        in_channels=config.channels,
        out_channels=config.channels,
        halo=halo(module),
        alignment=alignment(module),
    )
