"""Windows of pictures: where one method loses most against another, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vidsr.picture.conversion import yuv_to_rgb
from vidsr.picture.frame import Frame
from vidsr.video.still_images import to_bytes

SIDE_PX = 96  # of a window in which losses are summed
SHOWN_PX = 144  # of what a sheet shows around it
STEPS = 6  # windows are tried at every sixth of their side


@dataclass(frozen=True)
class Window:
    """Square of a picture, and the mean of a map in it."""

    top: int
    left: int
    side: int
    value: float

    def overlaps(self, other: Window) -> bool:
        """Return True if the two share samples."""
        near = max(self.side, other.side)
        return abs(self.top - other.top) < near and abs(self.left - other.left) < near


def squared_error(plane: Tensor, original: Tensor) -> Tensor:
    """Return the squared difference ``[H, W]`` float32 of two planes."""
    return (plane.float() - original.float()).square_()


def highest_window(values: Tensor, taken: tuple[Window, ...] = (), side: int = SIDE_PX) -> Window:
    """Return the window with the highest mean of ``[H, W]`` that overlaps none of ``taken``.

    ``side`` is cut to the plane; where all windows overlap, the highest of them all is returned.
    """
    side = min(side, *values.shape)
    step = max(1, side // STEPS)
    count = side // step
    # In two stages: 96x96 at once takes 36 times as many additions.
    means = avg_pool2d(avg_pool2d(values[None, None], step), count, 1)[0, 0]
    order = means.flatten().argsort(descending=True).tolist()
    best = None
    for place in order:
        row, column = divmod(place, means.shape[1])
        found = Window(row * step, column * step, count * step, float(means[row, column]))
        best = best or found
        if not any(found.overlaps(other) for other in taken):
            return found
    assert best is not None
    return best


def shown(frame: Frame, window: Window, side: int = SHOWN_PX) -> Tensor:
    """Return uint8 RGB ``[3, h, w]`` of what lies about a window, twice as large."""
    layout = frame.format
    height, width = min(side, layout.height), min(side, layout.width)
    top = _begin(window.top + window.side // 2, height, layout.height)
    left = _begin(window.left + window.side // 2, width, layout.width)
    part = replace(layout, width=width, height=height)
    across, down = layout.pixel.subsampling
    places = [(top, left), *[(top // down, left // across)] * 2][: len(frame.planes)]
    sizes = zip(frame.planes, places, part.plane_sizes, strict=True)
    planes = tuple(plane[y : y + h, x : x + w] for plane, (y, x), (h, w) in sizes)
    rgb = to_bytes(yuv_to_rgb(planes, part))
    return torch.clone(rgb.repeat_interleave(2, 1).repeat_interleave(2, 2))


def _begin(middle: int, side: int, length: int) -> int:
    """Return the even first sample of ``side`` about ``middle`` that lies within ``length``."""
    return max(0, min(middle - side // 2, length - side)) // 2 * 2
