"""Options of a training run: presets, refusals, and what may change on the way."""

from __future__ import annotations

import pytest

from vidsr.errors import OptionError
from vidsr.training.options import PRESETS, Options, merge, preset

HINGE = {"adversarial": "hinge", "adversarial_weight": 0.1, "crop": 16}


@pytest.mark.parametrize("model", PRESETS)
def test_every_preset_is_valid(model: str) -> None:
    extra = {"vgg": "vgg.pth"} if model == "srgan" else {}
    made = preset(model, data="photos", steps=10, **extra)
    assert made.config().kind == ("srresnet" if model == "srgan" else model)
    assert Options.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": None}, "one of --steps and --minutes"),
        ({"minutes": 1.0}, "one of --steps and --minutes"),
        ({"loss": "l3"}, "loss = 'l3': expected l1, mse or charbonnier"),
        ({"batch": 0}, "batch = 0: expected 1 to 4096"),
        ({"rate": -1.0}, "rate = -1.0"),
        ({"decay": 1.0}, "decay = 1.0"),
        ({"scale": 3}, "scale = 3"),
        ({"adversarial": "none"}, "adversarial = 'none'"),
        ({"adversarial_weight": 0.1}, "adversarial_weight = 0.1 without adversarial losses"),
        ({"tv_weight": 0.1}, "tv_weight = 0.1 without adversarial losses does nothing"),
        ({"mesh_weight": 0.1}, "mesh_weight = 0.1 without adversarial losses does nothing"),
        (
            {"mesh_weight": 1.0, "adversarial": "bce", "scale": 1, "crop": 32},
            "mesh_weight = 1.0 at scale 1 does nothing",
        ),
        ({"vgg": "x.pth"}, "vgg = 'x.pth' without adversarial losses"),
        ({"discriminator": "srgan"}, "discriminator = 'srgan' without"),
        ({"perceptual_weight": 1.0, "adversarial": "bce", "crop": 16}, "without weights of VGG19"),
        ({"pixel_weight": 0.0, "adversarial": "bce"}, "every weight of a loss is 0"),
        ({"teacher": "lite-x4", "adversarial": "bce"}, "teacher beside adversarial"),
        ({"scale": 2, "adversarial": "bce"}, "expected 16 or more"),
        ({"norm": "batch"}, "norm = 'batch' with lite: expected srresnet"),
        ({"shuffle": "resize"}, "shuffle = 'resize': expected random or icnr"),
        ({"shuffle": "icnr"}, "shuffle = 'icnr' with lite: expected srresnet or unet"),
        ({"edge_weight": -1.0}, "edge_weight = -1.0: expected 0 to 1e\\+06"),
        ({"colour_weight": 0.1}, "colour_weight = 0.1 for luma does nothing"),
        ({"teacher_weight": 0.9}, "teacher_weight = 0.9 without a teacher does nothing"),
        ({**HINGE, "penalty_weight": 3.0}, "penalty_weight = 3.0 with hinge does nothing"),
        ({**HINGE, "vgg": "x.pth"}, "vgg = 'x.pth' with `perceptual_weight` 0 does nothing"),
        ({**HINGE, "vgg_layer": "vgg54"}, "vgg_layer = 'vgg54' with `perceptual_weight` 0"),
        ({"kind": "espcn", "prelu": "shared"}, "prelu = 'shared' with espcn does nothing"),
        (
            {"kind": "srresnet", "shuffle": "icnr", "init": "srresnet-x4"},
            "shuffle = 'icnr' beside init = 'srresnet-x4' does nothing",
        ),
        ({"quantise": "fp8"}, "quantise = 'fp8': expected int8$"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 2**40}, "seed = 1099511627776"),
        ({"steps": None, "minutes": 0.0}, "minutes = 0.0"),
    ],
)
def test_refusals(given: dict[str, object], message: str) -> None:
    base = {"kind": "lite", "channels": 1, "width": 8, "blocks": 1, "scale": 4, "batch": 2}
    with pytest.raises(OptionError, match=message):
        Options(**{**base, "data": "x", "crop": 8, "rate": 1e-3, "steps": 5, **given})  # type: ignore[arg-type]


def test_adversarial_losses_need_a_weight() -> None:
    with pytest.raises(OptionError, match="'bce' without `adversarial_weight` does nothing"):
        preset("lite", data="x", steps=1, adversarial="bce")
    for name in ("adversarial", "tv"):
        assert preset("lite", data="x", steps=1, adversarial="bce", **{f"{name}_weight": 0.0})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scale": 0}, "scale = 0 beside unpaired footage: expected 1 to 8"),
        ({"scale": -2}, "scale = -2 beside unpaired footage: expected 1 to 8"),
        ({"scale": 100}, "scale = 100 beside unpaired footage: expected 1 to 8"),
        ({"adversarial_weight": 0.0}, "unpaired footage without adversarial losses teaches"),
        ({"penalty_weight": 3.0}, "penalty_weight = 3.0 with lsgan does nothing"),
        ({"norm": "batch"}, "norm = 'batch' beside unpaired footage does nothing"),
        ({"middle": 0}, "middle = 0 beside unpaired footage does nothing"),
        ({"teacher_weight": 0.1}, "teacher_weight = 0.1 beside unpaired footage does nothing"),
        ({"dp_epsilon": 8.0}, "dp_epsilon = 8 with unpaired footage: what the critics learn"),
    ],
)
def test_refusals_beside_unpaired_footage(given: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        preset("unet", data="photos", unpaired="footage", steps=1, **given)


def test_unknown_model_and_damaged_json() -> None:
    with pytest.raises(OptionError, match="expected lite, srresnet"):
        preset("edsr", data="x", steps=1)
    for text in ("{", "[]", '{"surprise": 1}', "null"):
        with pytest.raises(OptionError):
            Options.from_json(text)


def test_a_run_may_get_another_end_and_nothing_else() -> None:
    old = preset("lite", data="x", steps=10)
    assert merge(old, {"steps": 20}).steps == 20
    timed = merge(old, {"minutes": 3.0})
    assert (timed.steps, timed.minutes) == (None, 3.0)
    assert merge(old, {"seed": 0}) == old
    with pytest.raises(OptionError, match="begun with 0"):
        merge(old, {"seed": 1})


def test_what_was_held_back_stays_held_back() -> None:
    held = preset("lite", data="x", steps=10)
    with pytest.raises(OptionError, match="validate = 'set5', but the run was begun with None"):
        merge(held, {"validate": "set5"})
    named = preset("lite", data="x", steps=10, validate="set5")
    assert merge(named, {"validate": "elsewhere/set5"}).validate == "elsewhere/set5"


@pytest.mark.parametrize("name", ["vgg", "teacher", "unpaired"])
def test_files_may_have_moved_but_not_come(name: str) -> None:
    plain = preset("unet", data="x", steps=10)
    with pytest.raises(OptionError, match=f"{name} = 'file', but the run was begun with None"):
        merge(plain, {name: "file"})
    had = {"vgg": ("srgan", {"vgg": "a"}), "teacher": ("lite", {"teacher": "a"})}
    model, given = had.get(name, ("unet", {"unpaired": "a"}))
    old = preset(model, data="x", steps=10, **given)
    assert getattr(merge(old, {name: "file"}), name) == "file"
