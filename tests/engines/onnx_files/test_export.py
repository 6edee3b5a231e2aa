"""Networks as ONNX files: the same picture at any size, half precision inside, facts beside it."""

from __future__ import annotations

import copy
import dataclasses
import logging
import random
import sys
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vidsr.engines.engine import Engine
from vidsr.engines.onnx_files.export import IR_VERSION, OPSET, export_onnx, facts_of, inference_net
from vidsr.engines.onnx_files.facts import METADATA_KEY, FloatType, NetworkFacts, read_facts
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.errors import DeviceError, ModelError
from vidsr.models.checkpoint import Generator, build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import load_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

KINDS: dict[str, dict[str, Any]] = {
    "lite": {"kind": "lite", "channels": 1},
    "lite-rgb": {"kind": "lite", "scale": 2, "prelu": "shared"},
    "lite-coarse": {"kind": "lite", "scale": 2, "channels": 1, "stride": 2, "prelu": "shared"},
    "srresnet-x4": {"blocks": 1, "output_range": "signed"},
    "srresnet-x2": {"scale": 2, "blocks": 1, "norm": "none", "prelu": "shared"},
    "espcn": {"kind": "espcn", "channels": 1, "blocks": 1},
    "srcnn": {"kind": "srcnn", "scale": 2, "blocks": 1},
    "rrdb": {"kind": "rrdb", "width": 4, "blocks": 1, "growth": 2},
    "unet": {"kind": "unet", "scale": 1, "width": 4, "blocks": 1},
    "unet-coarse": {"kind": "unet", "scale": 1, "width": 4, "blocks": 1, "stride": 2},
}
STEPS = [(1, 1, 1), (2, 5, 3), (3, 17, 31)]  # pictures, then height and width in steps of the grid
MAKER_OPS = {"Sub", "Resize"}  # take fp32 by design: mid-grey off an fp32 input, factors of size


@cache
def generator(name: str) -> Generator:
    torch.manual_seed(1)
    fields = {"kind": "srresnet", "scale": 4, "channels": 3, "width": 8, "blocks": 2}
    net = build_generator(GeneratorConfig(**(fields | KINDS[name]))).eval()  # type: ignore[arg-type]
    if KINDS[name].get("kind") == "unet":
        nn.init.normal_(net.tail.weight, std=0.1)  # it starts at zero
    return net


@cache
def exported(name: str, precision: FloatType) -> bytes:
    return export_onnx(generator(name), precision=precision)


@cache
def shipped(name: str) -> bytes:
    return export_onnx(load_model(name))


def run(data: bytes, x: Tensor) -> Tensor:
    """What ONNX Runtime makes of float32 ``x``: the picture before its shuffle, in float32."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    facts = read_facts(data)
    (out,) = session.run(["y"], {"x": x.numpy().astype(_numpy(facts.input_type))})
    assert out.dtype == _numpy(facts.output_type)
    return torch.from_numpy(out.astype(np.float32)) + facts.offset


def _numpy(name: FloatType) -> type:
    return np.float16 if name == "fp16" else np.float32


def check_against(net: Generator, data: bytes, steps: tuple[int, int, int], atol: float) -> None:
    """One file against the fp32 network in PyTorch."""
    facts = read_facts(data)
    torch.manual_seed(sum(steps))
    x = torch.rand(steps[0], facts.channels, *(facts.alignment * n for n in steps[1:]))
    with torch.no_grad():
        expected = InferenceNet(net, torch.float32)(x)
    torch.testing.assert_close(run(data, x), expected, rtol=0, atol=atol)


# fp32: sums in another order. fp16: eleven bits, rounded after each of a few layers.
TOLERANCES = cast(tuple[tuple[FloatType, float], ...], (("fp32", 1e-4), ("fp16", 2e-2)))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("precision", "atol"), TOLERANCES)
def test_one_file_equals_the_network_at_every_size(
    name: str, precision: FloatType, atol: float
) -> None:
    data = exported(name, precision)
    onnx.checker.check_model(data, full_check=True)
    for steps in STEPS:
        check_against(generator(name), data, steps, atol)


@pytest.mark.parametrize("name", ["lite-x4", "srresnet-x4"])
def test_shipped_weights(name: str) -> None:
    model, data = load_model(name), shipped(name)
    onnx.checker.check_model(data, full_check=True)
    for steps in ((1, 1, 1), (2, 9, 13)):
        check_against(model.module, data, steps, atol=2e-2)


@pytest.mark.parametrize("name", KINDS)
def test_sizes_are_symbols_and_ends_have_names(name: str) -> None:
    graph = onnx.load_from_string(exported(name, "fp16")).graph
    facts = read_facts(exported(name, "fp16"))
    (x,), (y,) = graph.input, graph.output
    assert (x.name, y.name) == ("x", "y")
    for end, channels in ((x, facts.channels), (y, facts.channels * facts.shuffle**2)):
        dims = end.type.tensor_type.shape.dim
        assert [d.dim_value for d in dims] == [0, channels, 0, 0]
        assert all(dims[i].dim_param for i in (0, 2, 3))
    assert x.type.tensor_type.shape.dim[0].dim_param == "n"


@pytest.mark.parametrize("name", KINDS)
def test_weights_are_half_and_operators_are_standard(name: str) -> None:
    graph = onnx.load_from_string(exported(name, "fp16")).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    full = {n for n, kind in kinds.items() if kind == onnx.TensorProto.FLOAT}
    for node in graph.node:
        assert node.domain == ""
        assert node.op_type in MAKER_OPS or not full & {*node.input}, node.op_type
        if node.op_type in ("Conv", "PRelu"):
            assert {kinds[n] for n in node.input[1:]} == {onnx.TensorProto.FLOAT16}
    assert kinds.keys() >= {n for node in graph.node for n in node.input if n.startswith("net.")}


def test_a_shuffle_inside_keeps_the_order_of_channels() -> None:
    graph = onnx.load_from_string(exported("srresnet-x4", "fp16")).graph
    (shuffle,) = (node for node in graph.node if node.op_type == "DepthToSpace")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in shuffle.attribute}
    assert attributes == {"blocksize": 2, "mode": b"CRD"}


def test_version_that_old_parsers_take() -> None:
    model = onnx.load_from_string(exported("lite", "fp16"))
    assert (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) == (
        IR_VERSION,
        [("", OPSET)],
    )
    pairs = [(row[1], row[2]) for row in onnx.helper.VERSION_TABLE]  # IR and opset of each release
    assert (IR_VERSION, OPSET) in pairs


def test_half_precision_rounds_only_what_lite_adds() -> None:
    net = copy.deepcopy(generator("lite"))
    nn.init.zeros_(net.tail.weight)
    assert net.tail.bias is not None
    nn.init.zeros_(net.tail.bias)
    data = export_onnx(net)
    for x in (torch.rand(1, 1, 7, 9), torch.full((1, 1, 7, 9), 1 / 3)):
        assert not torch.equal(x, x.half().float())
        assert torch.equal(run(data, x), x.repeat_interleave(16, dim=1))


@pytest.mark.parametrize("name", ["srcnn"])
def test_equal_weights_give_equal_bytes(name: str) -> None:
    net = copy.deepcopy(generator(name))
    assert export_onnx(net) == exported(name, "fp16")
    assert net.tail.bias is not None
    with torch.no_grad():
        net.tail.bias[0] += 0.25
    assert export_onnx(net) != exported(name, "fp16")


def test_nothing_about_the_machine_inside() -> None:
    data = exported("lite", "fp16")
    model = onnx.load_from_string(data)
    for word in (b"torch", b"pytorch", b".py", b"/home", b"stack"):
        assert word not in data, word
    assert (model.producer_name, model.graph.doc_string) == ("", "")
    assert [p.key for p in model.metadata_props] == [METADATA_KEY]


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
@pytest.mark.parametrize("name", KINDS)
def test_facts_travel_inside_the_file(name: str, precision: FloatType) -> None:
    facts = read_facts(exported(name, precision))
    assert facts == facts_of(inference_net(generator(name), precision))
    engine: Engine = TorchEngine(generator(name), device="cpu", precision="fp32")
    for field in ("name", "channels", "scale", "shuffle", "halo", "alignment"):
        assert getattr(facts, field) == getattr(engine, field)
    half = precision == "fp16" and facts.kind not in ("lite", "unet")
    assert (facts.offset, facts.output_type) == ((0.5, "fp16") if half else (0.0, "fp32"))
    assert facts.input_type == facts.output_type
    assert facts.precision == precision


def test_facts_of_a_model_bear_its_name() -> None:
    assert read_facts(shipped("lite-x4")).name == "lite-x4"


def test_the_export_says_nothing(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    level = logging.getLogger("torch.onnx").level
    export_onnx(generator("espcn"))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
    assert logging.getLogger("torch.onnx").level == level


@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_absent_packages_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DeviceError, match=rf"needs {name}\. Hint: pip install"):
        export_onnx(generator("lite"))


def test_a_failed_export_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no symbol\nfor this\nat all")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ModelError) as caught:
        export_onnx(generator("lite"))
    assert str(caught.value) == "lite-x4: cannot be exported: no symbol"


def test_files_of_other_origin() -> None:
    model = onnx.load_from_string(exported("lite", "fp16"))
    model.ClearField("metadata_props")
    with pytest.raises(ModelError, match=r"a\.onnx: not exported by vidsr\. Hint: vidsr-engine"):
        read_facts(model.SerializeToString(), source="a.onnx")
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_facts(b"\x89PNG\r\n\x1a\n" * 4)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"schema": 2}', '{"name": "x"}', "null"],
)
def test_facts_that_cannot_be_read(text: str) -> None:
    model = onnx.ModelProto()
    onnx.helper.set_model_props(model, {METADATA_KEY: text})
    with pytest.raises(ModelError, match="Hint: was it written by a newer vidsr"):
        read_facts(model.SerializeToString())


GOOD = NetworkFacts(
    name="a", kind="lite", channels=1, scale=4, shuffle=4, halo=9, alignment=1, offset=0.0,
    precision="fp16", input_type="fp32", output_type="fp32", bytes_per_pixel=300,
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"schema": 2}, {"shuffle": 3}, {"scale": 0}, {"channels": True}, {"halo": -1}, {"name": 1},
     {"offset": float("nan")}, {"offset": 2.0}, {"precision": "int4"}, {"input_type": "int8"},
     {"alignment": 1.5}],
)  # fmt: skip
def test_facts_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(change))} ?="):
        dataclasses.replace(GOOD, **change)


def test_facts_as_text_and_back() -> None:
    assert NetworkFacts.from_json(GOOD.to_json()) == GOOD


def test_damaged_files_end_in_one_kind_of_error() -> None:
    data = exported("espcn", "fp16")
    chance = random.Random(1)
    for _ in range(300):
        damaged = bytearray(data[: chance.randrange(len(data))])
        for _ in range(min(8, len(damaged))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with pytest.raises(ModelError):
            read_facts(bytes(damaged))
