"""ONNX files of others with vidsr's own ends: what TensorRT would be given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch

from tests.makers import onnx_models as makers
from tests.makers.onnx_models import Bytes, Sharpener, Swapped
from vidsr.engines.onnx_files.export import export_onnx
from vidsr.engines.onnx_files.facts import is_exported, read_facts
from vidsr.errors import ModelError
from vidsr.models.zoo import load_model

Make = Callable[[Path], Path]
FILES: dict[str, tuple[Make, float]] = {
    "plain": (lambda p: makers.by_hand(p, Sharpener()), 1e-5),
    "float16": (lambda p: makers.by_hand(p, Sharpener(), half=True), 2e-3),
    "0 to 255": (lambda p: makers.script(p, Bytes(Sharpener())), 1e-5),
    "BGR in": (lambda p: makers.script(p, Swapped(Sharpener(), both=False)), 1e-5),
    "bytes, channels last": (lambda p: makers.channels_last_bytes(p, Sharpener()), 5e-3),
}


@pytest.mark.parametrize("name", FILES)
def test_the_adapted_file_gives_what_the_network_gives(name: str, tmp_path: Path) -> None:
    make, bound = FILES[name]
    model = load_model(make(tmp_path / "net.onnx"))
    if model.traits.halo is None:
        with pytest.raises(ModelError, match="its reach is not known"):
            export_onnx(model)
        return
    data = export_onnx(model)
    x = torch.rand(1, 3, 20, 28)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(["y"], {"x": x.numpy()})[0])
    with torch.inference_mode():
        wanted = Sharpener()(x)
    assert (found - wanted).abs().max() <= bound
    facts = read_facts(data)
    assert (facts.kind, facts.scale, facts.shuffle, facts.halo) == ("onnx", 2, 1, 2)
    assert is_exported(data)


def test_what_cannot_be_adapted_is_said(tmp_path: Path) -> None:
    fixed = makers.script(tmp_path / "a.onnx", Sharpener(), axes=None, size=makers.FIXED)
    with pytest.raises(ModelError, match="no TensorRT engine is built of it: it takes one size"):
        export_onnx(load_model(fixed))
    beside = makers.with_external_weights(
        tmp_path / "c.onnx", makers.by_hand(tmp_path / "b.onnx", Sharpener())
    )
    with pytest.raises(ModelError, match="its weights lie beside it"):
        export_onnx(load_model(beside))
    assert not is_exported(beside.read_bytes())
