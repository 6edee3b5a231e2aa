"""ONNX files of others with vidsr's own ends, for those who build engines from exported networks.

Around the graph come the nodes that its range, order, layout and types ask for: ``x`` is float32
RGB or luma in [0, 1], and so is ``y``. TensorRT then takes the file for one of vidsr's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vidsr.engines.onnx_files.facts import METADATA_KEY, NetworkFacts
from vidsr.errors import ModelError
from vidsr.models.onnx_networks.contract import End
from vidsr.models.onnx_networks.ends import AFFINE
from vidsr.models.onnx_networks.memory import bytes_per_pixel
from vidsr.models.onnx_networks.network import OnnxNetwork

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

INPUT, OUTPUT, PREFIX = "x", "y", "inner/"
TYPES = {"float32": 1, "float16": 10, "uint8": 2}
"""Types by ``TensorProto.DataType``."""


def adapted_onnx(network: OnnxNetwork, name: str) -> bytes:
    """Return the network as ``export_onnx`` would: one file, with the facts in its metadata.

    Raises ModelError for what TensorRT's way cannot serve: one fixed size, an unknown reach,
    weights beside the file.
    """
    import onnx

    _check(network)
    inner = onnx.compose.add_prefix(onnx.load_model(str(network.path)), PREFIX)
    graph, contract = inner.graph, network.contract
    before = _Chain(INPUT, PREFIX + contract.input.name)
    _enter(before, contract.input)
    after = _Chain(PREFIX + contract.output.name, OUTPUT)
    _leave(after, contract.output)
    nodes = [*before.nodes(), *graph.node, *after.nodes()]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.stored, *after.stored])
    _state_ends(graph, contract.channels)
    onnx.helper.set_model_props(inner, {METADATA_KEY: facts_of(network, name).to_json()})
    try:
        onnx.checker.check_model(inner)
    except Exception as error:  # onnx's own, without a common base
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{network.path}: cannot be adapted: {reason[0]}") from error
    data: bytes = inner.SerializeToString(deterministic=True)
    return data


def facts_of(network: OnnxNetwork, name: str) -> NetworkFacts:
    """Return what whoever feeds the adapted network has to know."""
    contract, traits = network.contract, network.traits
    assert traits.halo is not None
    return NetworkFacts(
        name=name,
        kind="onnx",
        channels=contract.channels,
        scale=contract.scale,
        shuffle=1,
        halo=traits.halo,
        alignment=traits.alignment,
        offset=0.0,
        precision="fp16" if network.half else "fp32",
        input_type="fp32",
        output_type="fp32",
        bytes_per_pixel=bytes_per_pixel(contract),
    )


def _check(network: OnnxNetwork) -> None:
    reasons = {
        "it takes one size only": network.contract.fixed_size is not None,
        "its reach is not known": network.counted is None,
        "it takes several pictures at once": network.contract.fixed_batch > 1,
        "its weights lie beside it": network.beside,
    }
    for reason, holds in reasons.items():
        if holds:
            raise ModelError(f"{network.path}: no TensorRT engine is built of it: {reason}")


class _Chain:
    """Nodes from one tensor to another, each on what the one before gives."""

    def __init__(self, first: str, last: str) -> None:
        self._first, self._last = first, last
        self._made: list[NodeProto] = []
        self.stored: list[TensorProto] = []

    def add(self, op: str, *constants: np.ndarray, **attributes: object) -> None:
        """Append a node; constants are its further inputs."""
        import onnx

        at = self._made[-1].output[0] if self._made else self._first
        names = [f"{self._first}.{len(self._made)}.{i}" for i in range(len(constants))]
        self.stored += [
            onnx.numpy_helper.from_array(value, name)
            for value, name in zip(constants, names, strict=True)
        ]
        given = [f"{self._first}.{len(self._made)}"]
        node = onnx.helper.make_node(op, [at, *names], given, **attributes)  # type: ignore[arg-type]
        self._made.append(node)

    def nodes(self) -> list[NodeProto]:
        """Return the nodes, the last of which gives what the chain leads to."""
        if not self._made:
            self.add("Identity")
        self._made[-1].output[0] = self._last
        return self._made


def _enter(chain: _Chain, end: End) -> None:
    factor, offset = AFFINE[end.range]
    if end.order == "bgr":
        chain.add("Gather", np.array([2, 1, 0], np.int64), axis=1)
    if factor != 1:
        chain.add("Mul", np.array(factor, np.float32))
    if offset:
        chain.add("Add", np.array(offset, np.float32))
    if end.type == "uint8":
        chain.add("Round")
        chain.add("Clip", np.array(0, np.float32), np.array(255, np.float32))
    if end.type != "float32":
        chain.add("Cast", to=TYPES[end.type])
    if end.layout == "nhwc":
        chain.add("Transpose", perm=[0, 2, 3, 1])


def _leave(chain: _Chain, end: End) -> None:
    factor, offset = AFFINE[end.range]
    if end.layout == "nhwc":
        chain.add("Transpose", perm=[0, 3, 1, 2])
    if end.type != "float32":
        chain.add("Cast", to=TYPES["float32"])
    if offset:
        chain.add("Sub", np.array(offset, np.float32))
    if factor != 1:
        chain.add("Div", np.array(factor, np.float32))
    if end.order == "bgr":
        chain.add("Gather", np.array([2, 1, 0], np.int64), axis=1)


def _state_ends(graph: GraphProto, channels: int) -> None:
    """Give the graph its new input and output."""
    import onnx

    for values, name in ((graph.input, INPUT), (graph.output, OUTPUT)):
        del values[:]
        shape: list[str | int | None] = ["n", channels, f"h_{name}", f"w_{name}"]
        values.append(onnx.helper.make_tensor_value_info(name, TYPES["float32"], shape))
    del graph.value_info[:]
