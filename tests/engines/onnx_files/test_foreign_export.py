"""Foreign networks as ONNX: what ONNX Runtime gives is what PyTorch gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.makers.foreign import compact, esrgan, gradient, ncnn_compact, span
from vidsr.engines.onnx_files.export import export_onnx
from vidsr.engines.onnx_files.facts import read_facts
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import ModelError
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.models.zoo import load_model

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def saved(kind: str, folder: Path) -> Path:
    if kind == "reduced":
        end = "Interp last 1 1 sum out 0=3 1=0.75 2=0.75"
        return ncnn_compact(folder / "net", compact(scale=4), 4, end=end)
    made = {
        "compact": lambda: compact(scale=2),
        "esrgan": lambda: esrgan(blocks=1, unshuffle=2),
        "span": lambda: span(),
    }
    torch.save(made[kind](), folder / "net.pth")
    return folder / "net.pth"


@pytest.mark.parametrize("kind", ["compact", "esrgan", "span", "reduced"])
def test_onnx_runtime_gives_what_pytorch_gives(kind: str, tmp_path: Path) -> None:
    model = load_model(saved(kind, tmp_path))
    data = export_onnx(model, precision="fp32")
    facts = read_facts(data)
    engine = TorchEngine(model, device="cpu", precision="fp32")
    assert (facts.scale, facts.shuffle, facts.halo) == (engine.scale, engine.shuffle, engine.halo)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for width, height in ((24, 16), (38, 50)):
        x = gradient(3, width, height)
        found = torch.from_numpy(session.run(None, {"x": x.numpy()})[0])
        assert torch.allclose(found, engine.run(x), atol=1e-3 if kind == "span" else 2e-5)


def test_a_network_without_a_known_reach_is_not_exported() -> None:
    traits = NetworkTraits(scale=1, in_channels=3, out_channels=3, halo=None)
    with pytest.raises(ModelError, match="its reach in space is not known"):
        export_onnx(PlainNet(torch.nn.Identity(), traits), precision="fp32")
