"""Graphs of ncnn: those of known networks give the same as their checkpoints, others a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from tests.makers.foreign import as_half, compact, esrgan, gradient, ncnn_compact, ncnn_esrgan
from tests.models.foreign.test_recognise import compact_formula, esrgan_formula, picture_of
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import ModelError
from vidsr.models.zoo import load_model


def engine_of(path: Path) -> TorchEngine:
    return TorchEngine(load_model(path), device="cpu", precision="fp32")


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("suffix", [".param", ".bin"])
def test_compact(half: bool, suffix: str, tmp_path: Path) -> None:
    state = as_half(compact(scale=2))
    path = ncnn_compact(tmp_path / "net", state, 2, half=half)
    engine, x = engine_of(path.with_suffix(suffix)), gradient(3, 17, 11)
    assert (engine.scale, engine.shuffle, engine.halo) == (2, 2, 4)
    assert torch.allclose(picture_of(engine, x), compact_formula(state, x, 2), atol=2e-6)


@pytest.mark.parametrize(("size", "scale"), [(0.5, 2), (0.75, 3)])
def test_a_resize_at_the_end_is_part_of_the_network(
    size: float, scale: int, tmp_path: Path
) -> None:
    state = as_half(compact(scale=4))
    end = f"Interp last 1 1 sum out 0=3 1={size:e} 2={size:e}"
    engine = engine_of(ncnn_compact(tmp_path / "net", state, 4, end=end))
    x = gradient(3, 20, 12)
    large = compact_formula(state, x, 4)
    wanted = F.interpolate(large, (12 * scale, 20 * scale), mode="bicubic", align_corners=False)
    assert engine.scale == scale
    assert torch.allclose(picture_of(engine, x), wanted, atol=2e-6)


def test_esrgan(tmp_path: Path) -> None:
    state = esrgan(blocks=2)
    engine = engine_of(ncnn_esrgan(tmp_path / "net", state, 2))
    x = gradient(3, 9, 14)
    assert torch.allclose(picture_of(engine, x), esrgan_formula(state, x, 2), atol=5e-6)


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7767517", "7767518", "expected 7767517"),
        ("7767517\n12 ", "7767517\n13 ", "says 13 layers"),
        ("PixelShuffle", "DeconvolutionX", "a layer DeconvolutionX"),
        ("0=1 1=4", "0=2 1=4", "a resize with"),
        ("BinaryOp add 2 1 large near sum", "BinaryOp add 2 1 large large sum", "another arch"),
        ("large near sum", "large nothing sum", "nothing"),
        ("4=1 5=1 6=216", "4=0 5=1 6=216", "a convolution with"),
        ("6=216", "6=72000000", "shorter than its graph"),
        ("0=8 1=3", "0=x 1=3", "line 5 is no layer"),
        ("d 1 1 v6 large 0=4", "d 1 1 v6 large 0=2", "another architecture"),
    ],
)
def test_other_graphs_are_refused_with_a_reason(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    path = changed(ncnn_compact(tmp_path / "net", compact(), 4), old, new)
    with pytest.raises(ModelError, match=message) as raised:
        load_model(path)
    assert "\n" not in str(raised.value)


def test_weights_that_do_not_belong_to_the_graph(tmp_path: Path) -> None:
    path = ncnn_compact(tmp_path / "net", compact(), 4)
    weights = path.with_suffix(".bin").read_bytes()
    for data, message in (
        (weights[:-4], "shorter than its graph"),
        (weights + b"abcd", "4 bytes more"),
        (b"\x38\x4b\x0d\x00" + weights[4:], "form 0x000d4b38"),
        (weights[:-4] + b"\x00\x00\xc0\x7f", "not finite"),
    ):
        path.with_suffix(".bin").write_bytes(data)
        with pytest.raises(ModelError, match=message):
            load_model(path)
    path.with_suffix(".bin").unlink()
    with pytest.raises(ModelError, match=r"cannot be read.*Hint"):
        load_model(path)


def test_ends_of_names_in_capitals_and_a_bin_alone(tmp_path: Path) -> None:
    path = ncnn_compact(tmp_path / "net", compact(), 4)
    weights = path.with_suffix(".bin").rename(tmp_path / "net.BIN")
    path = path.rename(tmp_path / "net.PARAM")
    assert load_model(path).scale == load_model(weights).scale == 4
    path.unlink()
    with pytest.raises(ModelError, match=r"Hint: weights of ncnn have their graph beside them"):
        load_model(weights)
