"""8-bit codes in an ONNX graph: pairs of QuantizeLinear and DequantizeLinear before convolutions.

The form that TensorRT's explicit quantisation reads: on what goes into a convolution one step for
the whole tensor, on its weights one for each output channel (axis 0), zero points of 0 in the type
of the codes. Steps have the type of the numbers they round, which TensorRT asks for; half precision
and E4M3 there need opset 19.
https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vidsr.engines.quantised.codes import CodeType
from vidsr.engines.quantised.networks import ConvSteps

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

CODED_OPSET, CODED_IR_VERSION = 19, 9  # IR version 9 came with opset 19, in ONNX 1.14
CHANNEL_AXIS = 0  # of weights [O, I, k, k]


def write_codes(proto: ModelProto, steps: Mapping[str, ConvSteps], codes: CodeType) -> None:
    """Write codes into a graph of floats, in place.

    Args:
        proto: Graph in which a convolution's weights are called ``PREFIX.NAME.weight``.
        steps: Steps by NAME of each convolution that works on codes.
        codes: Type of the codes.

    Raises:
        ValueError: The graph lacks one of the convolutions.
    """
    proto.ir_version = CODED_IR_VERSION
    for opset in proto.opset_import:
        opset.version = max(opset.version, CODED_OPSET)
    graph = proto.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    left = dict(steps)
    nodes: list[NodeProto] = []
    for node in graph.node:
        name = node.input[1].partition(".")[2].removesuffix(".weight") if _is_conv(node) else ""
        if name in left:
            pairs = _Pairs(graph, name, stored[node.input[1]].data_type, codes)
            own = left.pop(name)
            nodes += pairs.around(node, 0, np.array(own.input_step))
            nodes += pairs.around(node, 1, own.weight_steps.numpy())
        nodes.append(node)
    if left:
        raise ValueError(f"the graph has no convolution {min(left)}")
    del graph.node[:]
    graph.node.extend(nodes)


def _is_conv(node: NodeProto) -> bool:
    return node.op_type == "Conv"


class _Pairs:
    """Maker of the two pairs of nodes of one convolution."""

    def __init__(self, graph: GraphProto, name: str, kind: int, codes: CodeType) -> None:
        self._graph, self._name, self._kind, self._codes = graph, name, kind, codes

    def around(self, conv: NodeProto, index: int, steps: np.ndarray) -> Iterator[NodeProto]:
        """Yield the nodes that round one input of ``conv``, which takes what they give."""
        from onnx import helper

        name = f"{self._name}.{('input', 'weight')[index]}"
        ends = self._stored(f"{name}.step", steps), self._zero(f"{name}.zero", steps.shape)
        axis: dict[str, Any] = {"axis": CHANNEL_AXIS} if steps.ndim else {}
        coded, floats = f"{name}.codes", f"{name}.rounded"
        for kind, given, result in (
            ("QuantizeLinear", conv.input[index], coded),
            ("DequantizeLinear", coded, floats),
        ):
            yield helper.make_node(kind, [given, *ends], [result], name=f"{name}.{kind}", **axis)
        conv.input[index] = floats

    def _stored(self, name: str, steps: np.ndarray) -> str:
        from onnx import helper, numpy_helper

        dtype = helper.tensor_dtype_to_np_dtype(self._kind)
        return self._keep(numpy_helper.from_array(steps.astype(dtype), name))

    def _zero(self, name: str, shape: tuple[int, ...]) -> str:
        from onnx import TensorProto, helper

        kinds = {"int8": TensorProto.INT8, "fp8": TensorProto.FLOAT8E4M3FN}
        zeros = bytes(int(np.prod(shape)))
        return self._keep(helper.make_tensor(name, kinds[self._codes], shape, zeros, raw=True))

    def _keep(self, tensor: TensorProto) -> str:
        self._graph.initializer.append(tensor)
        name: str = tensor.name
        return name
