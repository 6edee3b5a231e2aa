"""Steps for 8 bits: found on photographs, kept beside their weights, refused for others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.doubles.stub_engine import StubEngine
from tests.makers.foreign import compact
from tests.makers.photos import make_photos, photograph
from vidsr.engines.openvino_int8 import engine as engine_module
from vidsr.engines.openvino_int8 import starter
from vidsr.engines.openvino_int8.lite_steps import load_steps
from vidsr.engines.quantised.coded_steps import (
    coded_steps_path,
    has_coded_steps,
    load_coded_steps,
)
from vidsr.engines.quantised.codes import LARGEST_WEIGHT_CODE
from vidsr.engines.quantised.networks import weights_and_biases
from vidsr.engines.quantised.rounding import weight_steps
from vidsr.engines.quantised.steps import LayerSteps, Steps, shipped, steps_path
from vidsr.engines.selection.accuracy_check import least_psnr_db
from vidsr.engines.selection.engine_order import EngineChoice, first_engine
from vidsr.errors import DeviceError, ModelError, OptionError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite
from vidsr.models.strength_files import save_strengths
from vidsr.models.strengths import StrengthCurve
from vidsr.models.zoo import Model, load_model
from vidsr.training.data.crop_pool import to_luma
from vidsr.training.tools.quantise import main
from vidsr.video.still_images import to_unit

CPU = torch.device("cpu")


def make_lite(path: Path, **fields: object) -> Model:
    """An untrained lite of 8 channels, saved and read."""
    values = {"kind": "lite", "scale": 2, "channels": 1, "width": 8, "blocks": 2} | fields
    config = GeneratorConfig(**values)  # type: ignore[arg-type]
    torch.manual_seed(0)
    save_generator(path, config, build_generator(config).state_dict())
    return load_model(path)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return make_lite(tmp_path / "own.safetensors")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos", 2, 96, 80)


def in_codes(net: Lite, steps: Steps, x: Tensor) -> Tensor:
    """The network with its numbers rounded to codes, in PyTorch: what an engine is to give."""
    parts = weights_and_biases(net, tuple(layer.factors for layer in steps.layers))
    h, stride = x - 0.5, net.config.stride
    for index, (layer, (weight, bias)) in enumerate(zip((None, *steps.layers), parts, strict=True)):
        if layer is not None:
            codes = ((h / layer.step).round() + layer.zero).clamp(0, 255)
            h = (codes - layer.zero) * layer.step
            own = weight_steps(weight).view(-1, 1, 1, 1)
            weight = (weight / own).round() * own
        first = stride if layer is None else 1
        h = nn.functional.conv2d(h, weight, bias, stride=first, padding=first)
        h = net.activations[index](h) if index < len(net.activations) else h
    result: Tensor = net.refine(h) + x
    return result


@pytest.mark.parametrize("fields", [{}, {"stride": 2, "prelu": "shared"}, {"blocks": 0}])
def test_rounded_to_its_steps_a_network_stays_what_it_is(
    tmp_path: Path, photos: Path, fields: dict[str, object]
) -> None:
    model = make_lite(tmp_path / "own.safetensors", **fields)
    assert main([str(model.path), str(photos), "--count", "2"]) == 0
    net = model.module
    assert isinstance(net, Lite)
    x = to_unit(to_luma(photograph(9, 40, 48)))[None]
    with torch.no_grad():
        error = in_codes(net, load_steps(model), x) - net.phase(x)
    # Root mean square of 1/255 of a range in up to three layers; wrong steps or factors: 0.05.
    assert error.square().mean().sqrt() < 0.005


@torch.no_grad()
def test_factors_change_nothing_in_floats(model: Model) -> None:
    net = model.module
    assert isinstance(net, Lite)
    factors = tuple(tuple(torch.linspace(0.3, 3, 8).tolist()) for _ in range(3))
    (first, *_), x = weights_and_biases(net, factors), torch.rand(1, 1, 9, 7)
    assert not torch.equal(first[0], net.head.weight)
    other = load_model(model.path).module
    assert isinstance(other, Lite)
    for conv, (weight, bias) in zip(
        (other.head, *other.body, other.tail), weights_and_biases(net, factors), strict=True
    ):
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)
    torch.testing.assert_close(other.phase(x), net.phase(x), rtol=0, atol=1e-6)


def test_the_largest_weight_is_the_largest_code() -> None:
    weight = torch.randn(5, 4, 3, 3)
    weight[2] = 0  # a channel that does nothing must not divide by nothing
    codes = weight / weight_steps(weight).view(-1, 1, 1, 1)
    assert codes[2].abs().max() == 0
    torch.testing.assert_close(
        codes[[0, 1, 3, 4]].abs().amax((1, 2, 3)), torch.full((4,), float(LARGEST_WEIGHT_CODE))
    )


def test_every_shipped_file_belongs_to_its_weights() -> None:
    assert {"lite-x4", "lite-x2", "lite-surveillance-x4"} <= set(shipped())
    for name in shipped():
        steps = load_steps(load_model(name))
        assert Steps.from_json(steps.to_json()) == steps


def test_without_steps_it_says_what_makes_them(model: Model) -> None:
    with pytest.raises(OptionError, match=r"no steps for 8 bits, own\.int8\.json.*quantise .*own"):
        load_steps(model)


def test_steps_of_other_weights_are_refused(tmp_path: Path, model: Model, photos: Path) -> None:
    assert main([str(model.path), str(photos), "--count", "1"]) == 0
    other = make_lite(tmp_path / "other.safetensors", width=9)
    shutil.copy(steps_path(model.path), steps_path(other.path))
    with pytest.raises(ModelError, match=r"other\.int8\.json: its steps were made for other"):
        load_steps(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"schema": 1', '"schema": 2'),
        lambda text: text.replace('"zero": ', '"zero": -'),
        lambda text: text.replace('"step": ', '"step": -'),
        lambda text: text.replace('"factors": [', '"factors": [1.0, '),
    ],
)
def test_damaged_steps_are_refused(
    model: Model, photos: Path, change: Callable[[str], str]
) -> None:
    assert main([str(model.path), str(photos), "--count", "1"]) == 0
    path = steps_path(model.path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ModelError, match=r"own\.int8\.json: .* makes them"):
        load_steps(model)


def test_a_layer_that_cannot_be_is_no_layer() -> None:
    for step, zero, factors in ((0.0, 0, (1.0,)), (1.0, 256, (1.0,)), (1.0, 0, (float("inf"),))):
        with pytest.raises(ValueError, match="a layer needs"):
            LayerSteps(step, zero, factors)


def test_other_networks_are_refused(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OptionError, match=r"srresnet network on RGB: expected lite.*lite-x2"):
        load_steps(load_model("srresnet-x2"))
    colour = make_lite(tmp_path / "colour.safetensors", channels=3)
    assert main([str(colour.path), str(photos)]) == 2
    assert "lite network on RGB" in capsys.readouterr().err


def test_the_command_refuses_in_one_line(
    model: Model, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(model.path), str(photos), "--count", "0"]) == 2
    assert main([str(model.path), str(photos / "absent")]) == 3
    assert capsys.readouterr().err.count("\n") == 2


class Absent:
    """In the place of ``importlib``."""

    @staticmethod
    def import_module(name: str) -> None:
        raise ImportError(f"No module named {name!r}")


def test_without_openvino_it_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "importlib", Absent)
    with pytest.raises(DeviceError, match=r"No module named 'openvino'\. Hint: pip install"):
        EngineChoice("openvino").check(CPU)


def test_what_it_does_not_run_on_is_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "importlib", Absent)
    with pytest.raises(OptionError, match="'openvino' on cuda:0: it runs on a CPU"):
        EngineChoice("openvino").check(torch.device("cuda", 0))
    with pytest.raises(OptionError, match="precision = 'fp32' with engine = 'openvino'"):
        EngineChoice("openvino", "fp32").check(CPU)
    with pytest.raises(OptionError, match="it is there at once"):
        EngineChoice("openvino", wait=True).check(CPU)


def test_only_who_asks_for_it_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Engine(StubEngine):
        def __init__(self, model: Model) -> None:
            super().__init__(dtype=torch.int8, runtime="openvino")
            made.append(model.name)

    monkeypatch.setattr(starter, "OpenVinoEngine", Engine)
    model = load_model("lite-x2")
    first_engine(model, CPU, EngineChoice("auto"), pytest.fail)
    assert made == []
    switch = first_engine(model, CPU, EngineChoice("openvino"), pytest.fail)
    assert made == ["lite-x2"]
    assert switch.engine.runtime == "openvino"
    assert not EngineChoice("openvino").may_follow(torch.device("cuda", 0))


def test_8_bits_have_a_threshold_of_their_own() -> None:
    assert least_psnr_db(torch.int8) == 30 < least_psnr_db(torch.float16)


@pytest.fixture(scope="module")
def coded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with one descendant, and steps for both: seconds to make, milliseconds to copy."""
    folder = tmp_path_factory.mktemp("coded")
    model = make_lite(folder / "own.safetensors")
    photos = make_photos(tmp_path_factory.mktemp("photos"), 2, 96, 80)
    weights = model.module.state_dict()
    other = {name: 1.25 * weight for name, weight in weights.items()}
    save_strengths(model.path, weights, [other], StrengthCurve((1.0,), (1.0,)))
    for coded in ([], ["--coded"]):
        assert main([str(model.path), str(photos), "--count", "2", *coded]) == 0
    return folder


@pytest.fixture
def coded(coded_folder: Path, tmp_path: Path) -> Model:
    """That network in a folder of the test's own."""
    shutil.copytree(coded_folder, tmp_path / "coded")
    return load_model(tmp_path / "coded" / "own.safetensors")


def test_every_network_for_coded_footage_has_steps_of_its_own(coded: Model) -> None:
    assert has_coded_steps(coded)
    found = [load_coded_steps(coded.at(step)).layers for step in range(1, 5)]
    assert len({layers[0].step for layers in found}) == 4
    assert [len(layers) for layers in found] == [len(load_steps(coded).layers)] * 4


def test_the_strongest_network_in_codes_is_near_itself_in_floats(coded: Model) -> None:
    strongest = coded.at(4)
    assert isinstance(strongest.module, Lite)
    x = to_unit(to_luma(photograph(48, 40)))[None]
    rounded = in_codes(strongest.module, load_coded_steps(strongest), x)
    error = (rounded - x - strongest.module.residual(x - 0.5)).detach()
    assert float(error.square().mean()) < 1e-4  # 40 dB below full scale: rounding, not other steps


def test_without_coded_steps_a_model_stays_with_its_clean_network(coded: Model) -> None:
    coded_steps_path(coded.path).unlink()
    assert not has_coded_steps(coded)


@pytest.mark.parametrize("change", [{"schema": 2}, {"weights_sha256": ""}, {"networks": [[1]]}])
def test_coded_steps_that_lie_are_refused(coded: Model, change: dict[str, object]) -> None:
    path = coded_steps_path(coded.path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match="no steps for 8 bits"):
        load_coded_steps(coded.at(1))


def test_coded_steps_need_networks_for_coded_footage(
    model: Model, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(model.path), str(photos), "--coded"]) == OptionError.exit_code
    assert "has no networks for coded footage" in capsys.readouterr().err


def test_networks_of_others_are_named_in_the_refusal(tmp_path: Path) -> None:
    torch.save(compact(), tmp_path / "net.pth")
    with pytest.raises(OptionError, match=r"Compact 8x2 on RGB: expected lite.*or an ONNX file"):
        load_steps(load_model(tmp_path / "net.pth"))
