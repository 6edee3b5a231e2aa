"""What recognisers have in common: a refusal, and small arithmetic on shapes."""

from __future__ import annotations

from math import isqrt


class Misfit(Exception):
    """A reason why tensors of a known architecture do not make a network that runs here."""


def side_of(shuffled: int, channels: int) -> int | None:
    """Return the factor of the shuffle that leaves ``channels`` of ``shuffled``; None for none."""
    if channels < 1 or shuffled % channels:
        return None
    side = isqrt(shuffled // channels)
    return side if side >= 1 and side**2 * channels == shuffled else None
