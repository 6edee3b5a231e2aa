"""``vidsr-train --quantise`` as people call it: weights and steps, resumed, exported, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers.photos import make_photos
from tests.training.command.test_cli import FAST, rows, train
from vidsr.engines.quantised.networks import load_steps_of
from vidsr.engines.quantised.steps import steps_path
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import load_model


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"), 2)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = GeneratorConfig(kind="lite", scale=2, channels=1, width=8, blocks=1)
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    save_generator(path, config, build_generator(config).state_dict())
    return path


def test_a_resumed_run_leaves_the_same_weights_and_steps_as_an_unbroken_one(
    photos: Path, start: Path, tmp_path: Path
) -> None:
    common = (photos, "--init", start, "--quantise", "int8", "--steps", 6, "--every", 3, *FAST,
              "--validate", photos)  # fmt: skip
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(*common, "--out", whole) == 0
    assert train(*common, "--out", broken, "--stop-after", 3) == 0
    assert train("--out", broken, "--resume", "--threads", 1) == 0
    for name in ("model.safetensors", "model.int8.json"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert [row["psnr_db"] for row in rows(whole)] == [row["psnr_db"] for row in rows(broken)]
    model = load_model(whole / "model.safetensors")
    assert len(load_steps_of(model).layers) == 2
    assert steps_path(model.path).name == "model.int8.json"
    assert "rounded to int8" in (whole / "card.md").read_text()


def test_refusals_name_options(
    photos: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = (photos, "--out", tmp_path / "run", "--steps", 1, "--quantise")
    assert train(*begin, "int8") == 2
    assert train(*begin, "int4", "--init", start) == 2
    assert train(*begin, "int8", "--init", "unet-x1") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "--init" in said[0]
    assert "int4" in said[1]
    assert "unet" in said[2]
    assert not (tmp_path / "run").exists()
