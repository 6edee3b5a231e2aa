"""Lite networks in 8 bits through OpenVINO: near PyTorch, exact in tiles, safe in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers.photos import make_photos
from vidsr import Upscaler
from vidsr.engines.openvino_int8 import engine as engine_module
from vidsr.engines.openvino_int8.engine import OpenVinoEngine
from vidsr.engines.openvino_int8.lite_steps import load_steps
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.quantised.steps import shipped
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.tiling import run_tiled
from vidsr.errors import DeviceError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import Model, load_model
from vidsr.picture.size import Size
from vidsr.quality.set_scores import score_sets, set_means
from vidsr.training.tools.quantise import main

pytest.importorskip("openvino", reason="OpenVINO is not installed")


def soft(height: int, width: int) -> Tensor:
    """[1, 1, H, W]: blobs in [0, 1]."""
    coarse = torch.rand(1, 1, 2 + height // 6, 2 + width // 6)
    size = 6 * coarse.shape[2], 6 * coarse.shape[3]
    large = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    return large[..., :height, :width].contiguous()


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A lite on a grid of half the size with one slope a layer, untrained, and its steps."""
    folder = tmp_path_factory.mktemp("small")
    config = GeneratorConfig(
        kind="lite", scale=2, channels=1, width=16, blocks=2, stride=2, prelu="shared"
    )
    torch.manual_seed(1)
    save_generator(folder / "small.safetensors", config, build_generator(config).state_dict())
    photos = make_photos(folder / "photos", 2, 96, 80)
    assert main([str(folder / "small.safetensors"), str(photos)]) == 0
    return load_model(folder / "small.safetensors")


@pytest.fixture(scope="module", params=["lite-x4", "lite-x2", "small"])
def model(request: pytest.FixtureRequest, small: Model) -> Model:
    return small if request.param == "small" else load_model(request.param)


@pytest.fixture(scope="module")
def engine(model: Model) -> OpenVinoEngine:
    return OpenVinoEngine(model)


@pytest.mark.parametrize("size", [(24, 32), (25, 33), (13, 8), (1, 1), (2, 3), (64, 48)])
def test_it_is_near_pytorch_at_any_size(
    model: Model, engine: OpenVinoEngine, size: tuple[int, int]
) -> None:
    x = soft(*size)
    found = engine.run(x)
    wanted = TorchEngine(model, device="cpu", precision="fp32").run(x)
    assert found.shape == wanted.shape
    # Codes of 8 bits in every layer; one layer wrong is 0.1 and more.
    assert (found - wanted).abs().max() < 0.04


def test_a_batch_is_its_pictures(engine: OpenVinoEngine) -> None:
    x = torch.cat([soft(15, 22) for _ in range(3)])
    assert torch.equal(engine.run(x), torch.cat([engine.run(one[None]) for one in x]))


@pytest.mark.parametrize("tile", [(32, 32), (17, 90), (40, 21)])
def test_tiles_equal_the_whole_to_the_last_bit(
    engine: OpenVinoEngine, tile: tuple[int, int]
) -> None:
    x = soft(75, 91)
    assert torch.equal(run_tiled(engine, x, Size(height=tile[0], width=tile[1])), engine.run(x))


def test_what_it_gave_stays_and_what_it_saw_too(engine: OpenVinoEngine) -> None:
    x, y = soft(20, 30), soft(20, 30)
    kept, seen = engine.run(x), x.clone()
    first = kept.clone()
    engine.run(y)
    assert torch.equal(kept, first)
    assert torch.equal(x, seen)


def test_views_are_taken_as_pictures(engine: OpenVinoEngine) -> None:
    x = soft(40, 50)
    with torch.inference_mode():
        assert torch.equal(engine.run(x[..., 3:23, 5:35]), engine.run(x[..., 3:23, 5:35].clone()))


def test_threads_run_at_once_and_give_the_same(engine: OpenVinoEngine) -> None:
    pictures = [soft(30 + i % 3, 40) for i in range(12)]
    expected = [engine.run(x) for x in pictures]
    try:
        with ThreadPoolExecutor(3, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            found = list(pool.map(engine.run, pictures * 3))
        torch.set_num_threads(2)  # another number of threads: compiled anew
        again = engine.run(pictures[0])
    finally:
        torch.set_num_threads(1)
    assert all(torch.equal(a, b) for a, b in zip(found, expected * 3, strict=True))
    assert torch.equal(again, expected[0])


def test_a_failure_is_one_line(small: Model) -> None:
    engine = OpenVinoEngine(small)
    with pytest.raises(DeviceError, match="small on OpenVINO: "):
        engine.run(torch.rand(1, 3, 8, 8))


def test_the_check_trusts_right_steps_and_rejects_wrong_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = load_model("lite-x2")
    reference, x = TorchEngine(model, device="cpu", precision="fp32"), soft(64, 64)
    assert check_engine(OpenVinoEngine(model), reference, x).trusted
    right = load_steps(model)
    # A twentieth of the range: what lies beyond it is clipped.
    narrow = [replace(layer, step=layer.step / 20) for layer in right.layers]
    wrong = replace(right, layers=tuple(narrow))
    monkeypatch.setattr(engine_module, "load_steps", lambda _: wrong)
    assert "dB from fp32" in check_engine(OpenVinoEngine(model), reference, x).fault


def test_reports_say_int8() -> None:
    upscaler = Upscaler("lite-x2", device="cpu", engine="openvino")
    plain = Upscaler("lite-x2", device="cpu", engine="torch", precision="fp32")
    x = soft(33, 40)[0].expand(3, -1, -1)
    assert (upscaler(x) - plain(x)).abs().max() < 0.04
    assert upscaler.notes.said == ()
    assert upscaler.engine.dtype == torch.int8


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_set5_within_a_tenth_of_a_decibel(name: str, data_dir: Path) -> None:
    scores = {}
    for engine in ("torch", "openvino"):
        upscaler = Upscaler(name, device="cpu", engine=engine)
        rows = score_sets(upscaler, data_dir / "eval", scale=upscaler.scale, sets=("Set5",))
        scores[engine] = set_means(rows)["Set5"]["model_db"]
    assert scores["openvino"] > scores["torch"] - 0.1
