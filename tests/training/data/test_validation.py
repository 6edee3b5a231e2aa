"""Scores and contact sheets while a network learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.makers.photos import make_photos, photograph
from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError, NoInputError
from vidsr.models.zoo import load_model
from vidsr.training.data.pairs import halve
from vidsr.training.data.validation import load_samples, score, sheet
from vidsr.video.still_images import write_png

BICUBIC = Recipe.load("bicubic")


def test_pictures_of_a_folder_are_shrunk_here(tmp_path: Path) -> None:
    make_photos(tmp_path, 2, 61, 83)
    samples = load_samples(tmp_path, BICUBIC, 2)
    assert [s.name for s in samples] == ["photo0", "photo1"]
    assert tuple(samples[0].high.shape) == (3, 60, 82)
    assert tuple(samples[0].low.shape) == (3, 30, 41)
    assert samples[0].bicubic.shape == samples[0].high.shape


def test_a_benchmark_brings_its_own_small_pictures(tmp_path: Path) -> None:
    inner = tmp_path / "image_SRF_2"
    inner.mkdir()
    picture, own = photograph(1, 64, 48), torch.full((3, 32, 24), 7, dtype=torch.uint8)
    write_png(inner / "img_001_SRF_2_HR.png", picture)
    write_png(inner / "img_001_SRF_2_LR.png", own)
    assert torch.equal(load_samples(tmp_path, BICUBIC, 2)[0].low, own)
    degraded = load_samples(tmp_path, Recipe.load("web"), 2)[0].low
    assert degraded.float().std() > 10  # made from the large one
    again = load_samples(tmp_path, Recipe.load("web"), 2)[0].low
    assert torch.equal(degraded, again)


def test_scores_are_those_of_the_upscaler(tmp_path: Path) -> None:
    make_photos(tmp_path, 1, 64, 80)
    samples = load_samples(tmp_path, BICUBIC, 2)
    model = load_model("lite-x2")
    scores, pictures = score(model.module, samples, "cpu")
    assert pictures[0].shape == samples[0].high.shape
    # Stripes near the limit of the sampling; shipped weights know them better than bicubic.
    assert scores.psnr_db > scores.bicubic_db
    made = sheet(samples, pictures, "lite")
    assert made.dtype == torch.uint8
    assert made.shape[2] > 4 * 80


def test_scale_one_is_scored_against_the_degraded_picture(tmp_path: Path) -> None:
    make_photos(tmp_path, 1, 64, 80)
    sample = load_samples(tmp_path, Recipe.load("motion"), 1)[0]
    assert sample.low.shape == sample.high.shape
    assert torch.equal(sample.bicubic, sample.low)
    assert not torch.equal(sample.low, sample.high)


def test_what_cannot_be_validated_on(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        load_samples(tmp_path, BICUBIC, 4)
    write_png(tmp_path / "tiny.png", photograph(0, 20, 20))
    with pytest.raises(InputError, match=r"tiny\.png: 20x20 is too small"):
        load_samples(tmp_path, BICUBIC, 4)
    (tmp_path / "image_SRF_4").mkdir()
    write_png(tmp_path / "image_SRF_4" / "other.png", photograph(0))
    with pytest.raises(InputError, match="no pictures named"):
        load_samples(tmp_path, BICUBIC, 4)


def test_half_size_of_odd_pictures() -> None:
    assert tuple(halve(photograph(0, 33, 47)).shape) == (3, 16, 23)
