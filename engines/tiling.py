"""Tiles: a frame in parts, each run with its surroundings.

Where the network's reach is known, the surroundings are so large that tiles equal the whole. Where
it is not, neighbours overlap and blend: see ``vidsr.engines.blending``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidsr.engines.blending import blend
from vidsr.engines.engine import Engine
from vidsr.engines.tile_spans import Span
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.picture.size import Size

SMALLEST_TILE = 32  # side of the kept part, in pixels; below that the halo is nearly all the work
# Beyond this reach, tiles are exact where all that they read is at most four times what they keep,
# and blend elsewhere: those of a network of 349 pixels would be nearly all surroundings.
DEEP_HALO, MOST_READ = 64, 4


@dataclass(frozen=True)
class Tile:
    """A window of a picture, in low-resolution pixels, and the part of it that is kept."""

    rows: Span
    columns: Span


def _window_length(length: int, kept: int, halo: int, alignment: int) -> int:
    """Return what a window reads of an axis to start at a multiple of ``alignment`` everywhere.

    A start may be rounded down, and the last window ends where the axis does.
    """
    needed = kept + 2 * halo + alignment - 1
    return min(length, needed + (length - needed) % alignment)


def _plan_axis(length: int, kept: int, halo: int, alignment: int) -> list[Span]:
    """Return windows of one length, the last ones pushed inwards; kept parts do not overlap."""
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


def plan_tiles(picture: Size, kept: Size, halo: int, alignment: int = 1) -> list[Tile]:
    """Return tiles that keep ``kept`` pixels each, or more at the picture's border.

    All read windows of the same size, at most ``kept + 2 * halo + 2 * (alignment - 1)`` a side, so
    that an engine made for one shape is made once; windows start at multiples of ``alignment``.
    Every kept pixel is ``halo`` away from a cut edge.
    Raises OptionError for sizes below one and a negative halo.
    """
    if min(picture.width, picture.height, kept.width, kept.height, alignment) < 1 or halo < 0:
        raise OptionError(
            f"expected sides and alignment >= 1 and halo >= 0, got tiles of {kept} in {picture}, "
            f"{alignment = }, {halo = }"
        )
    rows = _plan_axis(picture.height, kept.height, halo, alignment)
    columns = _plan_axis(picture.width, kept.width, halo, alignment)
    return [Tile(r, c) for r in rows for c in columns]


def blends(engine: Engine, picture: Size, tile: Size) -> bool:
    """Return True if tiles of that size overlap and fade, which is not exact.

    So do those of networks without a known reach, and of a deep network where they are small.
    """
    halo, step = engine.halo, engine.alignment
    if halo is None or halo <= DEEP_HALO:
        return halo is None
    read = _window_length(picture.height, tile.height, halo, step)
    read *= _window_length(picture.width, tile.width, halo, step)
    kept = min(tile.height, picture.height) * min(tile.width, picture.width)
    return read > MOST_READ * kept


def margin(engine: Engine, picture: Size, tile: Size) -> int:
    """Return how many pixels are read around a tile: the engine's reach, or what blends."""
    if engine.halo is None or blends(engine, picture, tile):
        return engine.traits.blend_margin
    return engine.halo


def is_exact(engine: Engine, picture: Size, tile: Size | None) -> bool:
    """Return True if ``run_tiled`` gives what the picture run as a whole gives."""
    if tile is None or not blends(engine, picture, tile):
        return True
    return len(_tiles(engine, picture, tile)) == 1


def _tiles(engine: Engine, picture: Size, tile: Size) -> list[Tile]:
    return plan_tiles(picture, tile, margin(engine, picture, tile), engine.alignment)


def run_tiled(engine: Engine, x: Tensor, tile: Size | None) -> Tensor:
    """Run ``engine`` on ``x`` in tiles that keep ``tile`` pixels; None runs it whole.

    [N, channels, H, W] -> [N, channels*shuffle**2, H*s, W*s], s = scale/shuffle, in the types of
    the engine and less its ``offset``.
    Raises what ``engine.run`` and ``plan_tiles`` raise.
    """
    if tile is None:
        return engine.run(x)
    tiles = _tiles(engine, size_of(x), tile)
    if len(tiles) == 1:
        return engine.run(x)
    grow = engine.scale // engine.shuffle
    results = (engine.run(_window(x, part)) for part in tiles)  # one may overwrite another
    if blends(engine, size_of(x), tile):
        return blend([(part.rows, part.columns) for part in tiles], results, grow)
    n, channels, height, width = x.shape
    shape = n, channels * engine.shuffle**2, height * grow, width * grow
    out: Tensor | None = None
    for part, result in zip(tiles, results, strict=True):
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


def size_of(x: Tensor) -> Size:
    """Return the size of pictures [..., H, W]."""
    return Size(x.shape[-1], x.shape[-2])


def first_window(x: Tensor, engine: Engine, tile: Size | None) -> Tensor:
    """Return what ``engine`` sees first of ``x`` in ``run_tiled``: all of it, or a window."""
    return x if tile is None else _window(x, _tiles(engine, size_of(x), tile)[0])


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


def choose_tile(picture: Size, engine: Engine, budget_bytes: int) -> Size | None:
    """Return the largest tile whose activations fit, None where the whole frame does.

    Whole rows first, since strips waste the least on halos; then squares.
    Raises MemoryLimitError when not even the smallest tile fits.
    """
    room = budget_bytes // engine.bytes_per_pixel
    if window_pixels(None, picture, engine) <= room:
        return None
    if not engine.traits.tiling:
        raise _no_tile(engine, None, picture, budget_bytes)
    around = engine.traits.blend_margin if engine.halo is None else engine.halo
    rows = room // _rounded(picture.width, engine.alignment)
    rows -= 2 * around + 3 * (engine.alignment - 1)
    if rows >= max(SMALLEST_TILE, 2 * around):
        return Size(picture.width, min(rows, picture.height))
    for side in range(max(picture.height, picture.width), SMALLEST_TILE - 1, -1):
        tile = _square(side, picture)
        if window_pixels(tile, picture, engine) <= room:
            return tile
    raise _no_tile(engine, _square(SMALLEST_TILE, picture), picture, budget_bytes)


def _square(side: int, picture: Size) -> Size:
    return Size(min(side, picture.width), min(side, picture.height))


def _no_tile(
    engine: Engine, tile: Size | None, picture: Size, budget_bytes: int
) -> MemoryLimitError:
    needed = window_pixels(tile, picture, engine) * engine.bytes_per_pixel
    least = "its smallest tile" if tile else "a whole frame, which it does not allow to be cut"
    return MemoryLimitError(
        f"{engine.name} needs {needed} bytes for {least}, {budget_bytes = }",
        hint="raise `max_memory`, or choose a smaller model",
    )


def window_pixels(tile: Size | None, frame: Size, engine: Engine) -> int:
    """Return how many pixels the network sees at once in a ``frame``.

    With the tile's surroundings, and with what the engine adds to reach whole steps of its grid.
    """
    height, width = frame.height, frame.width
    if tile is not None:
        around, step = margin(engine, frame, tile), engine.alignment
        height = _window_length(height, tile.height, around, step)
        width = _window_length(width, tile.width, around, step)
    return _rounded(height, engine.alignment) * _rounded(width, engine.alignment)


def _rounded(length: int, step: int) -> int:
    return -(-length // step) * step
