"""From folders to pairs: photographs, pairs made before, and what is wrong with some."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from tests.makers.photos import make_photos, photograph
from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError, NoInputError, OptionError
from vidsr.training.data.crop_pool import to_luma
from vidsr.training.data.pairs import Prepared, halve, is_plain, prepare
from vidsr.training.options import Options, preset
from vidsr.video.still_images import read_rgb, write_png


def options(folder: Path, **given: object) -> Options:
    return preset("srresnet", data=str(folder), **{"steps": 1, "crop": 8, "scale": 2, **given})


def read(folder: Path, *, colour: bool = True, hold_back: int = 0, **given: object) -> Prepared:
    return prepare(options(folder, **given), threads=2, colour=colour, hold_back=hold_back)


def test_photographs_at_full_and_half_size(tmp_path: Path) -> None:
    make_photos(tmp_path, 2, 61, 83)
    pairs = read(tmp_path).pairs
    assert [tuple(p.high.shape) for p in pairs] == [(3, 60, 82), (3, 30, 40)] * 2
    assert [tuple(p.low.shape) for p in pairs] == [(3, 30, 41), (3, 15, 20)] * 2
    assert torch.equal(pairs[2].high, photograph(1, 61, 83)[:, :60, :82])
    assert torch.equal(pairs[1].high, halve(photograph(0, 61, 83))[:, :30, :40])


def test_luma_of_the_same_pairs(tmp_path: Path) -> None:
    make_photos(tmp_path, 1)
    colour, grey = read(tmp_path).pairs[0], read(tmp_path, colour=False).pairs[0]
    assert torch.equal(grey.high, to_luma(colour.high))
    assert torch.equal(grey.low, to_luma(colour.low))


def test_damaged_and_small_pictures_are_skipped_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_photos(tmp_path, 2)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    write_png(tmp_path / "tiny.png", photograph(0, 9, 9))
    with caplog.at_level(logging.WARNING, "vidsr"):
        prepared = read(tmp_path)
    assert len(prepared.pairs) == 4
    assert len(prepared.skipped) == 2
    assert "broken.png: not a picture, or damaged" in caplog.text
    assert "tiny.png: 9x9 is smaller than a crop of 16x16" in caplog.text


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    write_png(tmp_path / "tiny.png", photograph(0, 9, 9))
    with pytest.raises(InputError, match=r"none of 1 pictures.*tiny\.png: 9x9.*Hint"):
        read(tmp_path)
    with pytest.raises(NoInputError, match="no such folder"):
        read(tmp_path / "absent")


def test_held_back_pictures_are_not_learned_from(tmp_path: Path) -> None:
    make_photos(tmp_path, 7)
    prepared = read(tmp_path, hold_back=2)
    assert [p.name for p in prepared.held_back] == ["photo0.png", "photo3.png"]
    assert len(prepared.pairs) == 10
    assert read(tmp_path, hold_back=4).held_back == []  # too few to spare any


def test_pairs_made_before(tmp_path: Path) -> None:
    make_photos(tmp_path / "hr", 2, 64, 48)
    for path in (tmp_path / "hr").iterdir():
        (tmp_path / "lr").mkdir(exist_ok=True)
        write_png(tmp_path / "lr" / path.name, halve(read_rgb(path)))
    pairs = read(tmp_path).pairs
    assert [tuple(p.low.shape) for p in pairs] == [(3, 32, 24)] * 2
    assert torch.equal(pairs[0].high, photograph(0, 64, 48))


def test_pairs_that_do_not_match(tmp_path: Path) -> None:
    make_photos(tmp_path / "hr", 3, 64, 48)
    make_photos(tmp_path / "lr", 2, 32, 24)
    write_png(tmp_path / "lr" / "photo1.png", photograph(0, 40, 40))
    prepared = read(tmp_path)
    assert len(prepared.pairs) == 1
    assert "48x64 is not 2 times the 40x40" in prepared.skipped[0]
    assert "photo2.png: no " in prepared.skipped[1]


def test_moving_recipes_give_clips_that_depend_on_the_seed(tmp_path: Path) -> None:
    make_photos(tmp_path, 1, 96, 96)
    first, again = (read(tmp_path, recipe="web", clips=3).pairs for _ in range(2))
    other = read(tmp_path, recipe="web", clips=3, seed=1).pairs
    assert len(first) == 3
    for a, b, c in zip(first, again, other, strict=True):
        assert torch.equal(a.low, b.low)
        assert torch.equal(a.high, b.high)
        assert not torch.equal(a.low, c.low)
        assert a.high.shape[1] == 2 * a.low.shape[1]


def test_which_recipes_are_plain() -> None:
    assert is_plain(Recipe.load("bicubic"))
    assert not any(is_plain(Recipe.load(n)) for n in ("web", "surveillance", "motion"))


def test_unknown_recipe(tmp_path: Path) -> None:
    make_photos(tmp_path, 1)
    with pytest.raises((OptionError, NoInputError), match=r"surveilance.*did you mean"):
        read(tmp_path, recipe="surveilance")
