"""Windows: the place where a map is highest, and what is shown of it."""

from __future__ import annotations

import torch

from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.quality.footage.windows import SHOWN_PX, SIDE_PX, Window, highest_window, shown


def test_the_highest_window_holds_the_spot() -> None:
    values = torch.zeros(300, 400)
    values[200:210, 304:312] = 9
    found = highest_window(values)
    assert found.top <= 200 < 210 <= found.top + found.side
    assert found.left <= 304 < 312 <= found.left + found.side
    assert found.side == SIDE_PX


def test_its_value_is_the_mean_in_it() -> None:
    values = torch.rand(200, 260)
    found = highest_window(values)
    part = values[found.top : found.top + found.side, found.left : found.left + found.side]
    assert abs(float(part.mean()) - found.value) < 1e-5


def test_the_second_window_lies_elsewhere() -> None:
    values = torch.zeros(300, 400)
    values[50:60, 50:60], values[250:260, 350:360] = 9, 5
    first = highest_window(values)
    second = highest_window(values, (first,))
    assert not second.overlaps(first)
    assert second.left + second.side > 350


def test_small_pictures_have_one_window() -> None:
    values = torch.rand(20, 30)
    first = highest_window(values)
    assert first.side <= 20
    assert highest_window(torch.rand(20, 20), (Window(0, 0, 20, 1.0),)).side <= 20


def test_what_is_shown_lies_within_the_picture() -> None:
    layout = VideoFormat(300, 200, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1, range=1))
    planes = tuple(torch.full(size, 128, dtype=torch.uint8) for size in layout.plane_sizes)
    for window in (Window(0, 0, 96, 1.0), Window(104, 204, 96, 1.0)):
        picture = shown(Frame(planes, layout), window)
        assert picture.shape == (3, 2 * SHOWN_PX, 2 * SHOWN_PX)
        assert picture.dtype == torch.uint8
