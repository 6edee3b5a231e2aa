"""The outline of an ONNX file: nodes, shapes and names of tensors, no weights.

Fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Reading is bounded in
time by the number of fields and in memory by what is kept, whatever a file claims.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from vidsr.models.onnx_networks.wire import Payload, fields, numbers, signed, text

MOST_FIELDS = 500_000  # seconds of reading; a network of 500 layers has 20 thousand
MOST_NODES = 50_000  # calls of functions and branches counted each time
DEEPEST = 16  # branches inside branches
SMALL = 64  # bytes of a tensor whose numbers are kept: sizes, factors, axes
FLOAT, INT64 = 1, 7  # of TensorProto.DataType
LONGEST_NAME = 1 << 16  # bytes; of names, domains and places


@dataclass(frozen=True)
class TensorOutline:
    """A stored tensor: all but its numbers.

    Attributes:
        name: Name, empty for a constant inside a node.
        dims: Shape.
        data_type: ``TensorProto.DataType``: 1 float32, 2 uint8, 3 int8, 7 int64, 10 float16.
        external: Entries that say where its numbers lie, None where they lie in the file.
        values: Numbers of a small tensor of int64 or float32; empty for all others.
    """

    name: str = ""
    dims: tuple[int, ...] = ()
    data_type: int = 0
    external: dict[str, str] | None = None
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        op: Operator, such as ``Conv``.
        domain: Who defined it; empty for ONNX itself.
        inputs: Names of what it takes, empty for what is left out.
        outputs: Names of what it gives.
        integers: Attributes that are whole numbers or lists of them.
        strings: Attributes that are text.
        tensors: Tensors inside attributes, by name of the attribute.
        branches: Graphs inside attributes.
    """

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    integers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    strings: dict[str, str] = field(default_factory=dict)
    tensors: dict[str, TensorOutline] = field(default_factory=dict)
    branches: tuple[GraphOutline, ...] = ()


@dataclass(frozen=True)
class GraphOutline:
    """A graph, or the body of a function."""

    nodes: tuple[Node, ...] = ()
    tensors: tuple[TensorOutline, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelOutline:
    """An ONNX file.

    Attributes:
        graph: The graph that runs.
        functions: Bodies of functions by domain and name.
        opsets: Versions of operator sets by domain.
        metadata: Entries for people and programs.
        producer: Program that wrote the file.
    """

    graph: GraphOutline
    functions: dict[tuple[str, str], GraphOutline]
    opsets: dict[str, int]
    metadata: dict[str, str]
    producer: str = ""


def read_outline(data: memoryview) -> ModelOutline:
    """Return the outline of a file's bytes.

    Raises IndexError or ValueError for what is no ONNX file, or has more parts than any network.
    """
    return _Reader().model(data)


class _Reader:
    """Reader that counts what it has read."""

    def __init__(self) -> None:
        self._left = MOST_FIELDS

    def _fields(self, message: Payload) -> Iterator[tuple[int, Payload]]:
        if isinstance(message, int):
            raise ValueError("expected a message, got a number")
        for each in fields(message):
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"more than {MOST_FIELDS} fields")
            yield each

    def model(self, message: memoryview) -> ModelOutline:
        graph: GraphOutline | None = None
        functions: dict[tuple[str, str], GraphOutline] = {}
        opsets, metadata, producer = {}, {}, ""
        for number, payload in self._fields(message):
            match number:
                case 2:
                    producer = _name(payload)
                case 7:
                    graph = self.graph(payload, 0)
                case 8:
                    domain, version = self._opset(payload)
                    opsets[domain] = version
                case 14:
                    key, value = self._entry(payload)
                    metadata[key] = value
                case 25:
                    key_of, body = self._function(payload)
                    functions[key_of] = body
        if graph is None or not graph.nodes:
            raise ValueError("no graph")
        return ModelOutline(graph, functions, opsets, metadata, producer)

    def graph(self, message: Payload, depth: int) -> GraphOutline:
        if depth > DEEPEST:
            raise ValueError(f"branches in more than {DEEPEST} levels")
        nodes, tensors, inputs, outputs = [], [], [], []
        for number, payload in self._fields(message):
            match number:
                case 1:
                    nodes.append(self._node(payload, depth))
                case 5:
                    tensors.append(self._tensor(payload))
                case 15:
                    tensors += self._sparse(payload)
                case 11:
                    inputs.append(self._named(payload))
                case 12:
                    outputs.append(self._named(payload))
        return GraphOutline(tuple(nodes), tuple(tensors), tuple(inputs), tuple(outputs))

    def _function(self, message: Payload) -> tuple[tuple[str, str], GraphOutline]:
        name = domain = ""
        nodes, inputs, outputs = [], [], []
        for number, payload in self._fields(message):
            match number:
                case 1:
                    name = _name(payload)
                case 4:
                    inputs.append(_name(payload))
                case 5:
                    outputs.append(_name(payload))
                case 7:
                    nodes.append(self._node(payload, 0))
                case 10:
                    domain = _name(payload)
        return (domain, name), GraphOutline(tuple(nodes), (), tuple(inputs), tuple(outputs))

    def _node(self, message: Payload, depth: int) -> Node:
        op = domain = ""
        inputs, outputs = [], []
        found = _Attributes()
        for number, payload in self._fields(message):
            match number:
                case 1:
                    inputs.append(_name(payload))
                case 2:
                    outputs.append(_name(payload))
                case 4:
                    op = _name(payload)
                case 5:
                    self._attribute(payload, depth, found)
                case 7:
                    domain = _name(payload)
        return Node(
            op,
            "" if domain == "ai.onnx" else domain,
            tuple(inputs),
            tuple(outputs),
            found.integers,
            found.strings,
            found.tensors,
            tuple(found.branches),
        )

    def _attribute(self, message: Payload, depth: int, found: _Attributes) -> None:
        name, integers = "", []
        tensors: list[TensorOutline] = []
        for number, payload in self._fields(message):
            match number:
                case 1:
                    name = _name(payload)
                case 3 | 8:
                    integers += [signed(each) for each in numbers(payload)]
                    self._left -= len(integers)
                case 4:
                    if isinstance(payload, memoryview) and len(payload) <= LONGEST_NAME:
                        found.strings[name] = bytes(payload).decode(errors="replace")
                case 5 | 10:
                    tensors.append(self._tensor(payload))
                case 22 | 23:
                    tensors += self._sparse(payload)
                case 6 | 11:
                    found.branches.append(self.graph(payload, depth + 1))
        if integers:
            found.integers[name] = tuple(integers)
        for index, tensor in enumerate(tensors):
            found.tensors[f"{name}{index or ''}"] = tensor

    def _tensor(self, message: Payload) -> TensorOutline:
        name, dims, data_type = "", [], 0
        external: dict[str, str] | None = None
        values: tuple[float, ...] = ()
        for number, payload in self._fields(message):
            match number:
                case 1:
                    dims += [signed(each) for each in numbers(payload)]
                case 2 if isinstance(payload, int):
                    data_type = payload
                case 4 | 7 | 9 if isinstance(payload, memoryview) and len(payload) <= SMALL:
                    values = _small(payload, number, data_type)
                case 8:
                    name = _name(payload)
                case 13:
                    key, value = self._entry(payload)
                    external = (external or {}) | {key: value}
                case 14 if payload == 1:
                    external = external or {}
        return TensorOutline(name, tuple(dims), data_type, external, values)

    def _sparse(self, message: Payload) -> list[TensorOutline]:
        """Return the two tensors that a sparse one is stored as."""
        return [
            self._tensor(payload) for number, payload in self._fields(message) if number in (1, 2)
        ]

    def _opset(self, message: Payload) -> tuple[str, int]:
        domain, version = "", 0
        for number, payload in self._fields(message):
            if number == 1:
                domain = _name(payload)
            elif number == 2 and isinstance(payload, int):
                version = payload
        return "" if domain == "ai.onnx" else domain, version

    def _entry(self, message: Payload) -> tuple[str, str]:
        entry = {number: _name(payload) for number, payload in self._fields(message)}
        return entry.get(1, ""), entry.get(2, "")

    def _named(self, message: Payload) -> str:
        """Return the name of an input or output of a graph."""
        return next((_name(p) for number, p in self._fields(message) if number == 1), "")


class _Attributes:
    """Attributes of a node while they are read."""

    def __init__(self) -> None:
        self.integers: dict[str, tuple[int, ...]] = {}
        self.strings: dict[str, str] = {}
        self.tensors: dict[str, TensorOutline] = {}
        self.branches: list[GraphOutline] = []


def _small(payload: memoryview, number: int, data_type: int) -> tuple[float, ...]:
    """Return the numbers of a small tensor, whose type precedes them in files; empty if unclear."""
    if number == 7:
        return tuple(signed(each) for each in numbers(payload))
    size = {FLOAT: 4, INT64: 8}.get(data_type, 0)
    if not size or len(payload) % size:
        return ()
    return struct.unpack(f"<{len(payload) // size}{'f' if size == 4 else 'q'}", payload)


def _name(payload: Payload) -> str:
    if isinstance(payload, memoryview) and len(payload) > LONGEST_NAME:
        raise ValueError(f"a name of {len(payload)} bytes")
    return text(payload)
