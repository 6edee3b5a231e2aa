"""Contact sheets: pictures in a grid, a title above each column and a caption under each row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vidsr.picture.size import Size
from vidsr.quality.sheets.label import HIGH, draw_text, fit_text

GAP, DOT = 6, 2  # pixels between cells; pixels of a dot of the text
PAPER, INK = 32, 235
_LINE = HIGH * DOT + GAP


def contact_sheet(
    rows: Sequence[Sequence[Tensor]], titles: Sequence[str], captions: Sequence[str] | None = None
) -> Tensor:
    """Lay out rows of pictures, uint8 ``[3, h, w]`` or ``[1, h, w]``, as one uint8 ``[3, H, W]``.

    Pictures may differ in size: each lies in the upper left of its cell, and a column is as wide
    as its widest. Text that a column (or, for a caption, the sheet) is too narrow for is cut off.
    Raises ValueError for no rows, rows of another length than ``titles``, another number of
    captions than rows, and pictures of another kind.
    """
    _check(rows, titles, captions)
    widths = [max(cell.shape[2] for cell in column) for column in zip(*rows, strict=True)]
    heights = [max(cell.shape[1] for cell in row) for row in rows]
    below = _LINE if captions is not None else 0
    width = GAP + sum(w + GAP for w in widths)
    height = GAP + _LINE + sum(h + GAP + below for h in heights)
    sheet = torch.full((3, height, width), PAPER, dtype=torch.uint8)
    lefts = [GAP + sum(w + GAP for w in widths[:i]) for i in range(len(widths))]
    for title, left, wide in zip(titles, lefts, widths, strict=True):
        _write(sheet, title, GAP, left, wide)
    top = GAP + _LINE
    for number, (row, high) in enumerate(zip(rows, heights, strict=True)):
        for cell, left in zip(row, lefts, strict=True):
            sheet[:, top : top + cell.shape[1], left : left + cell.shape[2]] = cell
        if captions is not None:
            _write(sheet, captions[number], top + high + GAP, GAP, width - 2 * GAP)
        top += high + GAP + below
    return sheet


def _write(sheet: Tensor, text: str, top: int, left: int, width: int) -> None:
    fitting, dot = fit_text(text, width, DOT)
    ink = draw_text(fitting, dot)
    sheet[:, top : top + ink.shape[0], left : left + ink.shape[1]][:, ink] = INK


def _check(
    rows: Sequence[Sequence[Tensor]], titles: Sequence[str], captions: Sequence[str] | None
) -> None:
    if not rows or not titles:
        raise ValueError(f"expected at least one row and title, got {len(rows)} and {len(titles)}")
    for number, row in enumerate(rows):
        if len(row) != len(titles):
            raise ValueError(f"row {number}: expected {len(titles)} pictures, got {len(row)}")
        for cell in row:
            if cell.dtype != torch.uint8 or cell.ndim != 3 or cell.shape[0] not in (1, 3):
                raise ValueError(
                    f"row {number}: expected uint8 [1 or 3, h, w], "
                    f"got {cell.dtype} {list(cell.shape)}"
                )
    if captions is not None and len(captions) != len(rows):
        raise ValueError(f"expected one caption a row, {len(rows)}, got {len(captions)}")


def detailed_window(plane: Tensor, size: Size) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the part of ``[H, W]`` with the most detail.

    Detail is the sum of the absolute differences of neighbours. ``size`` is cut to the plane.
    Windows are tried at every eighth of their size.
    """
    high, wide = min(size.height, plane.shape[0]), min(size.width, plane.shape[1])
    x = plane.double()
    detail = torch.zeros_like(x)
    detail[:, 1:] += x.diff(dim=1).abs()
    detail[1:] += x.diff(dim=0).abs()
    table = torch.nn.functional.pad(detail.cumsum(0).cumsum(1), (1, 0, 1, 0))
    sums = table[high:, wide:] - table[:-high, wide:] - table[high:, :-wide] + table[:-high, :-wide]
    steps = max(1, high // 8), max(1, wide // 8)
    coarse = sums[:: steps[0], :: steps[1]]
    row, column = divmod(int(coarse.argmax()), coarse.shape[1])
    return row * steps[0], column * steps[1], high, wide
