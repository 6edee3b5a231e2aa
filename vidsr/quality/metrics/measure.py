"""Metrics of one picture, by name, and their means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import Tensor

from vidsr.quality.metrics.brisque import brisque
from vidsr.quality.metrics.niqe import BLOCK, niqe
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.quality.metrics.ssim import WINDOW, ssim

ORIGINAL = "original"  # the method that is none: what a metric without reference says of the HR
EQUAL_DB = 100.0  # what an equal picture counts in a mean, where infinity would swallow the rest


@dataclass(frozen=True)
class Metric:
    """Printed form of a metric. ``digits`` are those after the point."""

    title: str
    digits: int


METRICS = {
    "psnr": Metric("PSNR of Y in dB, higher is better", 2),
    "ssim": Metric("SSIM of Y, higher is better", 4),
    "niqe": Metric("NIQE (this project's own model), lower is better", 2),
    "brisque": Metric("BRISQUE, lower is better", 1),
    "flicker": Metric("Flicker in 8-bit levels rms, lower is better", 3),
    "coding_error": Metric("Error of the small clip by its codec, in 8-bit levels rms", 2),
}


def luma_of(picture: Tensor, original: Tensor) -> Tensor:
    """Return the plane of uint8 ``[3, H, W]`` to compare with ``luma_of_original``.

    A grey original (``[1, H, W]``) is compared on its own 0..255 scale, as the published scores
    are: on 16..235 the one grey file of Set14 alone would lift that set's mean by 0.09 dB.
    """
    return picture[1] if original.shape[0] == 1 else luma_601(picture)


def luma_of_original(original: Tensor) -> Tensor:
    """Return Y of ``[3, H, W]``, or the plane of ``[1, H, W]`` as it is."""
    return original[0] if original.shape[0] == 1 else luma_601(original)


def measure(
    output: Tensor, original: Tensor, *, border: int, metrics: Sequence[str]
) -> dict[str, float]:
    """Return scores of two planes ``[H, W]`` in 0..255, by the names of METRICS for one picture.

    Those that need no original are left to ``blind_scores``. Raises ValueError as ``psnr_db`` and
    ``ssim`` do.
    """
    scores = {}
    if "psnr" in metrics:
        scores["psnr"] = psnr_db(output, original, border=border)
    if "ssim" in metrics:
        scores["ssim"] = ssim(output, original, border=border)
    return scores


def blind_scores(
    plane: Tensor, metrics: Sequence[str], *, full_range: bool = False
) -> dict[str, float]:
    """Return the scores of one plane that need no original, border and all.

    Args:
        plane: ``[H, W]`` of luma in 16..235, or in 0..255 with ``full_range``. NIQE is NaN below
            96x96, BRISQUE below 16x16.
        metrics: Names of METRICS; others are left out.
    """
    scores = {}
    if "niqe" in metrics:
        scores["niqe"] = naturalness(plane)
    if "brisque" in metrics:
        scores["brisque"] = brisque(plane, full_range=full_range)
    return scores


def naturalness(y: Tensor) -> float:
    """Return ``niqe``, or NaN for a plane smaller than one of its blocks."""
    return niqe(y) if min(y.shape) >= BLOCK else math.nan


def least_side(border: int) -> int:
    """Return the pixels that a picture needs, both ways, to be measured."""
    return WINDOW + 2 * border


def counted(metric: str, value: float) -> float:
    """Return what a score counts in a mean: PSNR at most 100 dB, all else as it is."""
    return min(value, EQUAL_DB) if metric == "psnr" else value


def mean_score(metric: str, values: Iterable[float]) -> float:
    """Return the mean of the values that are numbers, as ``counted``; NaN if there is none."""
    numbers = [counted(metric, value) for value in values if not math.isnan(value)]
    return fmean(numbers) if numbers else math.nan
