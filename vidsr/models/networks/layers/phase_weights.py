"""Convolutions after a pixel shuffle as convolutions before it, exactly, on the weights."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor


@cache
def _taps(k: int) -> tuple[int, ...]:
    """Return the tap of a k x k kernel for [phase out, phase in, coarse tap]; k*k for none.

    Output phase (py, px) reads tap (dy, dx) at (Y, X) = (py + dy, px + dx) on the fine grid,
    which is phase (Y mod 2, X mod 2) of the coarse pixel (Y div 2, X div 2).
    """
    reach = k // 2
    coarse = (reach + 1) // 2
    side = 2 * coarse + 1
    taps = [k * k] * (16 * side**2)
    for phase in range(4):
        for tap in range(k * k):
            (cy, qy), (cx, qx) = (
                divmod(p + d - reach, 2)
                for p, d in zip(divmod(phase, 2), divmod(tap, k), strict=True)
            )
            place = (cy + coarse) * side + cx + coarse
            taps[(phase * 4 + 2 * qy + qx) * side**2 + place] = tap
    return tuple(taps)


def phase_weight(weight: Tensor) -> Tensor:
    """Turn [O, I, k, k], k odd, into the kernel that may run before ``PixelShuffle(2)``.

    ``conv2d(pixel_shuffle(x, 2), w) == pixel_shuffle(conv2d(x, phase_weight(w)), 2)``, borders
    included where padding is k//2 and c//2: zero padding maps onto zero padding. A 9x9 kernel
    becomes 5x5. Differentiable; every number is one of ``weight``'s, or zero.
    """
    out_channels, in_channels, k, _ = weight.shape
    side = 2 * ((k // 2 + 1) // 2) + 1
    padded = torch.nn.functional.pad(weight.flatten(2), (0, 1))
    taps = torch.tensor(_taps(k), device=weight.device)
    phases = padded[:, :, taps].view(out_channels, in_channels, 4, 4, side, side)
    return phases.permute(0, 2, 1, 3, 4, 5).reshape(4 * out_channels, 4 * in_channels, side, side)
