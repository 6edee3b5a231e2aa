"""Pictures made large enough for a network, below and to the right."""

from __future__ import annotations

from torch import Tensor, nn


def padded(x: Tensor, below: int, right: int) -> Tensor:
    """Return ``x`` with rows and columns added: mirrored as far as that goes, then repeated."""
    mirrored_below, mirrored_right = min(below, x.shape[2] - 1), min(right, x.shape[3] - 1)
    if mirrored_below or mirrored_right:
        x = nn.functional.pad(x, (0, mirrored_right, 0, mirrored_below), "reflect")
    rest = (0, right - mirrored_right, 0, below - mirrored_below)
    return nn.functional.pad(x, rest, "replicate") if any(rest) else x
