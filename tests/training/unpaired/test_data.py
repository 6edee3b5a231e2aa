"""Pictures of unpaired training: footage out of files, good pictures at its size, and crops."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.makers.footage import footage as make_footage
from tests.makers.photos import make_photos, photograph
from vidsr.errors import InputError
from vidsr.training.data.crop_pool import TrainingPair
from vidsr.training.options import Options, preset
from vidsr.training.unpaired.data import WINDOW, UnpairedPool, footage, shrunk
from vidsr.video.still_images import write_png


def options(unpaired: Path, **given: object) -> Options:
    return preset("unet", data="x", unpaired=str(unpaired), steps=1, crop=24, **given)


def test_videos_and_pictures_are_read_at_their_own_size(tmp_path: Path) -> None:
    make_footage(tmp_path / "clip.mkv", 16, (96, 80))
    write_png(tmp_path / "still.png", photograph(1, 64, 72))
    pictures = footage(options(tmp_path, spots=3, portion="0-50%"), 1)
    assert [tuple(p.shape) for p in pictures[:2]] == [(3, 64, 72), (3, 80, 96)]
    assert len(pictures) <= 1 + 3
    again = footage(options(tmp_path, spots=3, portion="0-50%"), 1)
    assert all(torch.equal(a, b) for a, b in zip(pictures, again, strict=True))


def test_what_is_large_is_cut_to_windows(tmp_path: Path) -> None:
    write_png(tmp_path / "still.png", photograph(1, 40, WINDOW + 9))
    pictures = footage(options(tmp_path, clips=2), 1)
    assert [tuple(p.shape) for p in pictures] == [(3, 40, WINDOW)] * 2


def test_footage_smaller_than_a_crop_is_refused(tmp_path: Path) -> None:
    make_photos(tmp_path, 1, 20, 40)
    with pytest.raises(InputError, match=r"none of 1 can be learned from.*40x20 is smaller"):
        footage(options(tmp_path), 1)


def test_good_pictures_get_the_size_of_the_spoiled_ones() -> None:
    high = torch.full((3, 32, 48), 200, dtype=torch.uint8)
    pair = shrunk(TrainingPair(torch.zeros(3, 8, 12, dtype=torch.uint8), high))
    assert torch.equal(pair.high, torch.full((3, 8, 12), 200, dtype=torch.uint8))
    assert shrunk(pair) is pair


def test_crops_of_both_sides_are_drawn_apart() -> None:
    good = [TrainingPair(photograph(0, 64, 64), photograph(0, 64, 64) // 2)]
    pool = UnpairedPool(good, [photograph(9, 64, 64)], crop=24)
    draws = pool.draw(5, 0, 3)
    assert torch.equal(draws, pool.draw(5, 0, 3))
    assert not torch.equal(draws[0], draws[1])
    bad, both = pool.cut(draws)
    assert tuple(bad.shape) == (5, 3, 24, 24)
    spoiled, clean = both.chunk(2, dim=1)
    assert float((spoiled / 2 - clean).abs().max()) <= 0.5 / 255 + 1e-6  # the same places
