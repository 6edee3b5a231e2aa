"""Networks in 8-bit codes as ONNX: the form TensorRT reads, and the numbers PyTorch computes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.makers.eight_bits import KINDS, make_network
from vidsr.engines.command.cli import main
from vidsr.engines.devices import DTYPES
from vidsr.engines.onnx_files.export import export_onnx
from vidsr.engines.onnx_files.facts import FloatType, read_facts
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.engines.quantised.codes import CodeType
from vidsr.engines.quantised.networks import (
    convolutions,
    later_convolutions,
    load_steps_of,
    quantisable,
    quantised_net,
    rounded_weights,
)
from vidsr.engines.quantised.steps import steps_path
from vidsr.errors import ModelError, OptionError
from vidsr.models.zoo import Model, load_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SIZES = [(1, 1, 1), (2, 5, 3), (1, 17, 31)]  # pictures, then height and width in steps of the grid
# Sums in another order, and float16 before rounding, move a number that lies between two codes to
# the other one: a step of 1/127 of a range in one place, the greater part of it in the next layer.
BOUNDS_DB: dict[FloatType, float] = {"fp32": 55.0, "fp16": 45.0}
INT8: CodeType = "int8"
FORMS: list[tuple[str, CodeType, FloatType]] = [
    *((name, INT8, floats) for name in KINDS for floats in BOUNDS_DB),
    ("coarse", "fp8", "fp16"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@cache
def made(folder: Path, name: str) -> Model:
    return make_network(folder, name)


@cache
def exported(folder: Path, name: str, codes: CodeType, floats: FloatType) -> bytes:
    return export_onnx(made(folder, name), precision=codes, floats=floats)


def rounded(model: Model, codes: CodeType, floats: FloatType) -> InferenceNet:
    net = quantisable(model.module, model.name)
    layers = load_steps_of(model).layers
    return InferenceNet(quantised_net(net, layers, codes, DTYPES[floats]), torch.float32)


def run(data: bytes, x: Tensor) -> Tensor:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    facts = read_facts(data)
    (y,) = session.run(None, {"x": x.to(DTYPES[facts.input_type]).numpy()})
    return torch.from_numpy(y.astype(np.float32)) + facts.offset


def psnr_db(a: Tensor, b: Tensor) -> float:
    return float(-10 * (a - b).square().mean().clamp(min=1e-20).log10())


@pytest.mark.parametrize(("name", "codes", "floats"), FORMS)
def test_onnx_runtime_computes_the_rounded_network_at_every_size(
    folder: Path, name: str, codes: CodeType, floats: FloatType
) -> None:
    model, data = made(folder, name), exported(folder, name, codes, floats)
    net, facts = rounded(model, codes, floats), read_facts(data)
    torch.manual_seed(0)
    for count, *steps in SIZES:
        x = torch.rand(count, facts.channels, *(facts.alignment * n for n in steps))
        with torch.no_grad():
            assert psnr_db(run(data, x), net(x)) > BOUNDS_DB[floats]


@pytest.mark.parametrize(("name", "codes", "floats"), FORMS)
def test_convolutions_in_codes_have_pairs_on_both_their_inputs_and_others_none(
    folder: Path, name: str, codes: CodeType, floats: FloatType
) -> None:
    model = onnx.load_from_string(exported(folder, name, codes, floats))
    onnx.checker.check_model(model, full_check=True)
    graph = model.graph
    makers = {node.output[0]: node for node in graph.node}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    net = quantisable(made(folder, name).module, name)
    nodes = (node for node in graph.node if node.op_type == "Conv")
    coded = later_convolutions(net)
    for conv, own in zip(nodes, convolutions(net), strict=True):
        odd = codes == "fp8" and (own.in_channels % 16 or own.out_channels % 16)
        if odd or own not in coded:
            ends = {makers[n].op_type for n in conv.input if n in makers}
            assert "DequantizeLinear" not in ends
            assert conv.input[1] in stored
            continue
        for index, steps in ((0, ()), (1, (own.out_channels,) if codes == "int8" else ())):
            check_pair(makers, stored, conv.input[index], steps, codes, floats)
        assert makers[makers[conv.input[1]].input[0]].input[0] in stored


def check_pair(
    makers: dict[str, Any],
    stored: dict[str, Any],
    end: str,
    steps: tuple[int, ...],
    codes: CodeType,
    floats: FloatType,
) -> None:
    """Hold QuantizeLinear and DequantizeLinear to the same steps, and to zero points of 0."""
    back = makers[end]
    to = makers[back.input[0]]
    assert (to.op_type, back.op_type) == ("QuantizeLinear", "DequantizeLinear")
    assert to.input[1:] == back.input[1:]
    scale, zero = (stored[name] for name in to.input[1:])
    kinds = onnx.TensorProto
    assert scale.data_type == {"fp32": kinds.FLOAT, "fp16": kinds.FLOAT16}[floats]
    assert zero.data_type == {"int8": kinds.INT8, "fp8": kinds.FLOAT8E4M3FN}[codes]
    assert (tuple(scale.dims), tuple(zero.dims)) == (steps, steps)
    assert (onnx.numpy_helper.to_array(scale) > 0).all()
    assert not any(zero.raw_data)
    for node in (to, back):
        found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        assert found == ({"axis": 0} if steps else {})


@pytest.mark.parametrize(("name", "count"), [("lite", 3), ("coarse", 3), ("srresnet", 5)])
def test_the_first_layer_and_what_makes_an_srresnets_picture_stay_in_floats(
    folder: Path, name: str, count: int
) -> None:
    """Of two blocks: two convolutions and the tail, or four and the join."""
    graph = onnx.load_from_string(exported(folder, name, "int8", "fp16")).graph
    assert sum(node.op_type == "QuantizeLinear" for node in graph.node) == 2 * count


def test_sizes_stay_symbols_and_the_opset_is_the_first_with_these_types(folder: Path) -> None:
    model = onnx.load_from_string(exported(folder, "coarse", "int8", "fp16"))
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 19)]
    assert model.ir_version == 9
    for end in (*model.graph.input, *model.graph.output):
        dims = end.type.tensor_type.shape.dim
        assert all(dims[i].dim_param for i in (0, 2, 3))


def test_codes_are_stored_as_numbers_that_come_back_as_themselves(folder: Path) -> None:
    """Weights in float16 are whole multiples of their steps to a tenth of one."""
    model = onnx.load_from_string(exported(folder, "lite", "int8", "fp16"))
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    weight = stored["net.body.0.weight"].astype(np.float32)
    steps = stored["body.0.weight.step"].astype(np.float32)
    codes = weight / steps[:, None, None, None]
    assert np.abs(codes - codes.round()).max() < 0.1
    assert np.abs(codes).max() < 127.5


def test_facts_say_codes_and_the_type_of_floats(folder: Path) -> None:
    facts = read_facts(exported(folder, "srresnet", "int8", "fp16"))
    assert (facts.precision, facts.input_type, facts.output_type) == ("int8", "fp16", "fp16")
    assert (facts.name, facts.shuffle) == ("srresnet", 2)


def test_rounding_changes_a_network_a_little(folder: Path) -> None:
    model = made(folder, "srresnet")
    x = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        found = psnr_db(
            rounded(model, "int8", "fp32")(x), InferenceNet(model.module, torch.float32)(x)
        )
    assert 25 < found < 100  # 81 with codes in the blocks alone; what is not rounded agrees to 150


def test_a_network_is_not_changed_by_making_its_rounded_form(folder: Path) -> None:
    model = made(folder, "lite")
    before = {k: v.clone() for k, v in model.module.state_dict().items()}
    rounded_weights(quantisable(model.module, "lite"), load_steps_of(model).layers)
    assert all(torch.equal(v, before[k]) for k, v in model.module.state_dict().items())


def test_the_command_writes_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(folder, "coarse").path
    target = tmp_path / "a.onnx"
    assert main(["export", str(path), "--precision", "int8", "-o", str(target)]) == 0
    assert "coarse in int8, x [N, 1, H, W] fp32" in capsys.readouterr().out
    assert target.read_bytes() == exported(folder, "coarse", "int8", "fp16")


def test_what_has_no_steps_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a.onnx"
    assert main(["export", "unet-x1", "--precision", "int8", "-o", str(target)]) == 2
    model = make_network(tmp_path, "lite")
    steps_path(model.path).unlink()
    assert main(["export", str(model.path), "--precision", "fp8", "-o", str(target)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "unet network on RGB: expected lite networks on luma, or srresnet" in said[0]
    assert "there are no steps for 8 bits, lite.int8.json" in said[1]
    assert not target.exists()


def test_steps_of_other_weights_and_factors_that_nothing_takes_are_refused(tmp_path: Path) -> None:
    model = make_network(tmp_path, "srresnet")
    path = steps_path(model.path)
    path.write_text(path.read_text().replace("[1.0, 1.0", "[1.0, 2.0", 1))
    with pytest.raises(ModelError, match="factors, which only a lite network takes"):
        export_onnx(model, precision="int8")
    other = make_network(tmp_path, "lite")
    path.replace(steps_path(other.path))
    with pytest.raises(ModelError, match="its steps were made for other weights"):
        export_onnx(other, precision="int8")


def test_a_network_without_a_file_has_no_steps() -> None:
    with pytest.raises(ModelError, match="expected a model with its file"):
        export_onnx(load_model("lite-x4").module, precision="int8")
    with pytest.raises(OptionError, match="unet network"):
        quantisable(load_model("unet-x1").module, "unet-x1")


@pytest.mark.parametrize("name", ["lite", "srresnet"])
def test_openvino_reads_the_same_file(folder: Path, name: str) -> None:
    openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")
    data = exported(folder, name, "int8", "fp32")
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    network = core.compile_model(core.read_model(model=data, weights=b""), "CPU", options)
    x = torch.rand(1, read_facts(data).channels, 15, 22)
    found = torch.from_numpy(network([x.numpy()])[0]) + read_facts(data).offset
    with torch.no_grad():
        assert psnr_db(found, rounded(made(folder, name), "int8", "fp32")(x)) > 45
