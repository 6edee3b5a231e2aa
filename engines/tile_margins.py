"""Surroundings of tiles that blend: as many pixels as make the cut vanish, found by trying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vidsr.cache.findings import finding_key, recall, remember
from vidsr.cache.keys import FindingKey
from vidsr.engines.blending import blend
from vidsr.engines.engine import Engine
from vidsr.engines.tile_spans import Span
from vidsr.engines.tiling import DEEP_HALO
from vidsr.models.model import Model

# Tried one after the other. Of a deep network of 349 pixels of reach, tiles with 16 pixels around
# them differ from the whole by 5.6 levels of 8 bits, root mean square, with 32 by 0.9, with 48 by
# 0.3.
MARGINS = (32, 64, 128)
GOOD_LEVELS = 0.5  # what rounding a picture to 8 bits may do to a sample
WORTH = 0.9  # of the error before: twice the pixels that leave more are not worth their time
SHORTEST, WIDEST = 32, 64  # side of what is looked at, across
RULE = "1"  # raised where another margin would be found
WHAT = "surroundings of tiles"


@dataclass(frozen=True)
class Surroundings:
    """Pixels around tiles that blend, and what they leave.

    Attributes:
        levels: Root mean square, in levels of 8 bits, of what tiles differ by from the whole
            where they overlap, by the pixels around them; in rising order.
        before: True where that was measured by an earlier run.
    """

    levels: Mapping[int, float] = field(default_factory=dict)
    before: bool = False

    @property
    def pixels(self) -> int:
        """The fewest that leave little, else those that leave the least."""
        wanted = MARGINS[0]
        for pixels, levels in self.levels.items():
            if wanted in self.levels and levels < WORTH * self.levels[wanted]:
                wanted = pixels
        return wanted

    @property
    def settled(self) -> bool:
        """True where more pixels need not be tried: little is left, or nothing would change."""
        tried = list(self.levels)
        return bool(tried) and (
            self.levels[tried[-1]] < GOOD_LEVELS
            or tried[-1] == MARGINS[-1]
            or self.pixels != tried[-1]
        )


def may_blend(engine: Engine) -> bool:
    """Return True for a network whose tiles are not always exact."""
    return engine.traits.tiling and (engine.halo is None or engine.halo > DEEP_HALO)


@torch.inference_mode()
def measured(engine: Engine, x: Tensor, room_pixels: int) -> Surroundings | None:
    """Return what tiles need around them, measured on a strip of a real picture that is cut once.

    Args:
        engine: The engine that runs.
        x: The picture as it takes it, [N, C, H, W].
        room_pixels: Most pixels that it may see at once.

    Returns:
        The surroundings; None where the picture, or the room, is too small to be cut.
    """
    strip = _strip(x, engine.alignment, room_pixels)
    whole = _seen(engine, engine.run(strip))
    levels: dict[int, float] = {}
    for pixels in MARGINS:
        found = _error_levels(engine, strip, whole, pixels)
        if found is None:
            break
        levels[pixels] = found
        if Surroundings(levels).settled:
            break
    return Surroundings(levels) if levels else None


def _strip(x: Tensor, step: int, room_pixels: int) -> Tensor:
    """Return the middle of a picture, long in the direction in which it is cut, across."""
    if x.shape[-1] < x.shape[-2]:
        x = x.transpose(-1, -2)
    height, width = x.shape[-2:]
    longest = 2 * (MARGINS[-1] + MARGINS[0])
    length = min(width, longest, max(room_pixels // SHORTEST, 1))
    across = min(height, max(SHORTEST, room_pixels // length), WIDEST)
    sides = [max(step, side - side % step) for side in (across, length)]
    starts = [
        max(0, (whole - side) // 2) for whole, side in zip((height, width), sides, strict=True)
    ]
    top, left = (start - start % step for start in starts)
    return x[:1, :, top : top + sides[0], left : left + sides[1]].contiguous()


def _error_levels(engine: Engine, strip: Tensor, whole: Tensor, pixels: int) -> float | None:
    """Return what a cut in the middle leaves of error; None where both parts see everything."""
    height, length = strip.shape[-2:]
    step, grow = engine.alignment, engine.scale // engine.shuffle
    middle = length // 2
    begin, end = middle - pixels, middle + pixels
    begin, end = begin - begin % step, end + -end % step
    if begin <= 0 or end >= length:
        return None
    rows = Span(0, height, 0, height)
    parts = [(rows, Span(0, end, 0, middle)), (rows, Span(begin, length, middle, length))]
    results = (
        _seen(engine, engine.run(strip[..., span.start : span.stop].contiguous()))
        for _, span in parts
    )
    difference = (blend(parts, results, grow) - whole)[..., begin * grow : end * grow]
    return 255 * float(difference.double().square().mean().sqrt())


def _seen(engine: Engine, result: Tensor) -> Tensor:
    """Return a copy of a result as it is shown."""
    return (result.float() + engine.offset).clamp(0, 1)


class KnownSurroundings:
    """Surroundings of one model's tiles, known from an earlier run or measured by this one."""

    def __init__(self, model: Model, engine: Engine) -> None:
        """Look for what an earlier run measured, and have ``engine`` keep to it."""
        self._key: FindingKey | None = None
        self.found: Surroundings | None = None
        if may_blend(engine):
            self._key = finding_key(WHAT, model.name, (model.path, *model.others), _under(engine))
            self.found = _recalled(self._key)
        if self.found is not None:
            engine.surround(self.found.pixels)

    def measure(self, engine: Engine, x: Tensor, room_pixels: int) -> Surroundings | None:
        """Return the surroundings, measured on ``x`` where nobody has done so, and remember them.

        None where nothing can be measured.
        """
        if self.found is None:
            self.found = measured(engine, x, room_pixels)
            if self.found is not None and self.found.settled:
                levels = {str(pixels): error for pixels, error in self.found.levels.items()}
                remember(self._key, {"levels": levels})
        return self.found


def _under(engine: Engine) -> dict[str, str]:
    device = engine.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "device": name,
        "dtype": str(engine.dtype).removeprefix("torch."),
        "rule": RULE,
        "runtime": engine.runtime,
    }


def _recalled(key: FindingKey | None) -> Surroundings | None:
    stored = (recall(key) or {}).get("levels")
    if not isinstance(stored, dict):
        return None
    try:
        found = {int(pixels): float(error) for pixels, error in stored.items()}
    except (TypeError, ValueError):
        return None
    levels = {pixels: found[pixels] for pixels in MARGINS if pixels in found}
    return Surroundings(levels, before=True) if levels else None
