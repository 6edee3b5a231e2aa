"""ONNX files that want to do harm, or are broken: one line, in bounded memory and time."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from tests.makers import onnx_models as makers
from tests.makers.onnx_models import Sharpener
from vidsr.errors import ModelError
from vidsr.models.onnx_networks.network import load_onnx
from vidsr.models.onnx_networks.trial import try_network
from vidsr.models.zoo import load_model

Write = Callable[[Path], object]


def graph(*nodes: NodeProto, stored: tuple[TensorProto, ...] = ()) -> GraphProto:
    """A graph from ``x`` to ``y`` of three channels."""
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, f"h{name}", f"w{name}"])]
        for name in ("x", "y")
    ]
    return helper.make_graph(list(nodes), "graph", ends[0], ends[1], list(stored))


def node(op: str, *inputs: str, to: str = "y", **words: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [to], **words)


def numbers(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def good(path: Path) -> Path:
    return makers.by_hand(path, Sharpener())


def custom(path: Path) -> None:
    makers.save(path, graph(node("Steal", "x", domain="org.evil")))


def loop(path: Path) -> None:
    body = graph(node("Identity", "x"))
    makers.save(path, graph(node("Loop", "", "", "x", body=body)))


def loop_in_branch(path: Path) -> None:
    inner = graph(node("Loop", "", "", "x", body=graph(node("Identity", "x"))))
    makers.save(path, graph(node("If", "c", then_branch=inner, else_branch=inner)))


def deep_branches(path: Path) -> None:
    leaf = inner = graph(node("Identity", "x"))
    for _ in range(20):
        inner = graph(node("If", "c", then_branch=inner, else_branch=leaf))
    makers.save(path, inner)


def function_bomb(path: Path, *, circle: bool = False) -> None:
    """Forty functions that call the next one twice: a million million operations."""
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    functions = []
    for level in range(40):
        last = level == 39
        inner = ("Relu", "") if last and not circle else (f"f{(level + 1) % 40}", "f")
        nodes = [
            helper.make_node(inner[0], ["x"], ["m"], domain=inner[1]),
            helper.make_node(inner[0], ["m"], ["y"], domain=inner[1]),
        ]
        functions.append(helper.make_function("f", f"f{level}", ["x"], ["y"], nodes, opset))
    model = helper.make_model(
        graph(node("f0", "x", domain="f")), opset_imports=opset, functions=functions
    )
    path.write_bytes(model.SerializeToString())


def random_numbers(path: Path) -> None:
    makers.save(path, graph(node("RandomNormalLike", "x")))


def memory_bomb(path: Path) -> None:
    """Four hundred thousand million zeros, added to the picture."""
    stored = (numbers("shape", 1, 3, 370_000, 370_000),)
    nodes = (node("ConstantOfShape", "shape", to="z"), node("Add", "x", "z"))
    makers.save(path, graph(*nodes, stored=stored))


def four_channels(path: Path) -> None:
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, "h", "w"])]
        for name in ("x", "y")
    ]
    makers.save(path, helper.make_graph([node("Identity", "x")], "four", ends[0], ends[1]))


def unshuffled(path: Path) -> None:
    kernel = numpy_helper.from_array(np.ones((12, 3, 1, 1), np.float32), "k")
    makers.save(path, graph(node("Conv", "x", "k"), stored=(kernel,)))


def noise(path: Path) -> None:
    kernel = numpy_helper.from_array(
        np.random.default_rng(0).normal(size=(3, 3, 1, 1)).astype(np.float32), "k"
    )
    makers.save(path, graph(node("Conv", "x", "k"), stored=(kernel,)))


def two_inputs(path: Path) -> None:
    model = graph(node("Add", "x", "level"))
    model.input.append(helper.make_tensor_value_info("level", TensorProto.FLOAT, [1]))
    makers.save(path, model)


def not_finite(path: Path) -> None:
    kernel = numpy_helper.from_array(np.full((3, 3, 1, 1), np.nan, np.float32), "k")
    makers.save(path, graph(node("Conv", "x", "k"), stored=(kernel,)))


def no_such_operator(path: Path) -> None:
    makers.save(path, graph(node("Enlarge", "x")))


def weights_at(place: str) -> Write:
    def write(path: Path) -> None:
        (path.parent.parent / "secret").write_bytes(bytes(1 << 10))
        makers.with_external_weights(path, good(path.with_name("a.onnx")))
        model = onnx.load_model(str(path), load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = place
        path.write_bytes(model.SerializeToString())

    return write


def weights_by_link(path: Path) -> None:
    weights_at("link")(path)
    (path.parent / "link").symlink_to(path.parent.parent / "secret")


def short_weights(path: Path) -> None:
    makers.with_external_weights(path, good(path.with_name("a.onnx")))
    os.truncate(f"{path}.data", 100)


def huge_header(path: Path) -> None:
    """A field of two gigabytes in a file of a few bytes."""
    path.write_bytes(b"\x08\x08\x3a\xff\xff\xff\xff\x07" + bytes(100))


def many_fields(path: Path) -> None:
    path.write_bytes(b"\x08\x08" * 2_000_000)


def huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x08\x08")
        file.truncate(3 << 30)  # of holes: it takes no room


HOSTILE: dict[str, tuple[Write, str]] = {
    "garbage": (lambda p: p.write_bytes(os.urandom(5000)), "not an ONNX file, or damaged"),
    "text": (lambda p: p.write_text("<html>404</html>"), "damaged: a field of kind 4"),
    "empty": (lambda p: p.write_bytes(b""), r"net\.onnx: not an ONNX file: expected 1 to"),
    "header of 2 GB": (huge_header, "it ends too early"),
    "two million fields": (many_fields, "more than 500000 fields"),
    "3 GB": (huge_file, "not an ONNX file: expected 1 to"),
    "custom operator": (custom, "Steal of org.evil is a custom operator, refused"),
    "unknown operator": (no_such_operator, "ONNX Runtime refuses it"),
    "loop": (loop, "the operator Loop is refused: it may run for ever"),
    "loop in a branch": (loop_in_branch, "the operator Loop is refused"),
    "branches in branches": (deep_branches, "branches in more than 16 levels"),
    "function bomb": (function_bomb, "expected at most 50000 operations, got over a billion"),
    "functions in a circle": (lambda p: function_bomb(p, circle=True), "calls itself, refused"),
    "random numbers": (random_numbers, "draws random numbers"),
    "memory bomb": (memory_bomb, "it takes no picture of 32x32 .*: .*bad_alloc"),
    "four channels": (four_channels, "expected 1 or 3 channels"),
    "unshuffled": (unshuffled, "for 3 channels of 32x32, a picture before its pixel shuffle"),
    "untrained": (noise, "it makes no picture larger"),
    "two inputs": (two_inputs, r"expected one picture in and one out, got 2 inputs \(x, level\)"),
    "weights that are not finite": (not_finite, "numbers that are not finite"),
    "weights above": (weights_at("../secret"), "lie outside of its folder"),
    "weights anywhere": (weights_at("/etc/hostname"), "lie outside of its folder"),
    "weights nowhere": (weights_at("absent"), "is not beside it"),
    "weights by a link": (weights_by_link, "lie outside of its folder"),
    "weights cut short": (short_weights, "ends before its weights do"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    write, words = HOSTILE[name]
    path = tmp_path / "inside" / "net.onnx"
    path.parent.mkdir()
    write(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    with pytest.raises(ModelError, match=words) as caught:
        load_model(path)
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message
    assert time.monotonic() - start < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # of KiB


def test_a_file_that_was_cut_off_is_refused_wherever(tmp_path: Path) -> None:
    whole = good(tmp_path / "net.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for length in (1, 7, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not an ONNX file, or damaged"):
            load_onnx(path)


def test_what_takes_for_ever_is_ended(tmp_path: Path) -> None:
    size = numbers("size", 2048, 2048)
    nodes = [node("ConstantOfShape", "size", to="m0")]
    nodes += [node("MatMul", f"m{i}", f"m{i}", to=f"m{i + 1}") for i in range(3000)]
    nodes += [node("ReduceMax", "m3000", to="most", keepdims=0), node("Add", "x", "most")]
    path = makers.save(tmp_path / "net.onnx", graph(*nodes, stored=(size,)))
    with pytest.raises(ModelError, match=r"tried for 3 s without a result|it takes too long"):
        try_network(path, 0, limit_s=3)
