"""Helpers that the tests of whole files share."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.makers.clips import seconds
from tests.paths import ROOT

DEMO = ROOT / "examples" / "demo.mp4"


def decode(path: Path) -> tuple[list[Fraction], list[np.ndarray]]:
    """Return times in seconds and pictures."""
    times: list[Fraction] = []
    pictures: list[np.ndarray] = []
    with av.open(str(path)) as clip:
        for image in clip.decode(video=0):
            times.append(seconds(image))
            pictures.append(image.to_ndarray())
    return times, pictures


def psnr_db(first: np.ndarray, second: np.ndarray) -> float:
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
