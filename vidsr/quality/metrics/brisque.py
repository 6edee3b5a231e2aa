"""BRISQUE: what people would say of a picture, learned from ratings; 0 is best, about 100 worst.

Mittal, Moorthy and Bovik 2012, "No-Reference Image Quality Assessment in the Spatial Domain". The
package ``brisque`` computes it, with its model in the wheel; the extra ``brisque`` installs it.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidsr.errors import OptionError

LEAST = 16  # samples a side, for the windows of half the size


def check_brisque() -> None:
    """Raise OptionError where the package is not installed."""
    _scorer()


@lru_cache(maxsize=1)
def _scorer() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SciPy's, for names that the package still uses
            from brisque import BRISQUE
    except ImportError as error:
        raise OptionError(
            "brisque is not installed, which the metric needs.",
            hint="pip install -e '.[brisque]' installs it.",
        ) from error
    return _flattened(BRISQUE(url=False))


def _flattened(scorer: Any) -> Any:
    """Return the scorer, with features as numbers: NumPy 2.4 turns no array of one into a float."""
    scale = scorer.scale_features

    def scale_numbers(features: Any) -> Any:
        return scale([float(np.ravel(each)[0]) for each in features])

    scorer.scale_features = scale_numbers
    return scorer


def brisque(y: Tensor, *, full_range: bool = False) -> float:
    """Score one plane ``[H, W]`` of luma in 16..235, or in 0..255 with ``full_range``.

    NaN for a plane without texture, and for one of less than 16x16. Raises OptionError where the
    package is absent.
    """
    scorer = _scorer()
    plane = y.double() if full_range else (y.double() - 16) * (255 / 219)
    grey = plane.round().clamp(0, 255).to(torch.uint8)
    if min(grey.shape) < LEAST or int(grey.max()) == int(grey.min()):
        return math.nan
    picture = np.repeat(grey.cpu().numpy()[..., None], 3, axis=2)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        score = float(scorer.score(picture))
    return score if math.isfinite(score) else math.nan
