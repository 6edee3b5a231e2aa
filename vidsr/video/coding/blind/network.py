"""A small network that learned errors from features: its numbers lie in ``numbers.npz``.

``benchmarks/blind_teaching.py`` makes them again.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from vidsr.video.coding.blind.features import Numbers

_FILE = Path(__file__).with_name("numbers.npz")
# Standardised features beyond this count as this.
_FARTHEST = 5.0
# Mean square of standardised features from which on a picture is like none that was learned from:
# of those that were, one in a thousand has 5.9.
STRANGE = 6.0


@cache
def _stored() -> dict[str, Numbers]:
    with np.load(_FILE) as file:
        return {name: file[name].astype(np.float64) for name in file.files}


def standardised(values: Numbers) -> Numbers:
    """Return features as the network learned from them."""
    stored = _stored()
    found: Numbers = (values - stored["mean"]) / stored["spread"]
    return np.clip(found, -_FARTHEST, _FARTHEST)


def quantiles(values: Numbers) -> Numbers:
    """Return a low quantile of the error in levels of 8 bits, and one near the middle."""
    stored = _stored()
    found = standardised(values)
    layers = sum(name.startswith("weight") for name in stored)
    for i in range(layers):
        # No BLAS, whose sums may depend on its threads.
        found = (stored[f"weight{i}"] * found).sum(axis=1) + stored[f"bias{i}"]
        found = found if i + 1 == layers else np.maximum(found, 0)
    levels: Numbers = np.maximum(np.exp2(found) - 1, 0)
    return levels
