"""Run of unpaired training: two networks written, a recipe, and a sheet of both directions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from vidsr.files import write_text
from vidsr.models.checkpoint import Generator, build_generator, save_generator
from vidsr.option_values import in_words
from vidsr.picture.size import Size
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.quality.sheets.sheet import contact_sheet, detailed_window
from vidsr.training.records.run_folder import save_state
from vidsr.training.steps.run import Run
from vidsr.training.steps.schedule import learning_rate
from vidsr.training.unpaired.cycle import Cycle
from vidsr.training.unpaired.recipe_file import recipe_text
from vidsr.video.still_images import to_bytes, to_unit, write_png

DEGRADATION, RECIPE = "degradation.safetensors", "recipe.toml"
"""Files that such a run writes beside those of every run."""
SHOWN = 4  # rows of each direction on the sheet
SIDE = 128  # of a crop there, in pixels
TITLES = ("before", "recipe", "degraded", "restored")


@dataclass(frozen=True)
class Shown:
    """Good picture to validate on, and as the recipe spoils it; uint8 ``[3, h, w]`` both."""

    name: str
    spoiled: Tensor
    good: Tensor


@dataclass
class UnpairedRun(Run):
    """Training run of a ``Cycle``.

    Attributes:
        shown: Good pictures that are not learned from.
        seen: Footage, for the sheet, uint8 ``[3, h, w]``.
        restored_db: PSNR on Y of what came back, of good pictures degraded and restored.
        degraded_db: PSNR on Y of the degraded ones.
    """

    shown: list[Shown] = field(default_factory=list)
    seen: list[Tensor] = field(default_factory=list)
    restored_db: float = math.nan
    degraded_db: float = math.nan

    @property
    def degradation(self) -> Path:
        """Return the path of the network that degrades."""
        return self.folder.path / DEGRADATION

    @property
    def recipe(self) -> Path:
        """Return the path of the recipe that ends with that network."""
        return self.folder.path / RECIPE

    @property
    def cycle(self) -> Cycle:
        assert isinstance(self.learner, Cycle)
        return self.learner

    def network(self, weights: dict[str, Tensor]) -> Generator:
        """Return a generator with averaged weights, in eval mode, on the CPU."""
        module = build_generator(self.options.config())
        module.load_state_dict({k: v.detach().cpu() for k, v in weights.items()})
        return module.eval()

    def _write(self, means: dict[str, float]) -> None:
        cycle, config = self.cycle, self.options.config()
        averages = {"degrade": cycle.degradation.weights, "restore": cycle.restoration.weights}
        for weights in averages.values():
            self.require_finite(weights)
        degrade, restore = (self.network(averages[name]) for name in ("degrade", "restore"))
        save_generator(self.folder.model, config, averages["restore"])
        save_generator(self.degradation, config, averages["degrade"])
        about = f"{self.options.recipe}, then what a network learned of footage"
        write_text(self.recipe, recipe_text(self.options.recipe, self.degradation, about))
        self._validate(degrade, restore)
        state = {"learner": cycle.state(), "step": self.clock.step}
        state["pool_bytes"] = self.pool.bytes
        save_state(self.folder.state, {**state, "seconds": self.clock.seconds})
        rate = learning_rate(self.options, self.clock)
        measured = {"restored_db": self.restored_db, "degraded_db": self.degraded_db}
        self.record(means, measured, rate)
        self.tell(self._described(means, rate))

    def _validate(self, degrade: Generator, restore: Generator) -> None:
        rows, captions, restored, degraded = [], [], [], []
        for each in self.shown:
            bad = made_by(degrade, each.spoiled)
            back = made_by(restore, bad)
            restored.append(psnr_db(luma_601(back), luma_601(each.good)))
            degraded.append(psnr_db(luma_601(bad), luma_601(each.good)))
            rows.append(_crops((each.good, each.spoiled, bad, back)))
            captions.append(f"{each.name} {degraded[-1]:.2f} dB, back {restored[-1]:.2f} dB")
        self.restored_db = fmean(restored) if restored else math.nan
        self.degraded_db = fmean(degraded) if degraded else math.nan
        rows, captions = rows[:SHOWN], captions[:SHOWN]
        for number, bad in enumerate(self.seen, 1):
            back = made_by(restore, bad)
            rows.append(_crops((bad, bad, made_by(degrade, back), back)))
            captions.append(f"footage {number}: as it is, there and back, restored")
        if rows:
            sheet = contact_sheet(rows, TITLES, captions)
            write_png(self.folder.sheet(self.clock.step), sheet)

    def _described(self, means: dict[str, float], rate: float) -> str:
        clock = self.clock
        parts = [f"{100 * clock.progress:3.0f} %", f"step {clock.step}"]
        parts += [f"{name} {value:.4g}" for name, value in means.items()]
        parts.append(f"rate {rate:.2g}")
        if math.isfinite(self.restored_db):
            parts.append(f"degraded {self.degraded_db:.2f} dB, back {self.restored_db:.2f} dB")
        parts.append(f"{1000 * clock.seconds / max(1, clock.step):.0f} ms a step")
        if clock.left_s:
            parts.append(f"{in_words(clock.left_s)} left")
        return "  ".join(parts)


def made_by(network: Generator, picture: Tensor) -> Tensor:
    """Return what a network that keeps the size makes of uint8 ``[3, h, w]``, on the CPU."""
    with torch.inference_mode():
        out: Tensor = network(to_unit(picture)[None])
    return to_bytes(out[0].clamp(0, 1)).clone()


def _crops(pictures: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the busiest window of the first picture, of all."""
    side = min(SIDE, *pictures[0].shape[1:])
    window = detailed_window(luma_601(pictures[0]), Size(side, side))
    top, left, height, width = window
    return [p[:, top : top + height, left : left + width] for p in pictures]
