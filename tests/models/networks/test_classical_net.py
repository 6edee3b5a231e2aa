"""Methods without learning as models: the same numbers, sizes, tiles, refusals and identity."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

import vidsr
from tests.makers.clips import decode, make_clip, samples
from vidsr.classical.methods import NUMBERS, reconstruct
from vidsr.engines.onnx_files.export import export_onnx
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import run_tiled
from vidsr.errors import ModelError, OptionError
from vidsr.models.families import automatic_model
from vidsr.models.networks.classical_net import ClassicalNet
from vidsr.models.shipped import METHODS, available, find_weights, method_scales, without_learning
from vidsr.models.zoo import load_model
from vidsr.option_values import EngineKind
from vidsr.picture.size import Size
from vidsr.run.records.identity import weights_digest

EACH = pytest.mark.parametrize("method", NUMBERS)


def drawn(height: int, width: int) -> torch.Tensor:
    """Blobs and noise, uint8 ``[1, height, width]``."""
    draw = torch.Generator().manual_seed(height + width)
    coarse = torch.rand(1, 1, 3, 4, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]
    noise = 0.1 * torch.rand(1, height, width, generator=draw)
    return (255 * (0.9 * smooth + noise)).round().to(torch.uint8)


def test_every_method_has_names_at_four_scales() -> None:
    assert set(METHODS) == set(NUMBERS)
    assert {method_scales(method) for method in METHODS} == {(2, 3, 4, 8)}
    assert not set(without_learning()) & set(available())


@pytest.mark.parametrize("name", without_learning())
def test_files_state_the_numbers_of_the_method(name: str) -> None:
    model = load_model(name)
    method, _, scale = name.rpartition("-x")
    stated = ", ".join(f"{key} {value:g}" for key, value in NUMBERS[method].items())
    assert isinstance(model.module, ClassicalNet)
    assert model.module.architecture == f"{method} ({stated})"
    assert (model.name, model.scale, model.file_format) == (name, int(scale), "method")


@EACH
@pytest.mark.parametrize(("height", "width", "scale"), [(1, 1, 4), (7, 5, 3), (17, 33, 2)])
def test_a_model_gives_what_the_method_gives(
    method: str, height: int, width: int, scale: int
) -> None:
    picture = drawn(height, width)
    engine = TorchEngine(load_model(f"{method}-x{scale}"), device="cpu")
    large = 255 * engine.run(picture[None] / 255)[0]
    wanted = reconstruct(picture.float(), scale, method)
    torch.testing.assert_close(large, wanted, rtol=0, atol=0.01)


def test_pictures_of_a_batch_do_not_mix() -> None:
    engine = TorchEngine(load_model("map-tv-x2"), device="cpu")
    both = torch.stack([drawn(6, 9), drawn(9, 6).mT.contiguous()]) / 255
    alone = torch.cat([engine.run(each[None]) for each in both])
    torch.testing.assert_close(engine.run(both), alone, rtol=0, atol=1e-6)


def test_tiles_of_back_projection_equal_the_whole() -> None:
    engine = TorchEngine(load_model("ibp-x4"), device="cpu")
    assert engine.halo == 42
    x = drawn(20, 150)[None] / 255
    assert torch.equal(run_tiled(engine, x, Size(30, 20)), engine.run(x))
    assert load_model("ibp-x3").traits.halo is None
    assert load_model("map-tv-x4").traits.halo is None


def test_a_copy_keeps_no_sizes_and_is_the_same() -> None:
    net = load_model("pocs-x2").module
    x = drawn(5, 6)[None] / 255
    with torch.inference_mode():
        assert torch.equal(net(x), copy.deepcopy(net)(x))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_refused(precision: str) -> None:
    with pytest.raises(OptionError, match=f"precision = '{precision}'"):
        vidsr.Upscaler("ibp-x2", device="cpu", precision=precision)  # type: ignore[arg-type]
    with vidsr.Upscaler("ibp-x2", device="cpu") as upscaler:
        assert upscaler.engine.dtype == torch.float32


@pytest.mark.parametrize("engine", ["compile", "winograd", "openvino", "onnxruntime"])
def test_other_engines_are_refused(engine: EngineKind, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("openvino_int8", "foreign_onnx"):
        starter = f"vidsr.engines.{module}.starter"
        asked = "import_openvino" if module == "openvino_int8" else "import_runtime"
        monkeypatch.setattr(f"{starter}.{asked}", lambda: None)
    monkeypatch.setattr("vidsr.engines.pytorch.starter.require_compiler", lambda _: None)
    with pytest.raises(OptionError, match="with ibp-x2: expected auto or torch"):
        vidsr.Upscaler("ibp-x2", device="cpu", engine=engine)


def test_nothing_exports_a_method() -> None:
    with pytest.raises(ModelError, match="PyTorch alone runs it"):
        export_onnx(load_model("ibp-x2"))


def test_no_method_is_chosen_by_itself() -> None:
    devices = (torch.device("cpu"), torch.device("cuda"))
    chosen = {automatic_model(device, scale) for device in devices for scale in (2, 3, 4, 8)}
    assert not chosen & set(without_learning())


def test_a_run_of_ten_bits_and_odd_sides(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "in.mkv", size=(33, 17), frames=2, codec="ffv1", pix_fmt="yuv444p10le"
    )
    report = vidsr.upscale(clip.path, tmp_path / "out.mkv", model="ibp-x2", codec="ffv1")
    assert (report.model, report.scale, report.frames) == ("ibp-x2", 2, 2)
    first = next(iter(decode(tmp_path / "out.mkv")))
    luma = torch.from_numpy(samples(clip.pictures[0])[0].astype(np.float32))[None]
    full = (luma - 64) * (1023 / 876)
    assert full.max() >= 512  # tells the depth
    wanted = reconstruct(full, 2, "ibp")[0].numpy() * (876 / 1023) + 64
    assert abs(samples(first)[0].astype(np.float32) - wanted).max() <= 0.6


def test_the_numbers_are_the_identity(tmp_path: Path) -> None:
    text = find_weights("map-tv-x2").read_text()
    own = tmp_path / "soft.toml"
    own.write_text(text.replace("strength = 0.02", "strength = 0.05"))
    assert load_model(own).name == "soft"
    assert "strength 0.05" in load_model(own).module.architecture  # type: ignore[operator]
    assert weights_digest(own) != weights_digest(find_weights("map-tv-x2"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"ibp"', '"magic"', "method = 'magic': expected one of ibp"),
        ("scale = 2", "scale = 9", "scale = 9: expected a whole number, 2 to 8"),
        ("scale = 2", "scale = true", "scale = True"),
        ("rounds = 10", "rounds = 1.5", "rounds = 1.5: expected a whole number"),
        ("step = 1.0", "step = 2.5", "step = 2.5: expected less than 2"),
        ("step = 1.0", "step = nan", "step = nan: expected a number above 0"),
        ("step = 1.0", "strength = 1.0", "expected method, scale, rounds, step, got"),
        ("step = 1.0", "step = = 1", "cannot be read"),
    ],
)
def test_files_that_state_something_else(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(find_weights("ibp-x2").read_text().replace(old, new))
    with pytest.raises(ModelError, match=message):
        load_model(path)
