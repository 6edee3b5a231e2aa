"""Generators as ONNX: what TensorRT builds its engines from.

ONNX opset 18 in files of IR version 8, the one that came with that opset (ONNX 1.13). The parser of
TensorRT 11 takes opsets 9 to 25:
https://docs.nvidia.com/deeplearning/tensorrt/latest/reference/onnx-opset-guide.html
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from vidsr.engines.devices import DTYPES
from vidsr.engines.onnx_files.coded import write_codes
from vidsr.engines.onnx_files.facts import METADATA_KEY, FloatType, NetworkFacts, NetworkType
from vidsr.engines.pytorch.engine import bytes_per_pixel
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.engines.quantised.codes import CodeType
from vidsr.engines.quantised.networks import (
    ConvSteps,
    load_steps_of,
    quantisable,
    rounded_weights,
)
from vidsr.errors import DeviceError, ModelError
from vidsr.models.checkpoint import Generator
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.onnx_networks.network import onnx_network
from vidsr.models.receptive_field import alignment, halo
from vidsr.models.zoo import Model

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 18, 8
INPUT, OUTPUT = "x", "y"
NEEDED = ("onnx", "onnxscript")  # torch.onnx.export itself asks for the second
LARGEST = 1 << 15  # of a dimension; symbolic shapes need some bound
EXAMPLE_STEPS = (3, 4)  # height and width of the traced picture, in steps of the coarsest grid


def export_onnx(
    model: Model | Generator, *, precision: NetworkType = "fp16", floats: FloatType = "fp16"
) -> bytes:
    """Return a generator as the bytes of an ONNX file; the same weights give the same bytes.

    The graph is ``InferenceNet``: ``x`` [N, C, H, W] to ``y``, the picture before its last
    shuffle, any N, and any H and W that are multiples of ``alignment``. Precision is in the graph:
    fp16 weights make a strongly typed fp16 engine. ``int8`` and ``fp8`` put the steps beside the
    weights into the graph, see ``write_codes``; ``floats`` is the type of all that is not in codes.
    A model out of an ONNX file keeps its graph and its numbers, and gets these ends. What else
    there is to know lies in the file's metadata: see ``read_facts``.
    Raises DeviceError where the packages for it are absent, ModelError where the export fails, and
    OptionError for a network that has no steps.
    """
    module = model.module if isinstance(model, Model) else model
    if isinstance(module, StatedNet) and module.traits.eager_only:
        raise ModelError(f"{module.architecture}: cannot be exported: PyTorch alone runs it")
    require_exporter()
    if (foreign := onnx_network(module)) is not None:
        from vidsr.engines.onnx_files.adapted import adapted_onnx

        return adapted_onnx(foreign, model.name if isinstance(model, Model) else "onnx")
    import onnx

    codes: CodeType | None = None
    steps: Mapping[str, ConvSteps] = {}
    if precision == "int8" or precision == "fp8":  # mypy narrows no other form
        codes, (module, steps) = precision, _in_codes(model, precision, floats)
        net = inference_net(module, floats)
    else:
        net = inference_net(module, precision)
    facts = facts_of(net, model.name if isinstance(model, Model) else None)
    try:
        proto = _plain(_traced(net, facts))
        if codes is not None:
            write_codes(proto, steps, codes)
            facts = replace(facts, precision=codes)
        onnx.helper.set_model_props(proto, {METADATA_KEY: facts.to_json()})
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # the exporter's own, torch.export's, onnx's: no common base
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{facts.name}: cannot be exported: {reason[0]}") from error
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _in_codes(
    model: Model | Generator, codes: CodeType, floats: FloatType
) -> tuple[Generator, Mapping[str, ConvSteps]]:
    """Return the network with rounded weights, and the steps of its convolutions."""
    if not isinstance(model, Model):
        raise ModelError(f"precision = {codes!r}: expected a model with its file, got a network")
    net = quantisable(model.module, model.name)
    return rounded_weights(net, load_steps_of(model).layers, codes, DTYPES[floats])


def require_exporter() -> None:
    """Raise DeviceError where a package that the export needs is absent."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        raise DeviceError(
            f"exporting a network needs {' and '.join(absent)}", hint="pip install -e '.[export]'"
        )


def inference_net(module: Generator, precision: FloatType) -> InferenceNet:
    """Return the network that is exported, on the CPU; half precision comes out as it is."""
    return InferenceNet(module, DTYPES[precision], half_output=True).cpu().eval()


def facts_of(net: InferenceNet, name: str | None = None) -> NetworkFacts:
    """Return what ``export_onnx`` writes beside the graph."""
    step = _alignment(net)
    example = net(torch.zeros(1, net.net.channels, step, step, dtype=net.input_dtype))
    return NetworkFacts(
        name=name or f"{_kind(net)}-x{net.net.scale}",
        kind=_kind(net),
        channels=net.net.channels,
        scale=net.net.scale,
        shuffle=net.shuffle,
        halo=_halo(net),
        alignment=step,
        offset=net.offset,
        precision=_type_name(net.dtype),
        input_type=_type_name(net.input_dtype),
        output_type=_type_name(example.dtype),
        bytes_per_pixel=bytes_per_pixel(net),
    )


def _kind(net: InferenceNet) -> str:
    return net.net.architecture if isinstance(net.net, StatedNet) else net.config.kind


def _alignment(net: InferenceNet) -> int:
    return net.net.traits.alignment if isinstance(net.net, StatedNet) else alignment(net.net)


def _halo(net: InferenceNet) -> int:
    """Return the reach. Raises ModelError where it is not known: tiles would show."""
    reach = net.net.traits.halo if isinstance(net.net, StatedNet) else halo(net.net)
    if reach is None:
        raise ModelError(f"{_kind(net)}: cannot be exported: its reach in space is not known")
    return reach


def _type_name(dtype: torch.dtype) -> FloatType:
    return "fp16" if dtype == torch.float16 else "fp32"


def _traced(net: InferenceNet, facts: NetworkFacts) -> ModelProto:
    """Return the graph with symbolic sizes, as PyTorch exports it."""
    step, dim = facts.alignment, torch.export.Dim
    height, width = (dim(name, min=1, max=LARGEST) for name in ("h", "w"))
    if step > 1:
        height, width = step * height, step * width
    sides = (step * n for n in EXAMPLE_STEPS)
    example = torch.zeros(2, facts.channels, *sides, dtype=net.input_dtype)  # a 1 is no symbol
    with _quiet():
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: dim("n", min=1, max=LARGEST), 2: height, 3: width},),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says about packages nobody needs and its own old code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _plain(proto: ModelProto) -> ModelProto:
    """Remove notes of who made it, where and how, which would differ between equal networks."""
    proto.ir_version = IR_VERSION
    graph = proto.graph
    parts = (*graph.node, *graph.input, *graph.output, *graph.initializer, graph, proto)
    for part in parts:
        part.ClearField("doc_string")
        part.ClearField("metadata_props")  # in IR version 8, models have some, parts have none
    proto.ClearField("producer_name")
    proto.ClearField("producer_version")
    graph.name = "vidsr"
    graph.ClearField("value_info")
    return proto
