"""Flicker: change from frame to frame that the reference does not have.

With Y the luma of the output and R that of the reference, in levels of 0..255,

    d_t = (Y_t - Y_(t-1)) - (R_t - R_(t-1))
    flicker = sqrt( mean over t = 2..T of mean over pixels of d_t^2 )

in 8-bit levels, rms. Motion that both share cancels; an error that stays the same from frame to
frame counts nothing, however large: PSNR measures that. If there is no original, take the
low-resolution frames upscaled by bicubic for it: detail that the output adds and that moves with
the picture then counts too, so that only outputs of like sharpness can be compared.
"""

from __future__ import annotations

import math

from torch import Tensor


class Flicker:
    """Measure of one pair of sequences, frame by frame; keeps one plane, whatever the length.

    flicker = Flicker()
    for output, reference in pairs:
        flicker.add(output, reference)
    flicker.rms
    """

    def __init__(self) -> None:
        self.frames = 0
        self._sum = 0.0
        self._error: Tensor | None = None

    def add(self, output: Tensor, reference: Tensor) -> None:
        """Take the next frame of both, ``[H, W]`` in 0..255.

        Raises ValueError when sizes change.
        """
        # d_t is the change of Y - R: the last difference is all that has to be kept.
        if output.shape != reference.shape:
            raise ValueError(
                f"expected equal shapes, got {tuple(output.shape)} and {tuple(reference.shape)}"
            )
        error = output.double() - reference.double()
        if self._error is not None:
            if error.shape != self._error.shape:
                raise ValueError(
                    f"frame {self.frames}: expected {tuple(self._error.shape)} as before, "
                    f"got {tuple(error.shape)}"
                )
            self._sum += float((error - self._error).square().mean())
        self._error = error
        self.frames += 1

    @property
    def rms(self) -> float:
        """Return the flicker so far in 8-bit levels; NaN before the second frame."""
        return math.sqrt(self._sum / (self.frames - 1)) if self.frames > 1 else math.nan
