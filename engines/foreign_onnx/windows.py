"""Pictures of any size through a network that takes one size only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidsr.engines.blending import blend
from vidsr.engines.engine import BLEND_MARGIN, DescribedEngine, EngineTraits
from vidsr.engines.tiling import plan_tiles, run_tiled, size_of
from vidsr.picture.size import Size

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Window:
    """The one size that a network takes.

    Attributes:
        height: Rows.
        width: Columns.
        halo: Reach of the network; None where it is not known.
        alignment: Step of its coarsest grid.
    """

    height: int
    width: int
    halo: int | None = None
    alignment: int = 1

    @property
    def is_exact(self) -> bool:
        """True where windows keep enough to equal a whole picture: half of a side or more."""
        sides = min(self.height, self.width)
        return self.halo is not None and 4 * self.halo + 2 * (self.alignment - 1) <= sides

    @property
    def margin(self) -> int:
        """Pixels around what a blended window counts for in full."""
        return min(BLEND_MARGIN, min(self.height, self.width) // 4)


def run_windows(run: Run, x: Tensor, window: Window, traits: EngineTraits) -> Tensor:
    """Run ``x`` [N, C, H, W] through ``run``, which takes pictures of the window's size only.

    Smaller pictures are padded by repeating the last row and column, larger ones cut into windows
    that keep what is exact, or overlap and blend where the reach is unknown or too large.
    """
    height, width = x.shape[2:]
    missing = (
        0,
        _missing(width, window.width, window.alignment),
        0,
        _missing(height, window.height, window.alignment),
    )
    if any(missing):
        x = torch.nn.functional.pad(x, missing, mode="replicate")
    if tuple(x.shape[2:]) == (window.height, window.width):
        result = run(x)
    elif window.is_exact:
        result = _kept(run, x, window, traits)
    else:
        result = _blended(run, x, window, traits.scale)
    return result[..., : height * traits.scale, : width * traits.scale]


def _missing(length: int, least: int, step: int) -> int:
    return max(least - length, -(length - least) % step)


def _kept(run: Run, x: Tensor, window: Window, traits: EngineTraits) -> Tensor:
    assert window.halo is not None
    around = 2 * window.halo + window.alignment - 1
    kept = Size(window.width - around, window.height - around)
    inner = replace(traits, halo=window.halo, alignment=window.alignment)
    return run_tiled(_Inner(run, inner), x, kept)


def _blended(run: Run, x: Tensor, window: Window, scale: int) -> Tensor:
    margin = window.margin
    kept = Size(window.width - 2 * margin, window.height - 2 * margin)
    tiles = plan_tiles(size_of(x), kept, margin)
    parts = [(tile.rows, tile.columns) for tile in tiles]
    results = (
        run(x[..., rows.start : rows.stop, columns.start : columns.stop]) for rows, columns in parts
    )
    return blend(parts, results, scale)


class _Inner(DescribedEngine):
    """The network in the form in which ``run_tiled`` takes it."""

    def __init__(self, run: Run, traits: EngineTraits) -> None:
        self.traits, self._run = traits, run

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``."""
        return self._run(x)
