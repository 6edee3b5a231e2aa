"""Short trainings of equal length, one shape after the other, by the loop of ``vidsr-train``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from shape_networks import Shape, student_of

from vidsr.models.networks.lite import Lite
from vidsr.training.data.crop_pool import CropPool
from vidsr.training.data.pairs import prepare
from vidsr.training.data.validation import Sample
from vidsr.training.options import Options, preset
from vidsr.training.records.run_folder import RunFolder, load_state
from vidsr.training.steps.fidelity import Fidelity
from vidsr.training.steps.processes import Processes
from vidsr.training.steps.run import Run
from vidsr.training.steps.schedule import Clock

SAVED_EVERY = 250  # steps
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Lesson:
    """Choices that all shapes learn by.

    Attributes:
        photos: Folder of photographs.
        out: Folder of the runs, one for each shape.
        steps: Steps of each run.
        batch: Crops of a step.
        crop: Side of a crop in low-resolution pixels.
        seed: Seed of weights and crops.
    """

    photos: Path
    out: Path
    steps: int
    batch: int = 8
    crop: int = 24
    seed: int = 0

    def options(self, shape: Shape) -> Options:
        """Return the options of a run: those of ``vidsr-train`` but for shape, batch and crop."""
        return preset(
            "lite",
            data=str(self.photos),
            scale=shape.scale,
            width=shape.width,
            blocks=shape.blocks,
            stride=shape.stride,
            prelu=shape.prelu,
            batch=self.batch,
            crop=self.crop,
            steps=self.steps,
            seed=self.seed,
        )

    def folder(self, shape: Shape) -> RunFolder:
        """Return the folder of a shape's run."""
        return RunFolder(self.out / shape.name)


class ShapeRun(Run):
    """``Run`` of a network that its dimensions alone do not describe."""

    shape: Shape

    def generator(self) -> Lite:
        """Return the network with the averaged weights, in eval mode."""
        net = self.shape.build()
        net.load_state_dict({name: w.detach() for name, w in self.learner.average.items()})
        return net.eval()


def teach(lesson: Lesson, shapes: Sequence[Shape]) -> None:
    """Teach every shape that is not done; what was stopped goes on where it was saved."""
    for scale in dict.fromkeys(shape.scale for shape in shapes):
        left = [s for s in shapes if s.scale == scale and not is_done(lesson, s)]
        if left:
            pool = pool_of(lesson, left[0])
            for shape in left:
                print(f"{shape.name}:", flush=True)
                run_of(lesson, shape, pool, []).train()


def pool_of(lesson: Lesson, shape: Shape) -> CropPool:
    """Return the photographs at both sizes, which all shapes of one scale share."""
    data = prepare(lesson.options(shape), threads=1, colour=False, hold_back=0)
    return CropPool(data.pairs, scale=shape.scale, crop=lesson.crop)


def run_of(lesson: Lesson, shape: Shape, pool: CropPool, samples: list[Sample]) -> ShapeRun:
    """Return the run of a shape, from its beginning or from where it stands."""
    options, folder = lesson.options(shape), lesson.folder(shape)
    student = student_of(shape, seed=lesson.seed, middle=options.middle)
    learner = Fidelity(student.train(), options, CPU)
    clock = Clock(options.steps, None)
    if folder.state.is_file():
        state = load_state(folder.state)
        clock.step, clock.seconds = state["step"], state["seconds"]
        learner.restore(state["learner"])
    folder.create()
    run = ShapeRun(
        options,
        folder,
        learner,
        pool,
        samples,
        clock,
        CPU,
        Processes(),
        every=SAVED_EVERY,
        tell=lambda line: print(f"  {line}", flush=True),
        curves=False,
    )
    run.shape = shape
    return run


def is_done(lesson: Lesson, shape: Shape) -> bool:
    """Return True if a shape has learned to the end."""
    state = lesson.folder(shape).state
    return state.is_file() and load_state(state)["step"] >= lesson.steps


def taught(lesson: Lesson, shape: Shape) -> Lite:
    """Return the network that a run has left, in eval mode."""
    net = shape.build()
    weights = load_file(lesson.folder(shape).model)
    net.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return net.eval()
