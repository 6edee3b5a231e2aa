"""Networks in 8-bit codes on TensorRT: engines are built of them, and compute what PyTorch says.

The form of the file is checked before, on any machine: a rehearsal stops where TensorRT begins.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from tests.gpu.on_gpu import DEVICE, cuda_only, skip_without_cuda, smooth

pytest.importorskip("av")

from vidsr.cache.keys import Profile
from vidsr.engines.devices import DTYPES
from vidsr.engines.onnx_files.export import export_onnx, require_exporter
from vidsr.engines.onnx_files.facts import read_facts
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.quantised.codes import CodeType
from vidsr.engines.quantised.networks import load_steps_of, quantisable, quantised_net
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.trt.build import build_engine, import_tensorrt
from vidsr.engines.trt.engine import TensorRTEngine
from vidsr.errors import DeviceError
from vidsr.models.zoo import load_model

skip_without_cuda()

try:
    require_exporter()
except DeviceError as error:
    pytest.skip(error.message, allow_module_level=True)
if getattr(find_spec("safetensors"), "origin", None) is None:
    pytest.skip("needs safetensors for the steps' checksum", allow_module_level=True)

HEIGHT, WIDTH = 64, 96
FP8_CAPABILITY = (8, 9)
# Float16 before rounding, and sums in another order, move numbers to the next code now and then;
# ONNX Runtime on a CPU comes within 48 dB and more.
NEAR_DB = 45.0


def require_tensorrt(codes: CodeType) -> None:
    try:
        import_tensorrt()
    except DeviceError as error:
        pytest.skip(error.message)
    if codes == "fp8" and torch.cuda.get_device_capability() < FP8_CAPABILITY:
        pytest.skip("E4M3 needs compute capability 8.9")


def profile(channels: int) -> Profile:
    return Profile(
        (1, channels, 16, 16), (1, channels, HEIGHT, WIDTH), (2, channels, 2 * HEIGHT, 2 * WIDTH)
    )


def psnr_db(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(-10 * (a - b).square().mean().clamp(min=1e-20).log10())


@pytest.mark.parametrize("name", ["lite-x4", "srresnet-x4"])
@pytest.mark.parametrize("codes", ["int8", "fp8"])
def test_a_file_in_codes_is_written_and_its_network_stays_near(name: str, codes: CodeType) -> None:
    model = load_model(name)
    facts = read_facts(export_onnx(model, precision=codes))
    assert facts.precision == codes
    net = quantised_net(quantisable(model.module, name), load_steps_of(model).layers, codes)
    rounded, plain = (
        TorchEngine(module, device=str(DEVICE), precision="fp32") for module in (net, model.module)
    )
    x = smooth((1, facts.channels, HEIGHT, WIDTH)).to(DEVICE)
    assert psnr_db(rounded.run(x), plain.run(x)) > 30


@cuda_only
@pytest.mark.parametrize("name", ["lite-x4", "srresnet-x4"])
@pytest.mark.parametrize("codes", ["int8", "fp8"])
def test_tensorrt_builds_it_and_computes_the_rounded_network(name: str, codes: CodeType) -> None:
    require_tensorrt(codes)
    trt, model = import_tensorrt(), load_model(name)
    data = export_onnx(model, precision=codes)
    facts = read_facts(data)
    plan, _ = build_engine(data, profiles=(profile(facts.channels),), trt=trt)
    engine = TensorRTEngine(plan, facts, device=DEVICE, trt=trt)
    assert engine.dtype == {"int8": torch.int8, "fp8": torch.float8_e4m3fn}[codes]
    x = smooth((1, facts.channels, HEIGHT, WIDTH)).to(DEVICE)
    verdict = check_engine(engine, TorchEngine(model, device=str(DEVICE), precision="fp32"), x)
    assert verdict.trusted, verdict.fault
    layers = load_steps_of(model).layers
    net = quantised_net(quantisable(model.module, name), layers, codes, torch.float16)
    wanted = TorchEngine(net, device=str(DEVICE), precision="fp32").run(x)
    found = engine.run(x.to(DTYPES[facts.input_type])).float() + facts.offset
    assert psnr_db(found, wanted) > NEAR_DB
