"""TensorRT of networks of other people: built, checked against PyTorch in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from tests.gpu.on_gpu import DEVICE, REHEARSAL, frame, layout, skip_without_cuda, smooth
from tests.makers.foreign import State, compact, esrgan, span

pytest.importorskip("av")

from vidsr.engines.onnx_files.export import export_onnx, require_exporter
from vidsr.engines.onnx_files.facts import read_facts
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.trt.build import import_tensorrt
from vidsr.errors import DeviceError
from vidsr.models.zoo import load_model
from vidsr.upscaling.upscaler import Upscaler

skip_without_cuda()

try:
    require_exporter()
except DeviceError as error:
    pytest.skip(error.message, allow_module_level=True)

FAMILIES: dict[str, Callable[[], State]] = {
    "Compact": lambda: compact(width=16, convs=3),
    "ESRGAN": lambda: esrgan(blocks=1),
    "SPAN": span,
}


@pytest.fixture(params=sorted(FAMILIES))
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the file of a network of each family."""
    path = tmp_path / f"{request.param}.pth"
    torch.save(FAMILIES[request.param](), path)
    return path


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("engines")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDSR_CACHE", str(folder))
        yield


def test_what_is_exported_says_what_it_is(network: Path) -> None:
    """Needs no GPU; the builder reads nothing else."""
    model = load_model(network)
    facts = read_facts(export_onnx(model, precision="fp16"))
    module = model.module
    assert (facts.scale, facts.channels, facts.shuffle) == (model.scale, 3, module.shuffle)
    assert facts.halo == model.traits.halo


def test_an_engine_is_near_the_network_in_float32(network: Path) -> None:
    if REHEARSAL:
        pytest.skip("needs CUDA itself")
    if getattr(find_spec("safetensors"), "origin", None) is None:
        pytest.skip("needs safetensors in the builder's process")
    try:
        import_tensorrt()
    except DeviceError as error:
        pytest.skip(error.message)
    with Upscaler(network, device=str(DEVICE), engine="tensorrt", wait_for_engine=True) as upscaler:
        upscaler.enlarge(frame(layout(96, 64), 1))
        assert upscaler.engine.runtime == "tensorrt", upscaler.notes.said
        reference = TorchEngine(load_model(network), device=str(DEVICE), precision="fp32")
        verdict = check_engine(upscaler.engine, reference, smooth((1, 3, 64, 96)).to(DEVICE))
    assert verdict.trusted, verdict.fault
