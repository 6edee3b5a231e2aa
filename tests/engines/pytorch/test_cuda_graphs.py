"""Engines under a graph: recorded once for a shape, replayed into the same memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.engine import Engine
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine, Replay
from vidsr.errors import DeviceError


class PaperGraph:
    """Records by running, replays by running again into the first result, as a graph does."""

    def __init__(self) -> None:
        self.recordings = 0

    def capture(self, work: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
        self.recordings += 1
        output = work()
        return output, lambda: void(output.copy_(work()))


def void(_: object) -> None:
    """Type of a function that returns nothing."""


def test_each_shape_is_recorded_once_and_always_right() -> None:
    paper, engine = PaperGraph(), StubEngine(channels=3)
    graphed: Engine = GraphedEngine(engine, capture=paper.capture)
    for _ in range(3):
        for height, width in ((4, 5), (7, 3)):
            x = torch.rand(1, 3, height, width)
            assert torch.equal(graphed.run(x), engine.run(x))
    assert paper.recordings == 2


def test_the_input_may_lie_anywhere_and_is_left_alone() -> None:
    graphed = GraphedEngine(StubEngine(channels=3), capture=PaperGraph().capture)
    wide = torch.rand(1, 3, 20, 30)
    for x in (wide[..., 2:8, 3:9], wide[..., 1:7, :6].to(memory_format=torch.channels_last)):
        before = x.clone()
        assert torch.equal(graphed.run(x), StubEngine(channels=3).run(x))
        assert torch.equal(x, before)


def test_sizes_that_come_once_are_never_recorded() -> None:
    """As of a folder of pictures that are all different."""
    paper, engine = PaperGraph(), StubEngine(channels=3)
    graphed = GraphedEngine(engine, capture=paper.capture)
    for width in range(1, 40):
        x = torch.rand(1, 3, 4, width)
        assert torch.equal(graphed.run(x), engine.run(x))
    assert paper.recordings == 0
    graphed.run(torch.rand(1, 3, 4, 7))
    assert paper.recordings == 1


def test_graphs_take_no_more_than_their_room() -> None:
    """64 bytes a pixel: two graphs of 100 pixels fit into 13 000 bytes, a third does not."""
    paper = PaperGraph()
    graphed = GraphedEngine(StubEngine(bytes_per_pixel=64), capture=paper.capture)
    graphed.reserve(13_000)
    for width in (10, 20, 50, 50, 20, 10):  # 1 x 10 and so on, twice each: recorded
        graphed.run(torch.rand(1, 1, 2, width))
        graphed.run(torch.rand(1, 1, 2, width))
        pixels = sum(h * w for _, _, h, w in graphed._captured)
        assert pixels * 64 <= 13_000
    assert len(graphed._captured) == 3
    graphed.run(torch.rand(1, 1, 2, 90))  # plainly, but that takes memory, too
    assert list(graphed._captured) == [(1, 1, 2, 10)]
    for _ in range(2):  # more than there is room for: as good as it goes, and alone
        graphed.run(torch.rand(1, 1, 9, 90))
    assert list(graphed._captured) == [(1, 1, 9, 90)]


def test_the_result_is_where_it_was() -> None:
    graphed = GraphedEngine(StubEngine(), capture=PaperGraph().capture)
    graphed.run(torch.rand(1, 1, 4, 4))
    first = graphed.run(torch.rand(1, 1, 4, 4))
    assert graphed.run(torch.rand(1, 1, 4, 4)) is first


def test_inputs_become_what_the_engine_takes() -> None:
    engine = StubEngine(input_dtype=torch.float16)
    graphed = GraphedEngine(engine, capture=PaperGraph().capture)
    x = torch.rand(1, 1, 4, 4)
    for _ in range(2):
        assert torch.equal(graphed.run(x), engine.run(x.half()))


def test_few_shapes_are_kept() -> None:
    paper = PaperGraph()
    graphed = GraphedEngine(StubEngine(), capture=paper.capture, kept=2)
    for width in (1, 1, 2, 2, 1, 3, 3):  # 2 has to go for 3, since 1 was used later
        graphed.run(torch.rand(1, 1, 1, width))
    assert [shape[3] for shape in graphed._captured] == [1, 3]
    assert paper.recordings == 3
    graphed.run(torch.rand(1, 1, 1, 2))  # begins anew
    assert paper.recordings == 3


def test_it_is_the_engine_in_all_else() -> None:
    engine = StubEngine("one", 3, 4, 5, 2, offset=0.5, bytes_per_pixel=9)
    graphed: Engine = GraphedEngine(engine, capture=PaperGraph().capture)
    for name in (
        *("name", "channels", "scale", "shuffle", "halo", "alignment", "dtype", "input_dtype"),
        *("offset", "device", "bytes_per_pixel"),
    ):
        assert getattr(graphed, name) == getattr(engine, name)


def test_it_runs_inside_and_outside_inference_mode() -> None:
    graphed = GraphedEngine(StubEngine(), capture=PaperGraph().capture)
    x = torch.rand(1, 1, 4, 4)
    with torch.inference_mode():
        inside = graphed.run(x).clone()
    assert torch.equal(graphed.run(x), inside)


def test_graphs_of_other_shapes_give_way_when_memory_is_short() -> None:
    paper = PaperGraph()
    full = True

    def capture(work: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
        if full and paper.recordings:
            paper.recordings = 0
            raise torch.OutOfMemoryError("no room")
        return paper.capture(work)

    graphed = GraphedEngine(StubEngine(), capture=capture)
    for side in (4, 4, 5, 5):
        assert graphed.run(torch.rand(1, 1, side, side)).shape == (1, 4, side, side)
    assert len(graphed._captured) == 1


def test_a_graph_that_cannot_be_recorded_is_a_device_error() -> None:
    def refuse(work: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
        raise RuntimeError("operation not permitted when stream is capturing\nand so on")

    graphed = GraphedEngine(StubEngine(), capture=refuse)
    graphed.run(torch.rand(1, 1, 4, 4))
    with pytest.raises(DeviceError, match="stub on cpu: operation not permitted when stream is"):
        graphed.run(torch.rand(1, 1, 4, 4))
