"""Several frames of a static scene, put together into one large picture of the first.

Where a camera samples coarsely, what it cannot show is folded into what it does (aliasing).
Frames that are displaced by parts of a pixel fold it differently, and together they hold it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.picture.size import Size
from vidsr.reconstruction.captures import Shrinking, capture
from vidsr.reconstruction.methods import METHODS, enlarged
from vidsr.reconstruction.observation import Observation
from vidsr.reconstruction.registration import Registered, register

log = logging.getLogger("vidsr")
LEAST = 0.05  # share of still samples below which a frame is of another scene


def reconstruct_scene(
    frames: Sequence[Tensor],
    scale: int,
    method: str,
    *,
    shifts_px: Sequence[tuple[float, float]] | None = None,
    blur_px: float = 0.0,
    shrinking: Shrinking = "area",
    moved_levels: float | None = 12.0,
) -> Tensor:
    """Return the large picture that the first frame shows.

    Args:
        frames: ``[C, h, w]`` uint8, one or more of one size.
        scale: Factor, 1 or more.
        method: A name of ``vidsr.reconstruction.methods.METHODS``.
        shifts_px: (down, across) displacement of each frame against the first in small pixels,
            where it is known; None finds it by phase correlation.
        blur_px: Sigma of the blur that frames are taken to have, in pixels of the large picture.
        shrinking: How a frame's samples are taken to come about: ``area`` or ``bicubic``.
        moved_levels: See ``vidsr.reconstruction.registration.register``.

    Returns:
        ``[C, scale * h, scale * w]`` uint8.

    Raises:
        OptionError: No frame, frames of several sizes, an unknown method, or no scikit-image.
    """
    if method not in METHODS:
        raise OptionError(f"method = {method!r}: expected one of {', '.join(METHODS)}")
    if len({tuple(frame.shape) for frame in frames}) != 1:
        raise OptionError("frames: expected one or more, all of one size")
    floats = [frame.float() for frame in frames]
    if shifts_px is None:
        placed = register(floats, moved_levels=moved_levels)
    else:
        whole = torch.ones_like(floats[0][0])
        placed = [Registered(shift, whole) for shift in shifts_px]
    small = Size(floats[0].shape[2], floats[0].shape[1])
    seen = [
        Observation(
            frame,
            capture(
                small,
                scale,
                shift_px=(scale * place.shift_px[0], scale * place.shift_px[1]),
                blur_px=blur_px,
                shrinking=shrinking,
            ),
            place.weight,
        )
        for frame, place in zip(floats, placed, strict=True)
        if float(place.weight.mean()) >= LEAST
    ]
    if len(seen) < len(frames):
        log.warning(
            "%d of %d frames are left out: less than %.0f %% of each lies over the first frame",
            len(frames) - len(seen),
            len(frames),
            100 * LEAST,
        )
    result = METHODS[method](enlarged(floats[0], scale), seen)
    return result.round().clamp(0, 255).to(torch.uint8)
