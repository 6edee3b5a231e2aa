"""Training loop: cut crops, learn, and now and then validate, write and log."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vidsr.errors import TrainingError
from vidsr.models.checkpoint import Generator, build_generator, save_generator
from vidsr.option_values import in_words
from vidsr.training.data.crop_pool import Pool
from vidsr.training.data.validation import Sample, Scores, score, sheet
from vidsr.training.options import Options
from vidsr.training.records.curves import CsvLog, draw_curves
from vidsr.training.records.run_folder import RunFolder, save_state
from vidsr.training.steps.fidelity import Learner, Losses
from vidsr.training.steps.graphed_step import GraphedStep
from vidsr.training.steps.processes import Processes
from vidsr.training.steps.quantised import as_it_runs, write_beside
from vidsr.training.steps.schedule import Clock, learning_rate
from vidsr.video.still_images import write_png

log = logging.getLogger("vidsr")
LOOKS = 20  # validations of a run that does not say how many
CHECK_STEPS = 25  # between looks at whether the loss is still a number


@dataclass
class Meter:
    """Sums of losses since the last row of the log, on the device until they are read."""

    sums: Losses = field(default_factory=dict)
    count: int = 0

    def add(self, losses: Losses) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value.clone()
        self.count += 1

    def means(self) -> dict[str, float]:
        """Read the sums from the device, which waits for it, and return means."""
        return {name: float(total) / self.count for name, total in self.sums.items()}


@dataclass
class Run:
    """Training run: its learner, its data, and the folder it is written to.

    Attributes:
        options: Options that decide what is learned.
        folder: Files of the run.
        learner: Networks and optimisers, a step at a time.
        pool: Pictures to cut crops from.
        samples: Pictures to validate on.
        clock: Steps done and seconds spent.
        device: Device of the learner.
        processes: Processes that train together.
        every: Steps from one validation to the next; None is a twentieth of the run.
        stop_after: Step after which to stop.
        interrupted: Function that returns True once the run should stop.
        tell: Receiver of lines for people.
        curves: True draws ``curves.png``.
        tensorboard: Writer of TensorBoard's log, or None.
        best: Scores of the last validation.
    """

    options: Options
    folder: RunFolder
    learner: Learner
    pool: Pool
    samples: list[Sample]
    clock: Clock
    device: torch.device
    processes: Processes
    every: int | None = None
    stop_after: int | None = None
    interrupted: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = log.info
    curves: bool = True
    tensorboard: Any = None
    best: Scores | None = None

    def train(self) -> bool:
        """Learn to the end. Return True if the end was reached, False after an interruption.

        Raises TrainingError when a loss is NaN or infinite; what was written last stays.
        """
        step = self._step()
        meter, looked = Meter(), self.clock.progress
        self.clock.start()
        while self.clock.progress < 1 and not self._stops():
            self.learner.set_rate(learning_rate(self.options, self.clock))
            meter.add(step(self._draws()))
            self.clock.tick()
            if self.clock.step % CHECK_STEPS == 0:
                self._check(meter)
            if self._is_due(looked):
                looked = self.clock.progress
                self._look(meter)
                meter = Meter()
        if meter.count:
            self._look(meter)
        return self.clock.progress >= 1

    def _step(self) -> Callable[[Tensor], Losses]:
        """Return a function that cuts at draws and learns; on CUDA a graph if the losses allow."""

        def plain(draws: Tensor) -> Losses:
            low, high = self.pool.cut(draws)
            return self.learner.learn(low, high, self.clock.step)

        graphed = (
            self.device.type == "cuda"
            and self.options.adversarial is None
            and self.options.dp_epsilon is None  # its batches differ in size
            and self.options.precision != "fp16"  # the scaler decides on the host
            and self.processes.count == 1
        )
        if graphed:
            return GraphedStep(plain, self.device)
        return lambda draws: plain(draws.to(self.device))

    def _draws(self) -> Tensor:
        seed = self.options.seed * self.processes.count + self.processes.rank
        return self.pool.draw(self.options.batch, seed, self.clock.step)

    def _stops(self) -> bool:
        reached = self.stop_after is not None and self.clock.step >= self.stop_after
        return self.processes.any(reached or self.interrupted())

    def _is_due(self, looked: float) -> bool:
        if self.every is not None:
            return self.clock.step % self.every == 0
        return self.clock.progress - looked >= 1 / LOOKS

    def _check(self, meter: Meter) -> dict[str, float]:
        means = meter.means()
        strange = [name for name, value in means.items() if not math.isfinite(value)]
        if strange:
            raise self._astray(f"{', '.join(strange)} is {means[strange[0]]}")
        return means

    def _astray(self, what: str) -> TrainingError:
        kept = self.folder.model.exists()
        rest = f"{self.folder.model} holds the last good weights" if kept else "nothing is written"
        return TrainingError(
            f"step {self.clock.step}: {what}; {rest}",
            hint="choose a lower --rate, or --precision fp32",
        )

    def require_finite(self, weights: dict[str, Tensor]) -> None:
        """Raise TrainingError where a weight is NaN or infinite."""
        for name, value in weights.items():
            if not value.isfinite().all():
                raise self._astray(f"{name} of the weights is not finite")

    def _look(self, meter: Meter) -> None:
        """Validate and write everything down."""
        means = {**self._check(meter), **self.learner.figures()}
        self.clock.pause()
        if self.processes.is_first:
            self._write(means)
        self.processes.wait()
        self.clock.start()

    def _write(self, means: dict[str, float]) -> None:
        self.require_finite(self.learner.average)
        generator = self.generator()
        shown, precision = as_it_runs(self.learner, generator)
        scores, pictures = score(shown, self.samples, str(self.device), precision)
        self.best = scores
        save_generator(
            self.folder.model, generator.config, self.learner.average, self.learner.notes()
        )
        write_beside(self.learner, self.folder.model, self.clock.step)
        state = {"learner": self.learner.state(), "step": self.clock.step}
        state["pool_bytes"] = self.pool.bytes
        save_state(self.folder.state, {**state, "seconds": self.clock.seconds})
        self._log(means, scores)
        if pictures:
            picture = sheet(self.samples, pictures, self.options.kind)
            write_png(self.folder.sheet(self.clock.step), picture)

    def _log(self, means: dict[str, float], scores: Scores) -> None:
        rate = learning_rate(self.options, self.clock)
        measured = {"psnr_db": scores.psnr_db, "bicubic_db": scores.bicubic_db}
        self.record(means, measured, rate)
        self.tell(describe(self.clock, means, scores, rate))

    def record(self, means: dict[str, float], measured: dict[str, float], rate: float) -> None:
        """Write a row of losses, of what was measured (NaN stays empty) and of the rate."""
        row = {"step": self.clock.step, "seconds": self.clock.seconds, **means}
        known = {k: v for k, v in measured.items() if math.isfinite(v)}
        columns = [*means, "learning_rate", *measured]
        with CsvLog(self.folder.log, columns, resumed_step=self.clock.step - 1) as rows:
            rows.append({**row, "learning_rate": rate, **known})
        if self.curves:
            draw_curves(self.folder.log, self.folder.curves)
        if self.tensorboard is not None:
            for name, value in {**means, **known, "learning_rate": rate}.items():
                self.tensorboard.add_scalar(name, value, self.clock.step)
            # Its thread writes every two minutes, and never at the end of a process.
            self.tensorboard.flush()

    def generator(self) -> Generator:
        """Return the generator with the averaged weights, in eval mode, on the CPU."""
        module = build_generator(self.options.config())
        module.load_state_dict({k: v.detach().cpu() for k, v in self.learner.average.items()})
        return module.eval()


def describe(clock: Clock, means: dict[str, float], scores: Scores, rate: float) -> str:
    """Return one line for people."""
    parts = [f"{100 * clock.progress:3.0f} %", f"step {clock.step}"]
    parts += [f"{name} {value:.4g}" for name, value in means.items()]
    parts.append(f"rate {rate:.2g}")
    if math.isfinite(scores.psnr_db):
        parts.append(f"PSNR {scores.psnr_db:.2f} dB (bicubic {scores.bicubic_db:.2f})")
    per_step = clock.seconds / max(1, clock.step)
    parts.append(f"{1000 * per_step:.0f} ms a step")
    if clock.left_s:
        parts.append(f"{in_words(clock.left_s)} left")
    return "  ".join(parts)
