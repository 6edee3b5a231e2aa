"""Exact tiles: a frame in parts, each run with enough surroundings to equal the whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.errors import MemoryLimitError, OptionError

SMALLEST_TILE = 32  # side of the kept part, in pixels; below that the halo is nearly all the work


@dataclass(frozen=True)
class Span:
    """One axis of a tile: reads ``[start, stop)``, keeps ``[keep_start, keep_stop)`` of it."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


@dataclass(frozen=True)
class Tile:
    """A window of a picture, in low-resolution pixels, and the part of it that is kept."""

    rows: Span
    columns: Span


def _window_length(length: int, kept: int, halo: int, alignment: int) -> int:
    """What a window reads of an axis, so that it starts at a multiple of ``alignment`` wherever it
    lies: a start may be rounded down, and the last window ends where the axis does.
    """
    needed = kept + 2 * halo + alignment - 1
    return min(length, needed + (length - needed) % alignment)


def _plan_axis(length: int, kept: int, halo: int, alignment: int) -> list[Span]:
    """Windows of one common length, the last ones pushed inwards; kept parts do not overlap."""
    window = _window_length(length, kept, halo, alignment)
    spans, done = [], 0
    while done < length:
        wanted = max(0, done - halo)
        start = min(wanted - wanted % alignment, length - window)
        stop = start + window
        keep_stop = length if stop == length else stop - halo
        spans.append(Span(start, stop, done, keep_stop))
        done = keep_stop
    return spans


def plan_tiles(
    height: int, width: int, tile_h: int, tile_w: int, halo: int, alignment: int = 1
) -> list[Tile]:
    """Tiles that keep ``tile_h`` x ``tile_w`` pixels each, or more at the picture's border.

    All read windows of the same size, at most ``tile + 2 * halo + 2 * (alignment - 1)`` a side, so
    that an engine made for one shape is made once; windows start at multiples of ``alignment``.
    Every kept pixel is ``halo`` away from a cut edge.
    Raises OptionError for sizes below one and a negative halo.
    """
    if min(height, width, tile_h, tile_w, alignment) < 1 or halo < 0:
        raise OptionError(
            f"{(height, width, tile_h, tile_w, halo, alignment) = }, allowed >= 1, halo >= 0"
        )
    rows = _plan_axis(height, tile_h, halo, alignment)
    columns = _plan_axis(width, tile_w, halo, alignment)
    return [Tile(r, c) for r in rows for c in columns]


def run_tiled(engine: Engine, x: Tensor, tile: tuple[int, int] | None) -> Tensor:
    """``engine.run(x)`` in tiles that keep ``tile`` = (height, width) pixels; None runs it whole.

    [N, channels, H, W] -> [N, channels*shuffle**2, H*s, W*s], s = scale/shuffle, in the types of
    the engine and less its ``offset``.
    Raises what ``engine.run`` and ``plan_tiles`` raise.
    """
    if tile is None:
        return engine.run(x)
    n, channels, height, width = x.shape
    tiles = plan_tiles(height, width, *tile, engine.halo, engine.alignment)
    if len(tiles) == 1:
        return engine.run(x)
    grow = engine.scale // engine.shuffle
    shape = n, channels * engine.shuffle**2, height * grow, width * grow
    out: Tensor | None = None
    for part in tiles:
        result = engine.run(_window(x, part))
        if out is None:
            out = torch.empty(
                shape,
                dtype=result.dtype,
                device=result.device,
                memory_format=torch.channels_last,
            )
        _place(out, result, part, grow)
    assert out is not None
    return out


def first_window(x: Tensor, engine: Engine, tile: tuple[int, int] | None) -> Tensor:
    """What ``engine`` sees first of ``x`` when ``run_tiled`` runs it: all, or a window."""
    if tile is None:
        return x
    height, width = x.shape[2:]
    return _window(x, plan_tiles(height, width, *tile, engine.halo, engine.alignment)[0])


def _window(x: Tensor, tile: Tile) -> Tensor:
    return x[..., tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop]


def _place(out: Tensor, result: Tensor, tile: Tile, grow: int) -> None:
    """Copy the kept part of one tile's result to where it belongs."""
    rows, columns = tile.rows, tile.columns
    inside = result[
        ...,
        (rows.keep_start - rows.start) * grow : (rows.keep_stop - rows.start) * grow,
        (columns.keep_start - columns.start) * grow : (columns.keep_stop - columns.start) * grow,
    ]
    out[
        ...,
        rows.keep_start * grow : rows.keep_stop * grow,
        columns.keep_start * grow : columns.keep_stop * grow,
    ].copy_(inside)


def choose_tile(
    height: int, width: int, engine: Engine, budget_bytes: int
) -> tuple[int, int] | None:
    """The largest tile (height, width) whose activations fit, None where the whole frame does.

    Whole rows first, since strips waste the least on halos; then squares.
    Raises MemoryLimitError when not even the smallest tile fits.
    """
    room = budget_bytes // engine.bytes_per_pixel
    frame = height, width
    if window_pixels(None, frame, engine) <= room:
        return None
    rows = room // _rounded(width, engine.alignment)
    rows -= 2 * engine.halo + 3 * (engine.alignment - 1)
    if rows >= max(SMALLEST_TILE, 2 * engine.halo):
        return min(rows, height), width
    for side in range(max(height, width), SMALLEST_TILE - 1, -1):
        tile = min(side, height), min(side, width)
        if window_pixels(tile, frame, engine) <= room:
            return tile
    smallest = min(SMALLEST_TILE, height), min(SMALLEST_TILE, width)
    pixels = window_pixels(smallest, frame, engine)
    raise MemoryLimitError(
        f"{engine.name} needs {pixels * engine.bytes_per_pixel} bytes for its smallest tile, "
        f"{budget_bytes = }",
        hint="raise --max-memory, or choose a smaller model",
    )


def window_pixels(tile: tuple[int, int] | None, frame: tuple[int, int], engine: Engine) -> int:
    """How many pixels the network sees at once in a ``frame`` = (height, width).

    With the tile's surroundings, and with what the engine adds to reach whole steps of its grid.
    """
    if tile is not None:
        height, width = (
            _window_length(length, kept, engine.halo, engine.alignment)
            for length, kept in zip(frame, tile, strict=True)
        )
    else:
        height, width = frame
    return _rounded(height, engine.alignment) * _rounded(width, engine.alignment)


def _rounded(length: int, step: int) -> int:
    return -(-length // step) * step
