"""Y PSNR on Set5 and Set14 for programs, in one call; the command is ``vidsr-eval``.

Protocol of the published tables: low-resolution images made by MATLAB's bicubic ``imresize``,
8-bit output, Y of BT.601, ``scale`` pixels of border left out, mean over the set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidsr.quality.methods import Method, Upscale, load_baselines
from vidsr.quality.metrics.measure import mean_score
from vidsr.quality.pairs import benchmark_pairs
from vidsr.quality.stills import score_pictures

SETS = ("Set5", "Set14")


@dataclass(frozen=True)
class SetScore:
    """Y PSNR of one picture, in dB: the model's and that of plain bicubic upscaling."""

    dataset: str
    picture: str
    model_db: float
    bicubic_db: float


def score_sets(
    upscale: Upscale, data: Path, *, scale: int, sets: Sequence[str] = SETS
) -> list[SetScore]:
    """Score every picture of the sets.

    Args:
        upscale: Function from uint8 ``[3, h, w]`` to uint8 ``[3, h * scale, w * scale]``.
        data: Folder that holds a folder for each set.
        scale: Ratio of original to low-resolution sides.
        sets: Names of the sets.

    Raises:
        InputError: A set is absent, or a picture cannot be read.
    """
    methods = [Method("model", upscale), *load_baselines(["bicubic"], scale)]
    pairs = benchmark_pairs(data, sets, scale)
    rows = list(score_pictures(pairs, methods, scale=scale, border=scale, metrics=("psnr",)))
    return [
        SetScore(model.group, model.picture, model.scores["psnr"], bicubic.scores["psnr"])
        for model, bicubic in zip(rows[::2], rows[1::2], strict=True)
    ]


def set_means(scores: Sequence[SetScore]) -> dict[str, dict[str, float]]:
    """Return the mean PSNR by set, rounded to 0.01 dB as tables print it."""
    names = dict.fromkeys(score.dataset for score in scores)
    groups = {name: [s for s in scores if s.dataset == name] for name in names}
    return {
        name: {
            "model_db": round(mean_score("psnr", [s.model_db for s in group]), 2),
            "bicubic_db": round(mean_score("psnr", [s.bicubic_db for s in group]), 2),
        }
        for name, group in groups.items()
    }
