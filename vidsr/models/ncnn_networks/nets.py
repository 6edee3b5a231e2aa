"""Networks out of ncnn's files: Compact and ESRGAN, recognised by what their graphs compute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.foreign.compact import recognise_compact
from vidsr.models.foreign.esrgan import recognise_esrgan
from vidsr.models.foreign.reduced import Reduced
from vidsr.models.foreign.refusal import Misfit, reason_of
from vidsr.models.foreign.tensor_file import require_plain
from vidsr.models.ncnn_networks.files import NcnnLayer, NcnnWeights, read_graph, read_weights
from vidsr.models.ncnn_networks.graph import Expressions, graph_expression
from vidsr.models.networks.rrdb import RESIDUAL_SCALE, SLOPE
from vidsr.models.networks.stated_net import StatedNet

RRDB_CONVS = 15  # of a block
ENDS = 4  # first, after the blocks, and the last two
HINT = "of ncnn's graphs, Compact and ESRGAN are read; others load from .pth or .onnx"


def read_ncnn(graph: Path, weights: Path) -> StatedNet:
    """Return the network of a pair of ncnn's files. Raises ModelError."""
    layers = read_graph(graph)
    table = Expressions()
    try:
        made = graph_expression(layers, table)
    except (ValueError, KeyError) as error:
        raise ModelError(f"{graph}: a graph with {str(error)[:120]}", hint=HINT) from error
    tensors = read_weights(weights, layers)
    for index, part in enumerate(tensors):
        for tensor in (part.weight, part.bias):
            if tensor is not None:
                require_plain(weights, f"layer {index}", tensor)
    for net in _candidates(graph, layers, tensors, table, made):
        return net
    raise ModelError(f"{graph}: a graph of another architecture", hint=HINT)


def _candidates(
    graph: Path,
    layers: list[NcnnLayer],
    weights: list[NcnnWeights],
    table: Expressions,
    made: int,
) -> Iterator[StatedNet]:
    """Yield networks that have these weights and compute what the graph does."""
    try:
        if (small := recognise_compact(compact_names(weights))) is not None:
            for size in _last_sizes(layers):
                if compact_expression(small, size, table) == made:
                    yield Reduced(small, size) if size != 1 else small
        large = recognise_esrgan(esrgan_names(weights))
        if large is not None and esrgan_expression(large, table) == made:
            yield large
    except (Misfit, RuntimeError) as error:  # shapes that do not follow each other
        raise ModelError(f"{graph}: {reason_of(error)}", hint=HINT) from error


def compact_names(weights: list[NcnnWeights]) -> dict[str, Tensor]:
    """Return the weights under the names that Compact's trainers give."""
    names = {f"body.{n}.weight": part.weight for n, part in enumerate(weights)}
    biases = {f"body.{n}.bias": b for n, part in enumerate(weights) if (b := part.bias) is not None}
    return names | biases


def esrgan_names(weights: list[NcnnWeights]) -> dict[str, Tensor]:
    """Return the weights under the names that ESRGAN's trainers give; {} for too few."""
    doublings = (len(weights) - ENDS) % RRDB_CONVS
    blocks = (len(weights) - ENDS - doublings) // RRDB_CONVS
    if blocks < 1:
        return {}
    layers = ["conv_first"]
    for block in range(blocks):
        layers += [f"body.{block}.rdb{d}.conv{c}" for d in (1, 2, 3) for c in range(1, 6)]
    layers += ["conv_body", *(f"conv_up{n + 1}" for n in range(doublings)), "conv_hr", "conv_last"]
    out = {}
    for name, part in zip(layers, weights, strict=True):
        out[f"{name}.weight"] = part.weight
        if part.bias is not None:
            out[f"{name}.bias"] = part.bias
    return out


def _last_sizes(layers: list[NcnnLayer]) -> Iterator[float]:
    """Yield 1, and the factor of a resize at the end of the graph."""
    yield 1.0
    if layers[-1].kind == "Interp":
        yield layers[-1].real(1, 1.0)


def compact_expression(net: nn.Module, size: float, table: Expressions) -> int:
    """Return the number of what a Compact network computes, resized at its end by ``size``."""
    assert isinstance(net, StatedNet)
    x = h = table.input()
    layers = net.get_submodule("body")
    assert isinstance(layers, nn.Sequential)
    for index in range(0, len(layers), 2):
        h = table.prelu(index + 1, table.conv(index, h))
    h = table.conv(len(layers), h)
    if net.scale > 1:
        h, x = table.resized("shuffle", net.scale, h), table.resized("nearest", net.scale, x)
    h = table.sum((1.0, h), (1.0, x))
    return h if size == 1 else table.resized("bicubic", size, h)


def esrgan_expression(net: nn.Module, table: Expressions) -> int:
    """Return the number of what an ESRGAN without a coarser grid computes."""
    index = iter(range(1 << 20))
    head = h = table.conv(next(index), table.input())
    for _ in range(len(net.get_submodule("blocks"))):  # type: ignore[arg-type]
        block = h
        for _ in range(3):
            seen = [h]
            for _ in range(4):
                both = seen[0] if len(seen) == 1 else table.joined(tuple(seen))
                seen.append(table.leaky(SLOPE, table.conv(next(index), both)))
            last = table.conv(next(index), table.joined(tuple(seen)))
            h = table.sum((RESIDUAL_SCALE, last), (1.0, h))
        h = table.sum((RESIDUAL_SCALE, h), (1.0, block))
    h = table.sum((1.0, head), (1.0, table.conv(next(index), h)))
    for _ in range(len(net.get_submodule("upsample")) // 3):  # type: ignore[arg-type]
        h = table.leaky(SLOPE, table.conv(next(index), table.resized("nearest", 2, h)))
    h = table.leaky(SLOPE, table.conv(next(index), h))
    return table.conv(next(index), h)
