"""Contact sheets: sizes, contents and text; the window of most detail; the crops of a gallery."""

from __future__ import annotations

import string

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.picture.size import Size
from vidsr.quality.gallery import Gallery
from vidsr.quality.sheets.label import ADVANCE, HIGH, draw_text, fit_text, text_size
from vidsr.quality.sheets.sheet import DOT, GAP, INK, PAPER, contact_sheet, detailed_window

LINE = HIGH * DOT + GAP


def cell(height: int, width: int, value: int = 100, channels: int = 3) -> Tensor:
    return torch.full((channels, height, width), value, dtype=torch.uint8)


def test_size_of_the_grid() -> None:
    rows = [[cell(20, 30), cell(20, 50)], [cell(40, 10), cell(15, 60)]]
    width = GAP + (30 + GAP) + (60 + GAP)
    height = GAP + LINE + (20 + GAP) + (40 + GAP)
    assert contact_sheet(rows, ["a", "b"]).shape == (3, height, width)
    with_captions = contact_sheet(rows, ["a", "b"], ["c", "d"])
    assert with_captions.shape == (3, height + 2 * LINE, width)


def test_pictures_lie_in_their_cells() -> None:
    pictures = [[photograph(10 * i + j, 20, 30) for j in range(3)] for i in range(2)]
    sheet = contact_sheet(pictures, ["a", "b", "c"], ["first", "second"])
    for i, row in enumerate(pictures):
        for j, picture in enumerate(row):
            top, left = GAP + LINE + i * (20 + GAP + LINE), GAP + j * (30 + GAP)
            assert torch.equal(sheet[:, top : top + 20, left : left + 30], picture)


def test_smaller_pictures_lie_in_the_upper_left() -> None:
    sheet = contact_sheet([[cell(4, 5), cell(9, 5)], [cell(9, 9), cell(9, 9)]], ["", ""])
    top = GAP + LINE
    assert (sheet[:, top : top + 4, GAP : GAP + 5] == 100).all()
    assert (sheet[:, top + 4 : top + 9, GAP : GAP + 9] == PAPER).all()
    assert (sheet[:, top : top + 9, GAP + 5 : GAP + 9] == PAPER).all()


def test_grey_pictures_become_colour() -> None:
    sheet = contact_sheet([[cell(8, 8, 77, channels=1)]], [""])
    assert (sheet[:, GAP + LINE : GAP + LINE + 8, GAP : GAP + 8] == 77).all()


def test_titles_and_captions_are_written_where_they_belong() -> None:
    rows = [[cell(20, 60), cell(20, 60)]]
    plain = contact_sheet(rows, ["", ""], [""])
    title = contact_sheet(rows, ["", "LR"], [""]) != plain
    assert title.any()
    assert title[:, : GAP + LINE, GAP + 60 + GAP :].sum() == title.sum()
    caption = contact_sheet(rows, ["", ""], ["27.3 DB"]) != plain
    assert caption.any()
    assert caption[:, GAP + LINE + 20 + GAP :].sum() == caption.sum()
    ink = contact_sheet(rows, ["", "LR"], [""])[title]
    assert (ink == INK).all()


def test_long_text_is_cut_off_not_run_over() -> None:
    rows = [[cell(8, 20), cell(8, 20)]]
    long = contact_sheet(rows, ["W" * 100, ""], ["W" * 200])
    assert (long[:, : GAP + LINE, GAP + 20 :] == PAPER).all()
    assert contact_sheet([[cell(1, 1)]], ["W" * 9], ["W" * 9]).shape[2] == 1 + 2 * GAP


@settings(max_examples=50, deadline=None)
@given(title=st.text(max_size=12), caption=st.text(max_size=30), width=st.integers(1, 80))
def test_any_text_can_be_written(title: str, caption: str, width: int) -> None:
    sheet = contact_sheet([[cell(5, width)]], [title], [caption])
    assert sheet.shape[2] == width + 2 * GAP


@pytest.mark.parametrize("letter", string.printable[:94])
def test_every_printable_character_draws_something(letter: str) -> None:
    ink = draw_text(letter)
    assert ink.shape == text_size(letter).rows_columns
    assert ink.any()


def test_space_draws_nothing_and_glyphs_differ() -> None:
    assert not draw_text(" ").any()
    named = string.digits + string.ascii_uppercase + ".-+/:()%=_,?<>"
    assert len({draw_text(letter).numpy().tobytes() for letter in named}) == len(named)
    assert torch.equal(draw_text("dB"), draw_text("DB"))
    assert torch.equal(draw_text("é"), draw_text("?"))


def test_one_glyph_a_character() -> None:
    # Capitals of this one are two letters: measured as one, they would not fit.
    assert draw_text("straße").shape == text_size("straße").rows_columns


def test_dots_are_squares() -> None:
    small, large = draw_text("Ab1"), draw_text("Ab1", 3)
    assert text_size("Ab1", 3) == Size(3 * (3 * ADVANCE - 1), 21)
    assert large.shape == text_size("Ab1", 3).rows_columns
    assert torch.equal(large[::3, ::3], small)
    assert large.sum() == 9 * small.sum()


def test_text_is_made_smaller_before_it_is_cut() -> None:
    assert fit_text("abcd", 46, 2) == ("abcd", 2)
    assert fit_text("abcd", 45, 2) == ("abcd", 1)
    assert fit_text("abcd", 22, 2) == ("abc", 1)
    assert fit_text("abcd", 0, 2) == ("", 1)


def test_what_is_no_grid() -> None:
    one = cell(4, 4)
    with pytest.raises(ValueError, match="got 0 and 1"):
        contact_sheet([], ["a"])
    with pytest.raises(ValueError, match="got 1 and 0"):
        contact_sheet([[]], [])
    with pytest.raises(ValueError, match="row 1: expected 1 pictures, got 2"):
        contact_sheet([[one], [one, one]], ["a"])
    with pytest.raises(ValueError, match="expected one caption a row, 2, got 1"):
        contact_sheet([[one], [one]], ["a"], ["b"])
    for bad in (one.float(), one[0], cell(4, 4, channels=2)):
        with pytest.raises(ValueError, match=r"row 0: expected uint8 \[1 or 3, h, w\]"):
            contact_sheet([[bad]], ["a"])


def test_window_of_most_detail() -> None:
    plane = torch.zeros(80, 100)
    plane[40:56, 64:80] = torch.randint(
        0, 255, (16, 16), generator=torch.Generator().manual_seed(0)
    )
    top, left, high, wide = detailed_window(plane, Size(32, 32))
    assert (high, wide) == (32, 32)
    assert top <= 40
    assert top + high >= 56
    assert left <= 64
    assert left + wide >= 80


@settings(max_examples=30, deadline=None)
@given(
    size=st.builds(Size, st.integers(1, 40), st.integers(1, 40)),
    window=st.builds(Size, st.integers(1, 60), st.integers(1, 60)),
)
def test_window_lies_within_the_plane(size: Size, window: Size) -> None:
    plane = torch.rand(size.rows_columns, generator=torch.Generator().manual_seed(0))
    top, left, high, wide = detailed_window(plane, window)
    assert (high, wide) == (min(window.height, size.height), min(window.width, size.width))
    assert 0 <= top <= size.height - high
    assert 0 <= left <= size.width - wide


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_crops_of_a_gallery_show_the_same_place(scale: int) -> None:
    lr = photograph(0, 40, 50)
    large = lr.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    gallery = Gallery(limit=2, side=31)
    for number in range(3):
        gallery.add(f"p{number}", lr, {"own": large}, large, {"own": {"psnr": 30.0}})
    assert gallery.full
    side = 31 // scale * scale
    sheet = gallery.sheet()
    assert sheet.shape == (3, GAP + LINE + 2 * (side + GAP + LINE), GAP + 3 * (side + GAP))
    top = GAP + LINE
    crops = [
        sheet[:, top : top + side, left : left + side]
        for left in (GAP, GAP + side + GAP, GAP + 2 * (side + GAP))
    ]
    whole = crops[0][:, ::scale, ::scale]  # begins and ends with whole LR pixels
    assert torch.equal(whole.repeat_interleave(scale, 1).repeat_interleave(scale, 2), crops[0])
    assert torch.equal(crops[0], crops[1])
    assert torch.equal(crops[1], crops[2])


def test_a_gallery_takes_pictures_smaller_than_its_crops_and_grey_ones() -> None:
    gallery = Gallery(side=64)
    gallery.add("a", cell(4, 6), {"own": cell(16, 24)}, cell(16, 24, channels=1), {"own": {}})
    assert gallery.sheet().shape == (3, GAP + LINE + 16 + GAP + LINE, GAP + 3 * (24 + GAP))
    with pytest.raises(ValueError, match="at least one row"):
        Gallery().sheet()
