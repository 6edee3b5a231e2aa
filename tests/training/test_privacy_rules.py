"""Refusals of private training, found without Opacus and without PyTorch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from vidsr.errors import OptionError, VidsrError
from vidsr.training.options import Options, merge, preset
from vidsr.training.privacy_rules import check_private_place

PRIVATE = {"data": "photos", "steps": 9, "dp_epsilon": 8.0, "validate": "others"}


def options(model: str = "lite", **given: object) -> Options:
    return preset(model, **{**PRIVATE, **given})


def test_plain_convolutions_are_the_default() -> None:
    assert options().middle == 0
    assert options(dp_epsilon=None).middle == 128


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("unet", {}, "with unet: expected lite, srresnet or espcn"),
        ("srgan", {"vgg": "x.pth"}, "adversarial = 'bce': what the discriminator learns"),
        ("lite", {"middle": 64}, "middle = 64: expected 0"),
        ("srresnet", {"norm": "batch"}, "norm = 'batch': it mixes the pictures"),
        ("lite", {"teacher": "srresnet-x4"}, "does not cover what a teacher has seen"),
        ("lite", {"precision": "bf16"}, "precision = 'bf16': expected fp32"),
        ("lite", {"clip_norm": 2.0}, "clip_norm = 2.0: expected `dp_clip`"),
        ("lite", {"quantise": "int8", "init": "lite-x4"}, "quantise = 'int8': ranges are observed"),
        ("lite", {"edge_weight": 0.1}, "edge_weight = 0.1: expected 0"),
        ("lite", {"validate": None}, "no `validate`: pictures held back"),
        ("lite", {"dp_epsilon": 0.0}, "dp_epsilon = 0.0: expected 0.01 to 100"),
        ("lite", {"dp_delta": 0.5}, "dp_delta = 0.5"),
        ("lite", {"dp_clip": 0.0}, "dp_clip = 0.0"),
        ("lite", {"dp_epsilon": None, "dp_clip": 2.0}, "dp_clip = 2.0 without `dp_epsilon`"),
        ("lite", {"dp_epsilon": None, "dp_seed": 2}, "dp_seed = 2 without `dp_epsilon`"),
    ],
)
def test_what_breaks_the_guarantee_is_refused(
    model: str, given: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        options(model, **given)


def test_minutes_are_refused() -> None:
    with pytest.raises(OptionError, match=r"minutes = 2.0: expected `steps`"):
        options(steps=None, minutes=2.0)


def test_a_resumed_run_keeps_its_number_of_steps() -> None:
    with pytest.raises(OptionError, match="steps = 18, but the run was begun with 9"):
        merge(options(), {"steps": 18})
    assert merge(options(), {"steps": 9}) == options()
    assert merge(options(dp_epsilon=None), {"steps": 18}).steps == 18


def test_without_opacus_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(VidsrError, match="needs Opacus") as refused:
        check_private_place(options())
    assert "[privacy]" in refused.value.hint
    check_private_place(options(dp_epsilon=None))


@pytest.fixture
def opacus_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


@pytest.mark.usefixtures("opacus_is_there")
@pytest.mark.parametrize("inside", [".", "held"])
def test_pictures_of_the_data_are_not_shown(tmp_path: Path, inside: str) -> None:
    chosen = options(data=str(tmp_path), validate=str(tmp_path / inside))
    with pytest.raises(OptionError, match="part of the data"):
        check_private_place(chosen)
    check_private_place(options(data=str(tmp_path / "photos"), validate=str(tmp_path / "held")))


@pytest.mark.usefixtures("opacus_is_there")
def test_weights_that_learned_from_the_same_data_are_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").touch()
    (run / "options.json").write_text(preset("lite", data=str(tmp_path), steps=1).to_json())
    given = {"init": str(run / "model.safetensors"), "validate": str(tmp_path.parent)}
    with pytest.raises(OptionError, match="has learned from the same data"):
        check_private_place(options(data=str(tmp_path), **given))
    check_private_place(options(data=str(tmp_path / "others"), **given))


@pytest.mark.usefixtures("opacus_is_there")
@pytest.mark.parametrize("side", ["data", "unpaired"])
def test_a_recipe_that_learned_from_the_same_data_is_refused(tmp_path: Path, side: str) -> None:
    run, places = tmp_path / "run", {"data": "good", "unpaired": "bad"}
    run.mkdir()
    (run / "degradation.safetensors").touch()
    (run / "recipe.toml").write_text('[[step]]\nop = "learned"\nmodel = "degradation.safetensors"')
    placed = {name: str(tmp_path / place) for name, place in places.items()}
    (run / "options.json").write_text(preset("unet", steps=1, **placed).to_json())
    given = {"recipe": str(run / "recipe.toml"), "validate": str(tmp_path / "held")}
    with pytest.raises(OptionError, match=r"degradation\.safetensors has learned from the same"):
        check_private_place(options(data=placed[side], **given))
    check_private_place(options(data=str(tmp_path / "others"), **given))


@pytest.mark.usefixtures("opacus_is_there")
def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="several processes: expected one"):
        check_private_place(options())
