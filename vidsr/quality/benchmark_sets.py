"""Y PSNR on Set5 and Set14 in one call; the command with all else is ``vidsr-eval``.

Protocol of the published tables: low-resolution images made by MATLAB's bicubic ``imresize``,
8-bit output, Y of BT.601, ``scale`` pixels of border left out, mean over the set.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidsr.quality.methods import Enlarge, Method, load_baselines, load_models
from vidsr.quality.metrics.measure import mean_score
from vidsr.quality.pairs import benchmark_pairs
from vidsr.quality.stills import score_pictures

SETS = ("Set5", "Set14")


@dataclass(frozen=True)
class Score:
    """Y PSNR of one picture, in dB: the model's and plain bicubic enlargement's."""

    dataset: str
    picture: str
    model_db: float
    bicubic_db: float


def enlarger(model: str, scale: int, device: str) -> Enlarge:
    """The real Upscaler as a function on pictures, uint8 ``[3, h, w]``."""
    return load_models([model], scale=scale, device=device)[0][0].enlarge


def evaluate(
    enlarge: Enlarge, data: Path, *, scale: int, sets: Sequence[str] = SETS
) -> list[Score]:
    """Score every picture of ``sets`` below ``data``.

    Raises InputError when a set is absent or a picture cannot be read.
    """
    methods = [Method("model", enlarge), *load_baselines(["bicubic"], scale)]
    pairs = benchmark_pairs(data, sets, scale)
    rows = list(score_pictures(pairs, methods, scale=scale, border=scale, metrics=("psnr",)))
    return [
        Score(model.group, model.picture, model.scores["psnr"], bicubic.scores["psnr"])
        for model, bicubic in zip(rows[::2], rows[1::2], strict=True)
    ]


def means(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Mean PSNR by set, rounded to 0.01 dB as tables print it."""
    names = dict.fromkeys(score.dataset for score in scores)
    groups = {name: [s for s in scores if s.dataset == name] for name in names}
    return {
        name: {
            "model_db": round(mean_score("psnr", [s.model_db for s in group]), 2),
            "bicubic_db": round(mean_score("psnr", [s.bicubic_db for s in group]), 2),
        }
        for name, group in groups.items()
    }


if __name__ == "__main__":
    from vidsr.quality.cli import main

    sys.exit(main())
