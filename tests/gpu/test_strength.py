"""Networks for coded footage on CUDA: other weights under a captured graph, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import (
    DEVICE,
    PRECISION,
    REHEARSAL,
    frame,
    graphed,
    layout,
    pick,
    skip_without_cuda,
    smooth,
)
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.step_engines import StepEngines
from vidsr.models.model import Model
from vidsr.models.zoo import load_model
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame

pytest.importorskip("av")

from vidsr.upscaling.upscaler import Upscaler

skip_without_cuda()

NAME = "lite-x4"
FORM = layout(*pick((96, 64), (24, 16)))
ERRORS = (0.0, 9.0, 2.0, 9.0, 0.0, 30.0)


@pytest.fixture(scope="module")
def model() -> Model:
    found = load_model(NAME)
    assert found.strengths is not None
    return found


def engine_of(model: Model) -> TorchEngine:
    """Return an engine of one buffer, as CUDA has it; a CPU's own would make another one a step."""
    engine = TorchEngine(model, device=str(DEVICE), precision=PRECISION)
    if REHEARSAL:
        engine.traits = replace(engine.traits, reentrant=False)
    assert not engine.traits.reentrant
    return engine


def orders(last: int) -> Iterator[int]:
    """Yield steps so that weights change before, between and after captures, and back."""
    yield from (0, 0, 0, last // 2, last, last, 1, 0, last)


def test_weights_written_under_a_graph_give_what_the_steps_model_gives(model: Model) -> None:
    """The second run captures. Neither the graph nor a buffer is another one afterwards."""
    plain = engine_of(model)
    replaying, steps = graphed(plain), StepEngines(model)
    places = {name: weight.data_ptr() for name, weight in plain.net.state_dict().items()}
    x = smooth((1, 1, *pick((135, 240), (12, 20)))).to(plain.device, plain.input_dtype)
    seen: dict[int, Tensor] = {}
    for step in orders(model.strengths.last_step if model.strengths else 0):
        engine = steps.of(replaying, step)
        assert engine is replaying
        found = engine.run(x).clone()
        assert torch.equal(found, plain.run(x))
        alone = TorchEngine(model.at(step), device=str(DEVICE), precision=PRECISION)
        # Another engine may take another algorithm, whose sums round differently in float16.
        assert float((found.float() - alone.run(x).float()).abs().max()) < 4e-3
        assert torch.equal(seen.setdefault(step, found), found)
    assert list(replaying._captured) == [tuple(x.shape)]
    assert {name: w.data_ptr() for name, w in plain.net.state_dict().items()} == places
    assert float((seen[0].float() - max(seen.items())[1].float()).abs().max()) > 0.01


def test_captures_of_several_shapes_all_see_the_new_weights(model: Model) -> None:
    plain = engine_of(model)
    replaying, steps = graphed(plain), StepEngines(model)
    pictures = [
        smooth((1, 1, height, 24)).to(plain.device, plain.input_dtype) for height in (8, 16, 24)
    ]
    for step in (0, 0, 0, 3, 5):
        steps.of(replaying, step)
        for x in pictures:
            assert torch.equal(replaying.run(x).clone(), plain.run(x))
    assert len(replaying._captured) == len(pictures)


def coded(number: int) -> Frame:
    """Draw a frame as if a codec had made another error than in the one before."""
    error = CodingError(ERRORS[number % len(ERRORS)], "quantiser")
    return replace(frame(FORM, number), coding_error=error)


def test_frames_of_a_stream_have_each_their_own_network() -> None:
    """In a ring the weights change between frames that are all queued at once."""
    count = pick(24, 6)
    with (
        Upscaler(NAME, device=str(DEVICE), engine="torch", precision=PRECISION) as on_device,
        Upscaler(NAME, device="cpu", precision="fp32") as on_cpu,
    ):
        singles = [on_device.enlarge(coded(i)).planes for i in range(count)]
        results = on_device.stream(coded(i) for i in range(count))
        for number, large in enumerate(results):
            found = tuple(plane.clone() for plane in large.planes)
            large.release()
            assert all(map(torch.equal, found, singles[number]))
            for mine, theirs in zip(found, on_cpu.enlarge(coded(number)).planes, strict=True):
                assert int((mine.cpu().int() - theirs.int()).abs().max()) <= 1
        assert number == count - 1
        chosen = on_device.pool.strength.chosen
        assert len(chosen) > 2
        assert {step: n // 2 for step, n in chosen.items()} == on_cpu.pool.strength.chosen
