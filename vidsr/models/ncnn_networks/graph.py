"""Graphs of ncnn as expressions, compared with those of networks that run here.

Equal parts of a graph get equal numbers, so two graphs compute the same if their last numbers are
equal, whatever their blobs are called and however often values are split.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from vidsr.models.ncnn_networks.files import NcnnLayer

LEAKY, RELU_FUSED = 2, 1
NEAREST, BICUBIC = 1, 3
ADD, MULTIPLY = 0, 2  # of BinaryOp
SUM = 1  # of Eltwise


class Expressions:
    """Numbers for expressions: the same number for the same expression."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._forms: list[Hashable] = []

    def _of(self, form: Hashable) -> int:
        if form not in self._numbers:
            self._numbers[form] = len(self._forms)
            self._forms.append(form)
        return self._numbers[form]

    def input(self) -> int:
        """Return the number of the picture that goes in."""
        return self._of(("input",))

    def conv(self, index: int, x: int) -> int:
        """Return a 3x3 convolution with the weights of that index."""
        return self._of(("conv", index, x))

    def prelu(self, index: int, x: int) -> int:
        """Return a PReLU with the slopes of that index."""
        return self._of(("prelu", index, x))

    def leaky(self, slope: float, x: int) -> int:
        """Return a rectifier that multiplies negative numbers."""
        return self._of(("leaky", round(slope, 6), x))

    def resized(self, how: str, factor: float, x: int) -> int:
        """Return a shuffle or a resize by a factor."""
        return self._of((how, round(factor, 6), x))

    def joined(self, parts: tuple[int, ...]) -> int:
        """Return channels side by side."""
        return self._of(("joined", parts))

    def sum(self, *parts: tuple[float, int]) -> int:
        """Return the sum of parts with factors; a factor of one part is taken out of it."""
        flat = []
        for factor, x in parts:
            form = self._forms[x]
            if isinstance(form, tuple) and form[0] == "sum" and len(form[1]) == 1:
                flat.append((round(factor * form[1][0][0], 6), form[1][0][1]))
            else:
                flat.append((round(factor, 6), x))
        return self._of(("sum", tuple(sorted(flat))))


def graph_expression(layers: list[NcnnLayer], table: Expressions) -> int:
    """Return the number of what the graph makes last.

    Raises ValueError for layers and settings of no network that runs here, KeyError for a graph
    that reads what nobody makes.
    """
    blobs: dict[str, int] = {}
    weights = iter(range(len(layers)))
    last = -1
    for layer in layers:
        if layer.kind == "Input":
            last = table.input()
        else:
            read = tuple(blobs[name] for name in layer.inputs)
            last = _expression(layer, read, table, weights)
        blobs |= dict.fromkeys(layer.outputs, last)
    return last


def _expression(
    layer: NcnnLayer, read: tuple[int, ...], table: Expressions, weights: Iterator[int]
) -> int:
    match layer.kind:
        case "Split" if len(read) == 1:
            return read[0]
        case "Convolution":
            return _activated(layer, table.conv(next(weights), _only(layer, read)), table)
        case "PReLU":
            return table.prelu(next(weights), _only(layer, read))
        case "ReLU":
            return table.leaky(layer.real(0, 0.0), _only(layer, read))
        case "PixelShuffle":
            return table.resized("shuffle", layer.number(0, 1), _only(layer, read))
        case "Interp":
            return _resized(layer, _only(layer, read), table)
        case "Concat" if layer.number(0, 0) == 0:
            return table.joined(read)
        case "Eltwise" if layer.number(0, 0) == SUM:
            factors = layer.array(1) or (1.0,) * len(read)
            if len(factors) != len(read):
                raise ValueError(f"Eltwise of {len(read)} with {len(factors)} factors")
            return table.sum(*zip(factors, read, strict=True))
        case "BinaryOp":
            return _binary(layer, read, table)
    raise ValueError(f"a layer {layer.kind} with {dict(layer.values)}")


def _only(layer: NcnnLayer, read: tuple[int, ...]) -> int:
    if len(read) != 1:
        raise ValueError(f"a layer {layer.kind} that reads {len(read)}")
    return read[0]


def _activated(layer: NcnnLayer, x: int, table: Expressions) -> int:
    """Return a convolution's result behind the activation fused into it."""
    sides = [layer.number(key, default) for key, default in ((1, 0), (2, 1), (3, 1), (4, 0))]
    tall = [layer.number(key, side) for key, side in zip((11, 12, 13, 14), sides, strict=True)]
    if sides != [3, 1, 1, 1] or tall != sides or layer.number(5, 0) != 1 or layer.number(8, 0):
        raise ValueError(f"a convolution with {dict(layer.values)}")
    match layer.number(9, 0), layer.array(10):
        case 0, _:
            return x
        case 2, (slope,):
            return table.leaky(slope, x)
        case 1, _:
            return table.leaky(0.0, x)
    raise ValueError(f"a convolution with activation {layer.values.get(9)}")


def _resized(layer: NcnnLayer, x: int, table: Expressions) -> int:
    kind, down, across = layer.number(0, 0), layer.real(1, 1.0), layer.real(2, 1.0)
    how = {NEAREST: "nearest", BICUBIC: "bicubic"}.get(kind)
    if how is None or down != across or any(layer.number(key, 0) for key in (3, 4, 5, 6)):
        raise ValueError(f"a resize with {dict(layer.values)}")
    return table.resized(how, down, x)


def _binary(layer: NcnnLayer, read: tuple[int, ...], table: Expressions) -> int:
    kind, by_number = layer.number(0, 0), layer.number(1, 0)
    if kind == ADD and len(read) == 2 and not by_number:
        return table.sum((1.0, read[0]), (1.0, read[1]))
    if kind == MULTIPLY and len(read) == 1 and by_number:
        return table.sum((layer.real(2, 0.0), read[0]))
    raise ValueError(f"a layer BinaryOp with {dict(layer.values)}")
