"""Engines of the lite network on [1, 1, h, w]: 8 bits on three runtimes, floats on two."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
import torch
from int8_quantise import Coded, Grid, Layer
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from vidsr.engines.pytorch.onednn import DirectConv2d
from vidsr.models.networks.lite import Lite

OPSET, IR_VERSION = 18, 8
SAME = ([1, 1], [1, 1], [1, 1], 1)  # stride, padding, dilation, groups of a 3x3 convolution


class Writer:
    """Writer of an ONNX graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **options: Any) -> str:
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **options))
        return output

    def rounded(self, x: str, grid: Grid) -> str:
        """Turn to codes and back, which runtimes recognise as 8 bits."""
        to = self.constant(np.float32(grid.step)), self.constant(np.uint8(grid.zero))
        return self.add("DequantizeLinear", self.add("QuantizeLinear", x, *to), *to)

    def decoded(self, codes: Tensor, steps: Tensor) -> str:
        zeros = np.zeros(len(steps), codes.numpy().dtype)
        parts = (codes.numpy(), steps.numpy(), zeros)
        return self.add("DequantizeLinear", *map(self.constant, parts), axis=0)

    def conv(self, x: str, weight: str, bias: str) -> str:
        return self.add("Conv", x, weight, bias, pads=[1] * 4, kernel_shape=[3, 3])

    def prelu(self, x: str, slopes: Tensor) -> str:
        return self.add("PRelu", x, self.constant(slopes.numpy().reshape(-1, 1, 1)))


@torch.no_grad()
def onnx_bytes(
    net: Lite, size: tuple[int, int], coded: Coded | None = None, *, results: bool = False
) -> bytes:
    """Write ``net`` for pictures of ``size`` (h, w), in floats unless it is ``coded``.

    ``results`` rounds what convolutions give too, without which ONNX Runtime multiplies floats.
    """
    to = Writer()
    h = to.add("Sub", "x", to.constant(np.float32(0.5)))
    for index, conv in enumerate((net.head, *net.body, net.tail)):
        layer = coded.layers[index - 1] if coded and index else None
        floats = coded.head if coded else (conv.weight, conv.bias)
        weight = to.constant(floats[0].numpy()) if layer is None else ""
        own = floats[1] if layer is None else layer.bias
        bias = "" if layer and results else to.constant(own.numpy())
        if layer is not None:
            h, weight = to.rounded(h, layer.grid), to.decoded(layer.weight, layer.steps)
            steps = layer.steps * layer.grid.step
            bias = bias or to.decoded((layer.bias / steps).round().to(torch.int32), steps)
        h = to.conv(h, weight, bias)
        if layer is not None and results:
            h = to.rounded(h, layer.result)
        if index <= len(net.body):
            activation = net.activations[index]
            assert isinstance(activation, nn.PReLU)
            h = to.prelu(h, activation.weight)
    to.add("Add", h, "x", output="y")
    height, width = size
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, height, width])
        for name, channels in (("x", 1), ("y", net.config.scale**2))
    ]
    graph = helper.make_graph(to.nodes, "lite", ends[:1], ends[1:], to.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


class OpenVino:
    """Engine in the type that the plugin chooses: bf16 if it is native. 8 bits are vidsr's own."""

    def __init__(self, data: bytes, threads: int) -> None:
        import openvino

        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self.compiled = core.compile_model(core.read_model(model=data, weights=b""), "CPU", options)
        self.request = self.compiled.create_infer_request()

    def __call__(self, x: Tensor) -> Tensor:
        self.request.infer({0: x.contiguous().numpy()}, share_inputs=True)
        return torch.from_numpy(self.request.get_output_tensor(0).data)


class OnnxRuntime:
    def __init__(self, data: bytes, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Its threads would otherwise go on spinning while the next engine is timed.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])

    def __call__(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.session.run(None, {"x": x.contiguous().numpy()})[0])


class TorchInt8:
    """Engine of oneDNN's 8-bit convolutions through PyTorch: floats out, two more passes after.

    No PReLU and no leaky ReLU can be fused into them (PyTorch 2.13: "Unsupported post op").
    """

    def __init__(self, net: Lite, coded: Coded, size: tuple[int, int]) -> None:
        self.net, self.layers = net, coded.layers
        head = copy.deepcopy(net.head)
        assert head.bias is not None
        head.weight.data, head.bias.data = coded.head
        head.to(torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = DirectConv2d.adopt(head)  # whose result has its channels last
        shape = [1, net.config.width, *size]
        self.packed = [
            torch.ops.onednn.qconv_prepack(
                layer.weight, layer.steps, layer.grid.step, layer.grid.zero, *SAME, shape
            )
            for layer in coded.layers
        ]

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        h = self.net.activations[0](self.head((x - 0.5).bfloat16()).float())
        for index, layer in enumerate(self.layers):
            h = self._conv(layer, self.packed[index], h)
            if index < len(self.net.body):
                h = self.net.activations[index + 1](h)
        result: Tensor = h + x
        return result

    def _conv(self, layer: Layer, packed: Tensor, x: Tensor) -> Tensor:
        grid = layer.grid
        codes = torch.quantize_per_tensor(x, grid.step, grid.zero, torch.quint8)
        plain = torch.empty(0, dtype=torch.uint8)  # the same memory; int_repr() copies, 0.56 ms
        plain.set_(codes.untyped_storage(), 0, codes.shape, codes.stride())
        zeros = torch.zeros(len(layer.steps), dtype=torch.int64)
        numbers = (grid.step, grid.zero, packed, layer.steps, zeros, layer.bias)
        out: Tensor = torch.ops.onednn.qconv2d_pointwise(
            plain, *numbers, *SAME, 1.0, 0, torch.float32, "none", [], ""
        )
        return out
