"""Train a ``lite`` generator on a folder of photographs, on one CPU core.

    python -m vidsr.training.lite PHOTOS --scale 4 --cpu-minutes 80 --out runs/lite-x4

The schedule follows processor time, so that a run may be paused, slowed by its neighbours or
resumed (the same command again) without changing what it learns. L1 loss (squared error for the
last fifth was tried and lost 0.01 dB); Adam with a cosine to zero; the exponential average of the
weights is what ships.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidsr.models.checkpoint import save_generator
from vidsr.models.config import GeneratorConfig
from vidsr.quality.metrics import psnr_db
from vidsr.training.collapse import WideLite
from vidsr.training.photos import PhotoCrops, make_pair, read_luma

PEAK_RATE, WARMUP_STEPS, EMA_DECAY = 1e-3, 500, 0.999


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that decides a training run."""

    photos: Path
    out: Path
    scale: int = 4
    width: int = 32
    blocks: int = 6
    cpu_minutes: float = 80.0
    batch: int = 16
    crop: int = 32
    seed: int = 0
    validate: Path | None = None


class Trainer:
    """Model, optimiser and averaged weights, with the state that a resume needs."""

    def __init__(self, run: Run) -> None:
        torch.manual_seed(run.seed)
        self.run = run
        config = GeneratorConfig(
            kind="lite", scale=run.scale, channels=1, width=run.width, blocks=run.blocks
        )
        self.model = WideLite(config)
        self.learned = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(self.learned, lr=PEAK_RATE, betas=(0.9, 0.99))
        self.average = {k: v.detach().clone() for k, v in self.model.plain_weights().items()}
        self.step, self.cpu_s = 0, 0.0

    @property
    def progress(self) -> float:
        """Share of the processor time already spent, 0 to 1."""
        return min(1.0, self.cpu_s / (self.run.cpu_minutes * 60))

    def learn(self, low: Tensor, high: Tensor) -> float:
        """One step. Returns the loss."""
        warm = min(1.0, (self.step + 1) / WARMUP_STEPS)
        rate = PEAK_RATE * warm * 0.5 * (1 + math.cos(math.pi * self.progress))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            difference = self.model(low).float() - high
        loss = difference.abs().mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learned, 1.0)
        self.optimiser.step()
        self.step += 1
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        weights = self.model.plain_weights()
        decay = min(EMA_DECAY, self.step / (self.step + 10))
        torch._foreach_lerp_(
            list(self.average.values()), [weights[k] for k in self.average], 1 - decay
        )

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": self.step,
            "cpu_s": self.cpu_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average = state["average"]
        self.step, self.cpu_s = state["step"], state["cpu_s"]

    @torch.no_grad()
    def validate(self, pairs: list[tuple[Tensor, Tensor]]) -> float:
        """Mean PSNR in dB over LR/HR luma pairs, on the limited-range scale of the tables."""
        model = self.model.lite
        scores = []
        for low, high in pairs:
            out = torch.func.functional_call(model, self.average, (low[None, None],))[0, 0]
            levels = (out.clamp(0, 1) * 219).round()
            scores.append(psnr_db(levels, high * 219, border=self.run.scale))
        return sum(scores) / len(scores)


def validation_pairs(folder: Path, scale: int) -> list[tuple[Tensor, Tensor]]:
    """Luma pairs in [0, 1] from a folder of high-resolution pictures."""
    pairs = (make_pair(read_luma(p), scale) for p in sorted(folder.glob("*HR.png")))
    return [
        (torch.from_numpy(a).float() / 255, torch.from_numpy(b).float() / 255) for a, b in pairs
    ]


def train(run: Run) -> None:
    """Train until the time is spent; leaves ``state.pt``, ``log.csv`` and ``model.safetensors``."""
    run.out.mkdir(parents=True, exist_ok=True)
    trainer, state_file = Trainer(run), run.out / "state.pt"
    if state_file.exists():
        trainer.restore(torch.load(state_file, weights_only=True))
    crops = PhotoCrops(run.photos, scale=run.scale, crop=run.crop, seed=run.seed + trainer.step)
    pairs = validation_pairs(run.validate, run.scale) if run.validate else []
    mark, total = time.process_time(), 0.0
    while trainer.progress < 1:
        total += trainer.learn(*crops.batch(run.batch))
        now = time.process_time()
        trainer.cpu_s, mark = trainer.cpu_s + now - mark, now
        if trainer.step % 1000 == 0 or trainer.progress >= 1:
            score = trainer.validate(pairs) if pairs else math.nan
            line = f"{trainer.step},{trainer.cpu_s:.0f},{total / 1000:.5f},{score:.3f}\n"
            with (run.out / "log.csv").open("a") as log:
                log.write(line)
            torch.save(trainer.state(), run.out / "state.tmp")
            (run.out / "state.tmp").replace(state_file)
            save_generator(
                run.out / "model.safetensors", trainer.model.lite.config, trainer.average
            )
            total, mark = 0.0, time.process_time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="folder of .jpg or .png photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder for state, log and weights")
    parser.add_argument("--scale", type=int, default=4, choices=(2, 4))
    parser.add_argument("--width", type=int, default=32, help="channels of the body")
    parser.add_argument("--blocks", type=int, default=6, help="convolutions of the body")
    parser.add_argument("--cpu-minutes", type=float, default=80.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate", type=Path, help="folder of *HR.png to score while training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train(Run(**vars(arguments)))


if __name__ == "__main__":
    main()
