"""The captured training step, where there is a CUDA device."""

from __future__ import annotations

import os

import pytest
import torch

from vidsr.training.data.crop_pool import CropPool, TrainingPair
from vidsr.training.networks.student import build_student
from vidsr.training.options import preset
from vidsr.training.steps.fidelity import Fidelity
from vidsr.training.steps.graphed_step import GraphedStep

if not torch.cuda.is_available() and not os.environ.get("VIDSR_REQUIRE_CUDA"):
    pytest.skip("no CUDA device", allow_module_level=True)


@pytest.mark.parametrize("model", ["lite", "srresnet"])
def test_a_captured_step_learns_what_an_ordinary_one_does(model: str) -> None:
    device = torch.device("cuda")
    options = preset(model, data="x", steps=10, blocks=2, precision="fp32", batch=4, crop=16)
    low = torch.randint(0, 256, (options.channels, 40, 40), dtype=torch.uint8)
    pair = TrainingPair(low, low.repeat_interleave(4, 1).repeat_interleave(4, 2))
    pool = CropPool([pair] * 3, scale=4, crop=16, device=device)
    losses = []
    for graphed in (False, True):
        student = build_student(options.config(), seed=0, middle=16).to(device)
        learner = Fidelity(student, options, device)

        def step(draws: torch.Tensor, learner: Fidelity = learner) -> dict[str, torch.Tensor]:
            return learner.learn(*pool.cut(draws), 0)

        run = GraphedStep(step, device) if graphed else step
        losses.append([float(run(pool.draw(4, 0, i).to(device))["loss"]) for i in range(10)])
    # The same kernels in the same order; atomics in cuDNN's backward may change the last bits.
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert len(set(losses[0])) > 5
