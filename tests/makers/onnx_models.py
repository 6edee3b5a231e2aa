"""ONNX files of one small network, as exporters and people write them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

SCALE = 2
DYNAMIC = {"x": {2: "h", 3: "w"}, "y": {2: "H", 3: "W"}}
BATCHES = {"x": {0: "n", 2: "h", 3: "w"}, "y": {0: "m", 2: "H", 3: "W"}}
FIXED = (24, 40)


class Sharpener(nn.Module):
    """Doubles pictures of unit range: repeats pixels and adds what two convolutions make of them.

    Values outside of the unit range are cut off, as in many files: a wrong range is seen.
    """

    def __init__(self, channels: int = 3, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.head = nn.Conv2d(channels, 8, 3, padding=1)
        self.slopes = nn.PReLU(8)
        self.tail = nn.Conv2d(8, channels * SCALE**2, 3, padding=1)
        for conv in (self.head, self.tail):
            conv.weight.data *= 0.5
            assert conv.bias is not None
            conv.bias.data *= 0.1

    def forward(self, x: Tensor) -> Tensor:
        x = x.clamp(0, 1)
        change = self.tail(self.slopes(self.head(x))) * 0.1
        return torch.pixel_shuffle(change + x.repeat_interleave(SCALE**2, dim=1), SCALE)


class Bytes(nn.Module):
    """The network on 0 to 255."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(x / 255) * 255
        return y


class Swapped(nn.Module):
    """The network for blue, green and red, at both ends or at the first."""

    def __init__(self, net: nn.Module, *, both: bool) -> None:
        super().__init__()
        self.net, self.both = net, both

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(x.flip(1))
        return y.flip(1) if self.both else y


def script(
    path: Path,
    net: nn.Module,
    *,
    opset: int = 17,
    axes: dict[str, dict[int, str]] | None = DYNAMIC,
    size: tuple[int, int] = (24, 32),
    channels: int = 3,
    half: bool = False,
) -> Path:
    """Write what PyTorch's older exporter makes of ``net``."""
    example = torch.zeros(1, channels, *size, dtype=torch.float16 if half else torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.half().eval() if half else net.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes=axes,
        )
    return path


def dynamo(path: Path, net: nn.Module, *, opset: int = 18) -> Path:
    """Write what PyTorch's newer exporter makes of ``net``."""
    dim = torch.export.Dim
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net.eval(),
            (torch.zeros(2, 3, 24, 32),),
            dynamo=True,
            opset_version=opset,
            dynamic_shapes=({0: dim("n", min=1), 2: dim("h", min=1), 3: dim("w", min=1)},),
            verbose=False,
        )
    assert program is not None
    program.save(str(path))
    return path


def by_hand(path: Path, net: Sharpener, *, opset: int = 13, half: bool = False) -> Path:
    """Write the graph node by node, weights in float16 for ``half``."""
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    number = np.float16 if half else np.float32
    weights = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    weights["slopes.weight"] = weights["slopes.weight"].reshape(-1, 1, 1)
    weights |= {"zero": np.array(0.0), "one": np.array(1.0), "tenth": np.array(0.1)}
    stored = [numpy_helper.from_array(value.astype(number), key) for key, value in weights.items()]
    repeat = np.repeat(np.eye(3), SCALE**2, axis=0)[:, :, None, None]
    stored.append(numpy_helper.from_array(repeat.astype(number), "repeat"))
    pads: dict[str, Any] = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Clip", ["x", "zero", "one"], ["seen"]),
        helper.make_node("Conv", ["seen", "head.weight", "head.bias"], ["a"], **pads),
        helper.make_node("PRelu", ["a", "slopes.weight"], ["b"]),
        helper.make_node("Conv", ["b", "tail.weight", "tail.bias"], ["c"], **pads),
        helper.make_node("Mul", ["c", "tenth"], ["d"]),
        helper.make_node("Conv", ["seen", "repeat"], ["e"]),
        helper.make_node("Add", ["d", "e"], ["f"]),
        helper.make_node("DepthToSpace", ["f"], ["y"], blocksize=SCALE, mode="CRD"),
    ]
    ends = [
        [helper.make_tensor_value_info(name, kind, ["n", 3, f"h{name}", f"w{name}"])]
        for name in ("x", "y")
    ]
    graph = helper.make_graph(nodes, "by hand", ends[0], ends[1], stored)
    return save(path, graph, opset)


def save(path: Path, graph: onnx.GraphProto, opset: int = 17) -> Path:
    """Write a graph in the file format of its time."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString())
    return path


def with_metadata(path: Path, **entries: str) -> Path:
    """Add entries of metadata, dots written as two underscores."""
    model = onnx.load_model(str(path))
    helper.set_model_props(model, {key.replace("__", "."): text for key, text in entries.items()})
    path.write_bytes(model.SerializeToString())
    return path


def with_external_weights(path: Path, source: Path) -> Path:
    """Write a file again, its weights in another one beside it."""
    model = onnx.load_model(str(source))
    onnx.save_model(
        model,
        str(path),
        save_as_external_data=True,
        location=f"{path.name}.data",
        size_threshold=0,
    )
    return path


def quantised(path: Path, source: Path) -> Path:
    """Write a file again, its convolutions in 8 bits between Q and DQ nodes."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            draw = np.random.default_rng(0)
            self.left = [{"x": draw.random((1, 3, 24, 32), dtype=np.float32)} for _ in range(3)]

        def get_next(self) -> dict[str, np.ndarray] | None:
            return self.left.pop() if self.left else None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_static(
            str(source),
            str(path),
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
        )
    return path


def channels_last_bytes(path: Path, net: Sharpener) -> Path:
    """Write the network with uint8 pictures, channels last, at both ends."""
    inner = onnx.load_model(str(by_hand(path, net)))
    graph = inner.graph
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = {"x": "unit", "y": "large"}.get(name, name)
    full = numpy_helper.from_array(np.array(255.0, np.float32), "full")
    before = [
        helper.make_node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "full"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["unit"], perm=[0, 3, 1, 2]),
    ]
    after = [
        helper.make_node("Mul", ["large", "full"], ["wide"]),
        helper.make_node("Round", ["wide"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "zero", "full"], ["inside"]),
        helper.make_node("Transpose", ["inside"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["turned"], ["y"], to=TensorProto.UINT8),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.UINT8, [1, f"h{name}", f"w{name}", 3])]
        for name in ("x", "y")
    ]
    nodes = [*before, *graph.node, *after]
    return save(
        path,
        helper.make_graph(nodes, "bytes", ends[0], ends[1], [*graph.initializer, full]),
        opset=13,
    )
