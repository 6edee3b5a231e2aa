"""Parts of a picture run through the network, and pasted where they belong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vidsr.engines.tiling import Tile

# [1, C, h, w] -> [..., h * g, w * g]: what becomes of a picture, the same for its parts.
Compute = Callable[[Tensor], Tensor]
Shape = tuple[int, int]


def shape_of(tile: Tile) -> Shape:
    """Return rows and columns that the network sees in a tile."""
    return tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start


def patch(compute: Compute, x: Tensor, tile: Tile) -> Tensor:
    """Return the kept part of a tile of ``x``, computed with its surroundings."""
    rows, columns = tile.rows, tile.columns
    seen = x[..., rows.start : rows.stop, columns.start : columns.stop]
    result = compute(seen)
    grow = result.shape[-1] // seen.shape[-1]
    return result[
        ...,
        (rows.keep_start - rows.start) * grow : (rows.keep_stop - rows.start) * grow,
        (columns.keep_start - columns.start) * grow : (columns.keep_stop - columns.start) * grow,
    ]


def place_of(picture: Tensor, x: Tensor, tile: Tile) -> Tensor:
    """Return the part of a result that ``patch`` computes, as a view."""
    rows, columns, grow = tile.rows, tile.columns, picture.shape[-1] // x.shape[-1]
    return picture[
        ...,
        rows.keep_start * grow : rows.keep_stop * grow,
        columns.keep_start * grow : columns.keep_stop * grow,
    ]


def paste(picture: Tensor, x: Tensor, tiles: Sequence[Tile], patches: Sequence[Tensor]) -> None:
    """Write patches of ``x`` over a result."""
    for tile, each in zip(tiles, patches, strict=True):
        place_of(picture, x, tile).copy_(each)


def repeats(compute: Compute, x: Tensor, picture: Tensor, tile: Tile) -> bool:
    """Return True if a part of ``x`` gives what the whole gave, to the last bit."""
    return torch.equal(patch(compute, x, tile), place_of(picture, x, tile))
