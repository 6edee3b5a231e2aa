"""Reach of a network counted on its graph, where every operator is one whose reach is known.

For a sample of a tensor, whose grid has ``step`` pixels of the input from one sample to the next,
the pixels that it depends on lie within ``around`` pixels of those that it covers. Where that is
not known exactly, it is counted too large, never too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vidsr.models.onnx_networks.graph import GraphOutline, Node, TensorOutline

# Operators that look at one sample of each input.
BY_SAMPLE = frozenset(
    """
    Abs Add BatchNormalization Cast CastLike Ceil Celu Clip DequantizeLinear Div Dropout Elu Erf Exp
    Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Max Min Mish Mul Neg PRelu Pow
    QuantizeLinear Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Swish
    Tanh ThresholdedRelu
    """.split()  # noqa: SIM905
)
# Operators that leave rows and columns alone where they work along the axis of channels.
BY_CHANNEL = frozenset(("Concat", "Split", "Gather", "Slice"))
CHANNELS = ((1,), (-3,))  # the axis of channels, from either end
RESIZE_TAPS = {"nearest": 1, "linear": 1, "cubic": 2}


@dataclass(frozen=True)
class Grid:
    """Grid of a tensor and how far its samples look."""

    step: Fraction
    around: Fraction


@dataclass(frozen=True)
class CountedReach:
    """Reach in pixels of the input, and the step of the coarsest grid."""

    halo: int
    alignment: int


class Unknown(Exception):
    """Error of an operator whose reach is not known."""


def count_reach(graph: GraphOutline) -> CountedReach | None:
    """Return the reach of a graph of one picture to another; None where it is not known."""
    stored = {tensor.name: tensor for tensor in graph.tensors}
    for node in graph.nodes:
        if node.op == "Constant":
            stored[node.outputs[0]] = node.tensors.get("value", TensorOutline())
    pictures = [name for name in graph.inputs if name not in stored]
    grids = dict.fromkeys(pictures, Grid(Fraction(1), Fraction(0)))
    try:
        for node in graph.nodes:
            if node.op != "Constant":
                _follow(node, grids, stored)
        last = grids[graph.outputs[0]]
    except (Unknown, KeyError, IndexError, ZeroDivisionError):
        return None
    coarsest = max(grid.step for grid in grids.values())
    if coarsest.denominator > 1:
        return None
    # What is read begins and ends with a pixel, so that less than one more is none.
    return CountedReach(int(last.around), int(coarsest))


def _follow(node: Node, grids: dict[str, Grid], stored: dict[str, TensorOutline]) -> None:
    """Add the grids of what ``node`` gives, or what it gives to what is stored."""
    looked = [grids[name] for name in node.inputs if name in grids]
    if not looked:
        if not all(name in stored for name in node.inputs if name):
            raise Unknown(node.op)
        first = stored.get(node.inputs[0]) if node.inputs and node.op in BY_SAMPLE else None
        dims = first.dims if first else ()  # a quantised kernel is one still
        stored |= {name: TensorOutline(dims=dims) for name in node.outputs}
        return
    if node.domain or node.branches:
        raise Unknown(node.op)
    before = _together(looked)
    grid = _after(node, before, [stored.get(name) for name in node.inputs])
    grids |= dict.fromkeys(node.outputs, grid)


def _together(grids: Sequence[Grid]) -> Grid:
    if len({grid.step for grid in grids}) > 1:
        raise Unknown("samples of different grids meet")
    return Grid(grids[0].step, max(grid.around for grid in grids))


def _after(node: Node, before: Grid, constants: Sequence[TensorOutline | None]) -> Grid:
    if node.op in BY_SAMPLE:
        return before
    if node.op in BY_CHANNEL:
        return _by_channel(node, before, constants)
    match node.op:
        case "Conv" | "QLinearConv":
            kernel = constants[1 if node.op == "Conv" else 3]
            return _convolved(node, before, _kernel(node, kernel))
        case "MaxPool" | "AveragePool":
            return _convolved(node, before, _kernel(node, None))
        case "ConvTranspose":
            return _transposed(node, before, _kernel(node, constants[1]))
        case "DepthToSpace":
            step = before.step / node.integers["blocksize"][0]
            return Grid(step, before.around + before.step - step)
        case "SpaceToDepth":
            return Grid(before.step * node.integers["blocksize"][0], before.around)
        case "Resize" | "Upsample":
            return _resized(node, before, constants)
        case "Pad":
            return _padded(node, before, constants)
    raise Unknown(node.op)


def _kernel(node: Node, weights: TensorOutline | None) -> tuple[int, ...]:
    stated = node.integers.get("kernel_shape")
    if stated:
        return stated
    if weights is None or len(weights.dims) != 4:
        raise Unknown(node.op)
    return weights.dims[2:]


def _windows(node: Node, kernel: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return stride, padding before and span of both axes."""
    if node.strings.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Unknown(node.op)
    strides = node.integers.get("strides", (1, 1))
    dilations = node.integers.get("dilations", (1, 1))
    pads = node.integers.get("pads", (0, 0, 0, 0))
    return [(strides[i], pads[i], dilations[i] * (kernel[i] - 1)) for i in range(2)]


def _convolved(node: Node, before: Grid, kernel: tuple[int, ...]) -> Grid:
    windows = _windows(node, kernel)
    if windows[0][0] != windows[1][0]:
        raise Unknown(node.op)
    more = max(max(pad, span - pad + 1 - stride, 0) for stride, pad, span in windows)
    return Grid(before.step * windows[0][0], before.around + more * before.step)


def _transposed(node: Node, before: Grid, kernel: tuple[int, ...]) -> Grid:
    windows = _windows(node, kernel)
    if windows[0][0] != windows[1][0]:
        raise Unknown(node.op)
    step = before.step / windows[0][0]
    more = max(
        max((span - pad) * step, (pad - 1) * step + before.step, Fraction(0))
        for _, pad, span in windows
    )
    return Grid(step, before.around + more)


def _resized(node: Node, before: Grid, constants: Sequence[TensorOutline | None]) -> Grid:
    taps = RESIZE_TAPS.get(node.strings.get("mode", "nearest"))
    factors = constants[2 if node.op == "Resize" and len(constants) > 2 else 1]
    if taps is None or factors is None or len(factors.values) != 4:
        raise Unknown(node.op)
    across = {Fraction(value).limit_denominator(64) for value in factors.values[2:]}
    if len(across) > 1 or factors.values[:2] != (1, 1) or node.integers.get("antialias"):
        raise Unknown(node.op)
    return Grid(before.step / across.pop(), before.around + (taps + 1) * before.step)


def _padded(node: Node, before: Grid, constants: Sequence[TensorOutline | None]) -> Grid:
    stored = constants[1] if len(constants) > 1 else None
    pads = node.integers.get("pads") or (stored.values if stored else ())
    if len(pads) != 8 or any(pads[i] for i in (0, 1, 4, 5)) or len(constants) > 3:
        raise Unknown(node.op)
    return Grid(before.step, before.around + int(max(map(abs, pads))) * before.step)


def _by_channel(node: Node, before: Grid, constants: Sequence[TensorOutline | None]) -> Grid:
    if node.op == "Slice":
        stored = constants[3] if len(constants) > 3 else None
        axes = tuple(stored.values) if stored else node.integers.get("axes", ())
    else:
        axes = node.integers.get("axis", (0,))
    if tuple(axes) not in CHANNELS:
        raise Unknown(node.op)
    return before
