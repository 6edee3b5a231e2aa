"""``vidsr-train --unpaired`` as people call it: what it leaves, how it goes on, what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

import vidsr
from tests.makers.footage import footage
from tests.makers.photos import make_photos, photograph
from vidsr.degradation.cli import main as degrade
from vidsr.training.command.cli import main
from vidsr.video.still_images import read_rgb, write_png

FAST = (
    *("--batch", "1", "--precision", "fp32", "--threads", "1", "--scale", "2", "--width", "2"),
    *("--crop", "24", "--discriminator-width", "4", "--clips", "1", "--seed", "3"),
)
PLAIN = ("--recipe", "bicubic", *FAST)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"), 2, 64, 96)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return footage(tmp_path_factory.mktemp("camera") / "clip.mkv", 8, (64, 48))


def train(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def test_a_run_leaves_both_networks_and_its_recipe_is_used(
    camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = make_photos(tmp_path / "photos", 10, 64, 96)
    out = tmp_path / "run"
    run = (photos, "--unpaired", camera, "--out", out, "--steps", 4, "--every", 2)
    assert train(*run, "--recipe", "motion", *FAST) == 0
    assert {p.name for p in out.iterdir()} == {
        *("state.pt", "options.json", "model.safetensors", "log.csv", "curves.png", "card.md"),
        *("sheets", "degradation.safetensors", "recipe.toml"),
    }
    assert "5 good pictures and" in capsys.readouterr().err
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert all(float(row[n]) > 0 for row in rows for n in ("cycle", "restored_db", "critic_bad"))
    assert read_rgb(out / "sheets" / "00000004.png").shape[0] == 3
    card = (out / "card.md").read_text()
    assert "| footage | clip.mkv, 0-100% of each video |" in card
    assert "restored again" in card
    picture = photograph(7, 32, 40)
    assert vidsr.Upscaler(out, scale=1)(picture).shape == picture.shape
    write_png(tmp_path / "good.png", picture)
    words = [tmp_path / "good.png", "--recipe", out / "recipe.toml", "--scale", 2, "-o"]
    for name in ("one.png", "two.png"):
        assert degrade([str(w) for w in (*words, tmp_path / name)]) == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert "learned(model=" in capsys.readouterr().err


def test_a_resumed_run_equals_an_unbroken_one(photos: Path, camera: Path, tmp_path: Path) -> None:
    common = (photos, "--unpaired", camera, "--steps", 4, "--every", 2, *PLAIN)
    assert train(*common, "--out", tmp_path / "whole") == 0
    assert train(*common, "--out", tmp_path / "parts", "--stop-after", 2) == 0
    assert train("--out", tmp_path / "parts", "--resume", "--threads", 1, "--every", 2) == 0
    for name in ("model.safetensors", "degradation.safetensors"):
        whole, parts = (tmp_path / run / name for run in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()
    states = [torch.load(tmp_path / run / "state.pt") for run in ("whole", "parts")]
    assert states[0]["step"] == states[1]["step"] == 4


def test_a_network_learns_from_the_recipe_with_a_cache(
    photos: Path, camera: Path, tmp_path: Path
) -> None:
    out = tmp_path / "camera"
    assert train(photos, "--unpaired", camera, "--out", out, "--steps", 1, *PLAIN) == 0
    lite = ("--width", 4, "--blocks", 1, "--middle", 0, "--crop", 16, "--batch", 1, "--clips", 1)
    more = ("--recipe", out / "recipe.toml", "--cache", tmp_path / "pairs", "--scale", 2)
    for name in ("first", "second"):
        assert train(photos, "--out", tmp_path / name, "--steps", 1, *lite, *more) == 0
    assert len(list((tmp_path / "pairs").iterdir())) == 2  # one a photograph
    (out / "degradation.safetensors").write_bytes((out / "model.safetensors").read_bytes())
    assert train(photos, "--out", tmp_path / "third", "--steps", 1, *lite, *more) == 0
    assert len(list((tmp_path / "pairs").iterdir())) == 4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--model", "lite"), "expected unet of 3"),
        (("--channels", 1), "expected unet of 3"),
        (("--discriminator-scales", 4), "expected 96 or more for --discriminator-scales 4"),
        (("--vgg", "vgg.pth"), "beside unpaired footage does nothing"),
        (("--init", "unet-x1"), "beside unpaired footage does nothing"),
        (("--discriminator", "srgan"), "beside unpaired footage does nothing"),
        (("--unpaired", "nowhere"), "nowhere: no such folder, and no video"),
    ],
)
def test_refusals(
    more: tuple[object, ...],
    message: str,
    photos: Path,
    camera: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = (photos, "--unpaired", camera, "--out", tmp_path / "run", "--steps", 1, *PLAIN)
    assert train(*run, *more) in (2, 3)
    error = capsys.readouterr().err
    assert message in error
    assert not (tmp_path / "run").exists()


def test_its_weights_mean_nothing_elsewhere(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (photos, "--out", tmp_path / "run", "--steps", 1, "--cycle-weight", 3)
    assert train(*arguments) == 2
    assert "--cycle-weight 3.0 without unpaired footage does nothing" in capsys.readouterr().err


def test_pairs_are_no_good_pictures(
    camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("hr", "lr"):
        make_photos(tmp_path / "pairs" / name, 1, 32, 32)
    run = (tmp_path / "pairs", "--unpaired", camera, "--out", tmp_path / "run", "--steps", 1)
    assert train(*run, *PLAIN) == 2
    assert "holds pairs, beside unpaired footage" in capsys.readouterr().err
