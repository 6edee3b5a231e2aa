"""Engines of networks in 8-bit codes, on a stand-in for TensorRT: their ends stay floats."""

from __future__ import annotations

import pytest
import torch

from tests.doubles.fake_tensorrt import FakeTensorRT
from tests.engines.trt.test_engine import HALF_MODEL, MODEL, engine_on, expected
from vidsr.engines.onnx_files.facts import FloatType, NetworkType
from vidsr.engines.selection.accuracy_check import least_psnr_db


@pytest.mark.parametrize("version", ["10.16.1.11", "11.4.0.106"])
@pytest.mark.parametrize(
    ("precision", "dtype"), [("int8", torch.int8), ("fp8", torch.float8_e4m3fn)]
)
@pytest.mark.parametrize(("floats", "model"), [("fp32", MODEL), ("fp16", HALF_MODEL)])
def test_codes_are_inside_and_are_judged_as_codes(
    version: str, precision: NetworkType, dtype: torch.dtype, floats: FloatType, model: bytes
) -> None:
    trt = FakeTensorRT(version)
    engine = engine_on(trt, model, precision=precision, input_type=floats, output_type=floats)
    assert engine.dtype == dtype
    x = torch.rand(1, 3, 4, 6).to(engine.input_dtype)
    assert torch.equal(engine.run(x).to(x.dtype), expected(x))
    assert least_psnr_db(engine.dtype) == 30
    assert not trt.builds[0].config.flags
