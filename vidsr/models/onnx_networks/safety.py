"""What an ONNX file may hold to be run here: checked on its outline, before any library has it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from vidsr.errors import ModelError
from vidsr.models.onnx_networks.graph import (
    MOST_NODES,
    GraphOutline,
    ModelOutline,
    Node,
    TensorOutline,
    read_outline,
)

LARGEST_FILE = (1 << 31) - 1  # bytes; protobuf allows no more, larger weights lie beside
# Quantised numbers of 16 bits, which ONNX itself has from opset 21 on.
ALSO_KNOWN = {("com.microsoft", "QuantizeLinear"), ("com.microsoft", "DequantizeLinear")}
# What may go on for ever, or gives other pictures every time.
REFUSED = {
    "Loop": "may run for ever",
    "Scan": "may run for ever",
    "SequenceMap": "may run for ever",
    "RandomNormal": "draws random numbers",
    "RandomNormalLike": "draws random numbers",
    "RandomUniform": "draws random numbers",
    "RandomUniformLike": "draws random numbers",
    "Multinomial": "draws random numbers",
    "Bernoulli": "draws random numbers",
}


def read_checked(path: Path) -> ModelOutline:
    """Return the outline of an ONNX file that is safe to give to a library.

    Raises ModelError for what is damaged, leads out of its folder, or may do what no network for
    pictures does.
    """
    outline = _outline(path)
    check_outline(path, outline)
    return outline


def _outline(path: Path) -> ModelOutline:
    try:
        with path.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            if not 0 < length <= LARGEST_FILE:
                limit = f"expected 1 to {LARGEST_FILE} bytes, got {length}"
                raise ModelError(f"{path}: not an ONNX file: {limit}")
            # Not closed here: an exception may still hold a view of a part.
            return read_outline(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except ModelError:  # a ValueError as well
        raise
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (IndexError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it ends too early"
        raise ModelError(f"{path}: not an ONNX file, or damaged: {reason}") from error


def check_outline(path: Path, outline: ModelOutline) -> None:
    """Raise ModelError for operators, functions and places of weights that are refused."""
    for graph in (outline.graph, *outline.functions.values()):
        for node in _nodes(graph):
            _check_node(path, node, outline)
        for tensor in _tensors(graph):
            _check_place(path, tensor)
    _Size(path, outline).check()


def _nodes(graph: GraphOutline) -> Iterator[Node]:
    for node in graph.nodes:
        yield node
        for branch in node.branches:
            yield from _nodes(branch)


def _tensors(graph: GraphOutline) -> Iterator[TensorOutline]:
    yield from graph.tensors
    for node in graph.nodes:
        yield from node.tensors.values()
        for branch in node.branches:
            yield from _tensors(branch)


def _check_node(path: Path, node: Node, outline: ModelOutline) -> None:
    if (node.domain, node.op) in outline.functions or (node.domain, node.op) in ALSO_KNOWN:
        return
    if node.domain:
        raise ModelError(f"{path}: {node.op} of {node.domain} is a custom operator, refused")
    if node.op in REFUSED:
        raise ModelError(f"{path}: the operator {node.op} is refused: it {REFUSED[node.op]}")


def _check_place(path: Path, tensor: TensorOutline) -> None:
    """Raise ModelError for weights elsewhere than beside the file, all of them."""
    if tensor.external is None:
        return
    place = tensor.external.get("location", "")
    folder = Path(os.path.realpath(path.parent))
    inside = place and not os.path.isabs(place) and "\0" not in place
    file = Path(os.path.realpath(folder / place)) if inside else None
    if file is None or not file.is_relative_to(folder) or file == folder:
        raise ModelError(f"{path}: weights {place!r} lie outside of its folder, refused")
    try:
        length = file.stat().st_size if file.is_file() else None
    except OSError:
        length = None
    if length is None:
        raise ModelError(f"{path}: the file of its weights {place!r} is not beside it")
    try:
        start, size = (int(tensor.external.get(key, "0")) for key in ("offset", "length"))
    except ValueError:
        start = -1
    if start < 0 or size < 0 or start + size > length:
        raise ModelError(f"{path}: {place!r} has {length} bytes and ends before its weights do")


class _Size:
    """Count of the nodes that run, functions and branches written out."""

    def __init__(self, path: Path, outline: ModelOutline) -> None:
        self._path, self._outline = path, outline
        self._known: dict[tuple[str, str], int] = {}
        self._open: set[tuple[str, str]] = set()

    def check(self) -> None:
        """Raise ModelError for more nodes than a network has, and for functions in a circle."""
        try:
            count = self._of(self._outline.graph)
        except RecursionError as error:
            raise ModelError(f"{self._path}: functions call each other too deeply") from error
        if count > MOST_NODES:
            many = count if count < 10**9 else "over a billion"
            raise ModelError(f"{self._path}: expected at most {MOST_NODES} operations, got {many}")

    def _of(self, graph: GraphOutline) -> int:
        return sum(self._node(node) for node in graph.nodes)

    def _node(self, node: Node) -> int:
        inner = sum(self._of(branch) for branch in node.branches)
        key = node.domain, node.op
        return 1 + inner + (self._function(key) if key in self._outline.functions else 0)

    def _function(self, key: tuple[str, str]) -> int:
        if key in self._open:
            raise ModelError(f"{self._path}: the function {key[1]} calls itself, refused")
        if key not in self._known:
            self._open.add(key)
            self._known[key] = self._of(self._outline.functions[key])
            self._open.discard(key)
        return self._known[key]
