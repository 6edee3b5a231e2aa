"""Writer of Lite and SRResNet as ncnn's two files: layers as text, weights as bytes.

https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
https://github.com/Tencent/ncnn/wiki/operators (numbers of the parameters)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vidsr.engines.pytorch.rewrite import PhaseSRResNet, to_phase_module
from vidsr.errors import ModelError
from vidsr.models.checkpoint import Generator
from vidsr.models.networks.lite import Lite

MAGIC = 7767517
ADD, SUBTRACT = 0, 1
NEAREST = 1
FLOAT32 = bytes(4)  # the tag before weights that may come in several types


@dataclass(frozen=True)
class Layer:
    """One line of the text; blobs are named by the layers that make them."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: str = ""

    def __str__(self) -> str:
        counts = f"{len(self.inputs)} {len(self.outputs)}"
        words = (self.kind, self.outputs[0], counts, *self.inputs, *self.outputs, self.options)
        return " ".join(words).rstrip()


@dataclass
class Graph:
    """Layers in the order in which they run, and their weights."""

    layers: list[Layer] = field(default_factory=list)
    weights: list[bytes] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, **options: float) -> str:
        """Add a layer and return its result's name.

        Options are ``_0=…``: Python has no names that are numbers.
        """
        name = f"b{len(self.layers)}" if inputs else "x"
        text = " ".join(f"{key[1:]}={value}" for key, value in options.items())
        self.layers.append(Layer(kind, inputs, (name,), text))
        return name

    def run(self, layer: nn.Module, x: str) -> str:
        """Add a layer of PyTorch on ``x``. Raises ModelError for a layer that is not known here."""
        match layer:
            case nn.Conv2d():
                return self._conv(layer, x)
            case nn.PReLU():
                self.weights.append(_floats(layer.weight))
                return self.add("PReLU", x, _0=layer.num_parameters)
            case nn.PixelShuffle():
                return self.add("PixelShuffle", x, _0=layer.upscale_factor)
            case nn.Sequential():
                for inner in layer:
                    x = self.run(inner, x)
                return x
        raise ModelError(f"a layer {type(layer).__name__}")

    def _conv(self, conv: nn.Conv2d, x: str) -> str:
        self.weights += [FLOAT32, _floats(conv.weight)]
        if conv.bias is not None:
            self.weights.append(_floats(conv.bias))
        side, stride, padding = conv.kernel_size[0], conv.stride[0], int(conv.padding[0])
        shape = {"_0": conv.out_channels, "_1": side, "_3": stride, "_4": padding}
        bias = int(conv.bias is not None)
        return self.add("Convolution", x, **shape, _5=bias, _6=conv.weight.numel())

    def files(self, result: str) -> tuple[str, bytes]:
        """Return text and bytes; ``result`` comes out as ``y``."""
        layers = [*_split(self.layers), Layer("Noop", (result,), ("y",))]
        blobs = sum(len(layer.outputs) for layer in layers)
        lines = [str(MAGIC), f"{len(layers)} {blobs}", *map(str, layers)]
        return "\n".join(lines) + "\n", b"".join(self.weights)


def _split(layers: list[Layer]) -> list[Layer]:
    """Insert a layer ``Split`` behind every blob that is read more than once, as ncnn requires."""
    readers = Counter(name for layer in layers for name in layer.inputs)
    seen: Counter[str] = Counter()
    out: list[Layer] = []
    for layer in layers:
        inputs = []
        for name in layer.inputs:
            inputs.append(f"{name}_{seen[name]}" if readers[name] > 1 else name)
            seen[name] += 1
        out.append(Layer(layer.kind, tuple(inputs), layer.outputs, layer.options))
        made = layer.outputs[0]
        if readers[made] > 1:
            out.append(Layer("Split", (made,), tuple(f"{made}_{i}" for i in range(readers[made]))))
    return out


def _floats(tensor: Tensor) -> bytes:
    return tensor.detach().to(torch.float32).contiguous().numpy().tobytes()


def ncnn_file(module: Generator) -> tuple[str, bytes]:
    """Write a network from ``x`` [C, h, w] in [0, 1] to ``y`` [C, H, W].

    Raises ModelError for other kinds of network.
    """
    net, graph = to_phase_module(module), Graph()
    if isinstance(net, Lite) and net.config.stride == 1:
        return graph.files(_lite(graph, net))
    if isinstance(net, PhaseSRResNet):
        return graph.files(_srresnet(graph, net))
    raise ModelError(f"kind = {net.config.kind}, stride = {net.config.stride}; no writer for it")


def _lite(graph: Graph, net: Lite) -> str:
    scale = net.config.scale
    x = graph.add("Input")
    h = graph.run(net.head, graph.add("BinaryOp", x, _0=SUBTRACT, _1=1, _2=0.5))
    for activation, conv in zip(net.activations, [*net.body, net.tail], strict=True):
        h = graph.run(conv, graph.run(activation, h))
    nearest = graph.add("Interp", x, _0=NEAREST, _1=float(scale), _2=float(scale))
    return graph.add("BinaryOp", graph.run(nn.PixelShuffle(scale), h), nearest, _0=ADD)


def _srresnet(graph: Graph, net: PhaseSRResNet) -> str:
    head = h = graph.run(net.head, graph.add("Input"))
    for block in net.blocks:
        layers = (getattr(block, name) for name in ("conv1", "activation", "conv2"))
        h = graph.add("BinaryOp", graph.run(nn.Sequential(*layers), h), h, _0=ADD)
    h = graph.add("BinaryOp", graph.run(net.join, h), head, _0=ADD)
    h = graph.run(net.tail, graph.run(net.upsample, h))
    return graph.run(nn.PixelShuffle(net.shuffle), h)
