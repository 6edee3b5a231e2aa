"""A contact sheet of one picture: as it is, interpolated, and by a model."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vidsr.errors import InputError
from vidsr.picture.size import Size
from vidsr.quality.baselines import bicubic, nearest
from vidsr.quality.sheets.sheet import contact_sheet, detailed_window
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.still_images import read_picture, write_png

ROWS = 3  # windows of a picture
SIDE = 64  # of a window in pixels of the source
SHOWN = 256  # of a window on the sheet, about
GREY = (0.299, 0.587, 0.114)


def write_sheet(upscaler: Upscaler, picture: Path, sheet: Path) -> None:
    """Write a sheet of the most detailed windows of a picture.

    Raises InputError for a picture that cannot be read, OutputError, and what ``Upscaler`` raises.
    """
    source = read_picture(picture)[:3]
    if source.dtype != torch.uint8:
        raise InputError(f"{picture}: expected a picture of 8 bits")
    source = source if source.shape[0] == 3 else source[:1].repeat(3, 1, 1)
    large = upscaler(source)
    scale = upscaler.scale
    between = bicubic(source, scale) if scale > 1 else source
    zoom = max(1, round(SHOWN / (SIDE * scale)))
    rows, captions = [], []
    for top, left, high, wide in _windows(source):
        part = source[:, top : top + high, left : left + wide]
        cells = [nearest(part, scale * zoom)]
        for whole in (between, large):
            cut = whole[:, top * scale : (top + high) * scale, left * scale : (left + wide) * scale]
            cells.append(nearest(cut, zoom))
        rows.append(cells)
        captions.append(f"{picture.name} at {left},{top}")
    titles = ["source", "bicubic" if scale > 1 else "source", upscaler.model.name]
    write_png(sheet, contact_sheet(rows, titles, captions))


def _windows(source: Tensor) -> list[tuple[int, int, int, int]]:
    """Return the most detailed window of each third of the picture: top, left, height, width."""
    weights = torch.tensor(GREY)[:, None, None]
    grey = (source.float() * weights).sum(0).to(torch.uint8)
    width = grey.shape[1]
    found = []
    for index in range(ROWS):
        begin, end = index * width // ROWS, (index + 1) * width // ROWS
        part = grey[:, begin:end]
        if part.shape[1]:
            size = Size(min(SIDE, part.shape[1]), min(SIDE, part.shape[0]))
            top, left, high, wide = detailed_window(part, size)
            found.append((top, begin + left, high, wide))
    return found
