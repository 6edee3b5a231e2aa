"""Windows around changed cells: all that a change reaches is kept, far enough from cut edges."""

from __future__ import annotations

import numpy as np
import pytest

from vidsr.engines.tiling import Tile
from vidsr.picture.size import Size
from vidsr.upscaling.reuse.cells import CELL, Cells
from vidsr.upscaling.reuse.patches import shape_of
from vidsr.upscaling.reuse.windows import ENOUGH, WindowPlanner, window_pixels

SIZES = [Size(640, 360), Size(101, 61), Size(33, 250), Size(16, 16), Size(1920, 1080)]


def cells_of(picture: Size) -> Cells:
    return np.zeros((-(-picture.height // CELL), -(-picture.width // CELL)), np.bool_)


def reached(changed: Cells, picture: Size, halo: int) -> Cells:
    """Return the pixels that a changed cell reaches."""
    marks = np.zeros((picture.height, picture.width), np.bool_)
    for row, column in np.argwhere(changed) * CELL:
        rows = slice(max(0, row - halo), row + CELL + halo)
        marks[rows, max(0, column - halo) : column + CELL + halo] = True
    return marks


def assert_sound(windows: tuple[Tile, ...], picture: Size, halo: int, alignment: int) -> None:
    for window in windows:
        for span, length in ((window.rows, picture.height), (window.columns, picture.width)):
            assert 0 <= span.start <= span.keep_start < span.keep_stop <= span.stop <= length
            assert span.start % alignment == 0
            assert span.start == 0 or span.keep_start - span.start >= halo
            assert span.stop == length or span.stop - span.keep_stop >= halo


@pytest.mark.parametrize("picture", SIZES, ids=str)
@pytest.mark.parametrize(("halo", "alignment"), [(0, 1), (6, 1), (11, 2), (45, 4)])
def test_all_that_changes_is_kept(picture: Size, halo: int, alignment: int) -> None:
    random = np.random.default_rng(halo)
    planner = WindowPlanner(picture, halo, alignment)
    for density in (0.001, 0.01, 0.05, 0.3):
        changed = random.random(cells_of(picture).shape) < density
        windows = planner.plan(changed)
        if windows is None:
            continue
        assert_sound(windows, picture, halo, alignment)
        kept = np.zeros((picture.height, picture.width), np.bool_)
        for window in windows:
            rows, columns = window.rows, window.columns
            kept[rows.keep_start : rows.keep_stop, columns.keep_start : columns.keep_stop] = True
        assert not (reached(changed, picture, halo) & ~kept).any()
        assert sum(map(window_pixels, windows)) <= ENOUGH * picture.width * picture.height


def test_nothing_changed_is_no_window_and_everything_is_the_whole() -> None:
    planner = WindowPlanner(Size(640, 360), 11, 2)
    changed = cells_of(Size(640, 360))
    assert planner.plan(changed) == ()
    assert planner.share(()) == 0
    assert planner.plan(~changed) is None
    assert planner.share(None) == 1


def test_places_far_apart_are_windows_apart_and_neighbours_are_one() -> None:
    planner = WindowPlanner(Size(640, 360), 6)
    changed = cells_of(Size(640, 360))
    changed[2, 2] = changed[40, 70] = True
    assert [shape_of(window) for window in planner.plan(changed) or ()] == [(32, 32)] * 2
    changed[2, 3] = changed[3, 2] = True
    assert len(planner.plan(changed) or ()) == 2


def test_bars_above_and_below_a_film_are_left_out() -> None:
    planner = WindowPlanner(Size(1280, 720), 11, 2)
    changed = cells_of(Size(1280, 720))
    changed[12:78] = True
    (window,) = planner.plan(changed) or ()
    assert window_pixels(window) < 0.85 * 1280 * 720


def test_shapes_are_few() -> None:
    """Libraries make kernels for each shape that they see."""
    planner, random = WindowPlanner(Size(640, 360), 11, 2), np.random.default_rng(0)
    shapes = set()
    for _ in range(200):
        changed = cells_of(Size(640, 360))
        top, left = int(random.integers(40)), int(random.integers(70))
        changed[
            top : top + int(random.integers(1, 12)), left : left + int(random.integers(1, 12))
        ] = 1
        shapes |= {shape_of(window) for window in planner.plan(changed) or ()}
    assert len(shapes) <= 49
