"""Training step with numbers rounded to 8-bit codes, and what such a run leaves beside weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.engines.quantised.networks import quantised_net
from vidsr.engines.quantised.steps import Steps, steps_path, weights_sha256
from vidsr.files import write_text
from vidsr.models.checkpoint import Generator
from vidsr.option_values import Precision
from vidsr.training.data.crop_pool import CropPool
from vidsr.training.data.harsh import harsh_low
from vidsr.training.networks.quantised import QuantisedStudent
from vidsr.training.options import Options
from vidsr.training.steps.fidelity import Fidelity, Learner
from vidsr.video.still_images import to_unit

OBSERVED_BATCHES = 8


class Quantised(Fidelity):
    """``Fidelity`` of a student whose numbers are rounded; gradients pass straight through.

    Steps are averaged as weights are. The networks run in float32: a type of 8 bits of mantissa
    would round codes of 8 bits once more.
    """

    def __init__(
        self,
        student: QuantisedStudent,
        options: Options,
        device: torch.device,
        *,
        run: nn.Module | None = None,
        teacher: Generator | None = None,
    ) -> None:
        self.quantised = student
        self.average_steps = student.log_steps.detach().clone()
        super().__init__(student, options, device, run=run, teacher=teacher)

    def prepare(self, pool: CropPool) -> None:
        """Observe ranges on the first crops of the run, and on lettering, before the first step."""
        options = self.options
        draws = [pool.draw(options.batch, options.seed, step) for step in range(OBSERVED_BATCHES)]
        lows = [pool.cut(draw.to(self.device))[0].cpu() for draw in draws]
        lows.append(to_unit(harsh_low(options.scale))[None])
        self.quantised.observe([self.seen(low) for low in lows])
        self.average_steps.copy_(self.quantised.log_steps.detach())
        for name, value in self.student.plain_weights().items():
            self.average[name].copy_(value.detach())

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context that changes nothing."""
        return nullcontext()

    @torch.no_grad()
    def update_average(self) -> None:
        """Update the averages of weights and steps."""
        super().update_average()
        keep = torch.clamp(self._seen / (self._seen + 10), max=self.options.decay)
        self.average_steps.lerp_(self.quantised.log_steps, 1 - keep)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "average_steps": self.average_steps}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.average_steps.copy_(state["average_steps"])

    def rounded(self, generator: Generator) -> Generator:
        """Return a generator with the averaged weights, rounded as engines round it."""
        layers = self.quantised.layers(self.average_steps.cpu())
        return quantised_net(to_phase_module(generator), layers)

    def write_steps(self, weights: Path, step: int) -> None:
        """Write the steps beside a file of weights. Raises OutputError."""
        layers = self.quantised.layers(self.average_steps.cpu())
        made_from = f"{step} steps of training in {self.options.quantise}"
        steps = Steps(weights_sha256(weights), made_from, layers)
        write_text(steps_path(weights), steps.to_json())


def as_it_runs(learner: Learner, generator: Generator) -> tuple[Generator, Precision]:
    """Return the network whose pictures are judged, and the precision in which it runs."""
    if isinstance(learner, Quantised):
        return learner.rounded(generator), "fp32"
    return generator, "auto"


def write_beside(learner: Learner, weights: Path, step: int) -> None:
    """Write what belongs beside the weights: steps of 8-bit codes, where such are learned."""
    if isinstance(learner, Quantised):
        learner.write_steps(weights, step)


def observe(learner: Learner, pool: CropPool) -> None:
    """Prepare a learner that has to see pictures before its first step."""
    if isinstance(learner, Quantised):
        learner.prepare(pool)
