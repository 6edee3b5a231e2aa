"""One network in ONNX files of many exporters and settings: each gives what PyTorch gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers import onnx_models as makers
from tests.makers.onnx_models import Bytes, Sharpener, Swapped
from vidsr import Upscaler
from vidsr.models.onnx_networks import trial
from vidsr.models.onnx_networks.contract import Contract
from vidsr.models.onnx_networks.network import OnnxNetwork, load_onnx, onnx_network

Make = Callable[[Path], Path]
EXACT, BLENDED, HALF, CODES, BYTES = 2e-6, 1e-3, 2e-3, 0.02, 0.5 / 255 + 1e-6
BGR = {"Image__BitmapPixelFormat": "Bgr8"}

# Name, maker, bound of the difference to PyTorch, and words of its description.
FILES: tuple[tuple[str, Make, float, str], ...] = (
    ("script, opset 11", lambda p: makers.script(p, net(), opset=11), EXACT, "x2, RGB, 0 to 1"),
    ("script, opset 14", lambda p: makers.script(p, net(), opset=14), EXACT, "float32"),
    ("script, any batch", lambda p: makers.script(p, net(), axes=makers.BATCHES), EXACT, "x2"),
    ("script, opset 20", lambda p: makers.script(p, net(), opset=20), EXACT, "x2"),
    ("by hand, opset 13", lambda p: makers.by_hand(p, net()), EXACT, "x2, RGB, 0 to 1"),
    ("by hand, opset 20", lambda p: makers.by_hand(p, net(), opset=20), EXACT, "x2"),
    ("float16", lambda p: makers.by_hand(p, net(), half=True), HALF, "float16"),
    ("float16, script", lambda p: makers.script(p, net(), half=True), HALF, "float16"),
    (
        "one size",
        lambda p: makers.script(p, net(), axes=None, size=makers.FIXED),
        BLENDED,
        "40x24 only",
    ),
    ("0 to 255", lambda p: makers.script(p, Bytes(net())), EXACT * 4, "0 to 255"),
    (
        "BGR in, RGB out",
        lambda p: makers.script(p, Swapped(net(), both=False)),
        EXACT,
        "BGR in, RGB out",
    ),
    (
        "BGR, stated",
        lambda p: makers.with_metadata(makers.script(p, Swapped(net(), both=True)), **BGR),
        EXACT,
        "x2, BGR,",
    ),
    (
        "weights beside",
        lambda p: makers.with_external_weights(p, makers.by_hand(p.with_name("a.onnx"), net())),
        EXACT,
        "x2",
    ),
    (
        "Q and DQ",
        lambda p: makers.quantised(p, makers.by_hand(p.with_name("a.onnx"), net())),
        CODES,
        "x2",
    ),
    (
        "bytes, channels last",
        lambda p: makers.channels_last_bytes(p, net()),
        2 * BYTES,
        "0 to 255, uint8, channels last",
    ),
)


def net() -> Sharpener:
    return Sharpener().eval()


def picture(height: int = 37, width: int = 53) -> Tensor:
    """A smooth picture of full range with some noise."""
    torch.manual_seed(1)
    small = torch.rand(1, 3, 6, 8)
    smooth = torch.nn.functional.interpolate(small, (height, width), mode="bicubic")
    return (smooth[0] + 0.02 * torch.randn(3, height, width)).clamp(0, 1)


def known(upscaler: Upscaler) -> OnnxNetwork:
    network = onnx_network(upscaler.model.module)
    assert network is not None
    return network


@pytest.mark.parametrize(
    ("make", "bound", "words"), [each[1:] for each in FILES], ids=[each[0] for each in FILES]
)
def test_a_file_gives_what_pytorch_gives(
    make: Make, bound: float, words: str, tmp_path: Path
) -> None:
    x = picture()
    with torch.inference_mode():
        wanted = net()(x[None])[0].clamp(0, 1)
    with Upscaler(make(tmp_path / "net.onnx"), device="cpu") as upscaler:
        found = upscaler(x)
    assert words in known(upscaler).describe()
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() <= bound


@pytest.mark.slow
def test_the_newer_exporter_of_pytorch(tmp_path: Path) -> None:
    x = picture()
    with torch.inference_mode():
        wanted = net()(x[None])[0].clamp(0, 1)
    with Upscaler(makers.dynamo(tmp_path / "net.onnx", net()), device="cpu") as upscaler:
        assert (upscaler(x) - wanted).abs().max() <= EXACT


def test_one_channel_is_luma(tmp_path: Path) -> None:
    path = makers.script(tmp_path / "net.onnx", Sharpener(channels=1), channels=1)
    with Upscaler(path, device="cpu") as upscaler:
        assert upscaler.engine.channels == 1
        assert "luma" in known(upscaler).describe()
        assert upscaler(picture()).shape == (3, 74, 106)


def test_the_reach_is_counted_on_the_graph(tmp_path: Path) -> None:
    whole = Upscaler(makers.by_hand(tmp_path / "net.onnx", net()), device="cpu")
    assert whole.engine.halo == 2
    tiled = Upscaler(tmp_path / "net.onnx", device="cpu", tile=(16, 16))
    x = picture()
    assert (whole(x) - tiled(x)).abs().max() < 1e-6


def test_a_file_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until its bytes change; a damaged cache is no answer."""
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "cache"))
    tried: list[Path] = []

    def count(path: Path, stored_bytes: int) -> Contract:
        tried.append(path)
        return real(path, stored_bytes)

    real = trial.try_network
    monkeypatch.setattr(trial, "try_network", count)
    path = makers.by_hand(tmp_path / "a.onnx", net())
    first, second = (load_onnx(path) for _ in range(2))
    found, again = onnx_network(first), onnx_network(second)
    assert found is not None
    assert found == again
    assert len(tried) == 1
    for entry in (tmp_path / "cache").glob("*.finding"):
        entry.write_bytes(entry.read_bytes()[:-1] + b"!")
    load_onnx(path)
    assert len(tried) == 2
    makers.by_hand(path, Sharpener(seed=3))
    load_onnx(path)
    assert len(tried) == 3
