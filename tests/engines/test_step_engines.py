"""Engines of the steps between a network for clean pictures and those for coded footage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.doubles.stub_engine import StubEngine
from tests.models.test_strengths import CONFIG, CURVE, weights
from vidsr.engines.engine import Engine
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.fixed_shape import FixedShapeEngine
from vidsr.engines.step_engines import StepEngines
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.model import Model
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.strength_choice import StrengthChoice
from vidsr.models.strength_files import save_strengths
from vidsr.models.strengths import StrengthCurve
from vidsr.models.zoo import load_model
from vidsr.option_values import Precision
from vidsr.picture.coding_error import CodingError

X = torch.rand(1, 1, 9, 11, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "mine-x2.safetensors"
    save_generator(path, CONFIG, weights(0))
    save_strengths(path, weights(0), [weights(1), weights(2)], CURVE)
    return load_model(path)


def on_paper(work: object) -> object:
    """Record by running and replay by running again, as a CUDA graph does with its memory."""
    output = work()  # type: ignore[operator]

    def replay() -> None:
        output.copy_(work())  # type: ignore[operator]

    return output, replay


def in_place(engine: TorchEngine) -> TorchEngine:
    """Have an engine of a CPU behave as one on CUDA: its weights change where they are."""
    engine.traits = replace(engine.traits, reentrant=False)
    return engine


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("step", [0, 1, 4, 7, 8])
def test_a_step_runs_exactly_as_its_model_does(
    model: Model, precision: Precision, step: int
) -> None:
    engine = TorchEngine(model, device="cpu", precision=precision)
    wanted = TorchEngine(model.at(step), device="cpu", precision=precision).run(X)
    found = StepEngines(model).of(engine, step)
    assert found.dtype == engine.dtype
    assert torch.equal(found.run(X), wanted)


def test_a_reentrant_engine_goes_on_with_its_own_weights(model: Model) -> None:
    engine = TorchEngine(model, device="cpu", precision="fp32")
    before = engine.run(X)
    steps = StepEngines(model)
    assert steps.of(engine, 3) is steps.of(engine, 3)
    assert steps.of(engine, 0) is engine
    assert torch.equal(engine.run(X), before)


def test_threads_that_ask_at_once_get_one_engine_a_step(model: Model) -> None:
    engine, steps = TorchEngine(model, device="cpu", precision="fp32"), StepEngines(model)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda i: steps.of(engine, i % 3), range(60)))
    assert len({id(each) for each in found}) == 3


@pytest.mark.parametrize("order", [(0, 4, 4, 0, 8, 1), (8, 0, 8)])
def test_an_engine_with_one_buffer_has_its_weights_written_over(
    model: Model, order: tuple[int, ...]
) -> None:
    engine, steps = in_place(TorchEngine(model, device="cpu", precision="fp32")), StepEngines(model)
    for step in order:
        wanted = TorchEngine(model.at(step), device="cpu", precision="fp32").run(X)
        assert steps.of(engine, step) is engine
        assert torch.equal(engine.run(X), wanted)


@pytest.mark.parametrize("lasting", [True, False])
def test_graphs_run_with_the_weights_of_the_moment(model: Model, lasting: bool) -> None:
    """Captured in the second run; weights change in the third and the fourth."""
    plain = in_place(TorchEngine(model, device="cpu", precision="fp32"))
    graphed = GraphedEngine(plain, capture=on_paper, lasting=lasting)  # type: ignore[arg-type]
    steps = StepEngines(model)
    for step in (0, 0, 4, 8, 8, 0):
        wanted = TorchEngine(model.at(step), device="cpu", precision="fp32").run(X)
        engine = steps.of(graphed, step)
        assert engine is graphed
        torch.testing.assert_close(engine.run(X), wanted)
    assert bool(graphed._captured) or not lasting


def test_an_engine_for_one_shape_has_both_its_halves_written_over(model: Model) -> None:
    halves = [in_place(TorchEngine(model, device="cpu", precision="fp32")) for _ in range(2)]
    engine = FixedShapeEngine("both", halves[0], halves[1], lambda x: x.shape[2] == 9)
    wanted = TorchEngine(model.at(6), device="cpu", precision="fp32")
    found = StepEngines(model).of(engine, 6)
    for x in (X, X[..., :5, :]):
        torch.testing.assert_close(found.run(x), wanted.run(x))


def test_an_engine_without_other_weights_stays_what_it_is(model: Model) -> None:
    stub: Engine = StubEngine()
    assert StepEngines(model).of(stub, 5) is stub


def test_an_rgb_network_in_low_precision_takes_all_of_the_weights(tmp_path: Path) -> None:
    """Its tail counts from mid-grey, and gives back what rounding takes from the biases."""
    config = GeneratorConfig(kind="srresnet", scale=2, channels=3, width=8, blocks=1, norm="none")
    states = []
    for seed in range(2):
        torch.manual_seed(seed)
        states.append(build_generator(config).half().float().state_dict())
    path = tmp_path / "big-x2.safetensors"
    save_generator(path, config, states[0])
    save_strengths(path, states[0], [states[1]], StrengthCurve((1.0,), (1.0,)))
    model = load_model(path)
    x = X.expand(1, 3, -1, -1)
    for precision in ("fp32", "bf16"):
        engine = in_place(TorchEngine(model, device="cpu", precision=precision))
        wanted = TorchEngine(model.at(4), device="cpu", precision=precision).run(x)
        assert torch.equal(StepEngines(model).of(engine, 4).run(x), wanted)


@pytest.mark.parametrize(
    ("strength", "levels", "step"),
    [("auto", 2.0, 4), (1, 2.0, 4), (0, 9.0, 0), (2.0, 3.0, 8), (0.5, 3.0, 2), ("auto", 0.0, 0)],
)
def test_the_step_follows_error_and_strength(
    model: Model, strength: float, levels: float, step: int
) -> None:
    choice = StrengthChoice(model, strength)
    assert choice.step(CodingError(levels, "quantiser")) == step
    assert choice.step(None) == 0
    assert sum(choice.chosen.values()) == 2


def test_an_engine_that_takes_over_begins_with_its_own_weights(model: Model) -> None:
    """The engine inside it may have run another step until then."""
    plain = in_place(TorchEngine(model, device="cpu", precision="fp32"))
    steps = StepEngines(model)
    steps.of(plain, 5)
    fixed = in_place(TorchEngine(model, device="cpu", precision="fp32"))
    both = steps.of(FixedShapeEngine("both", fixed, plain, lambda x: x.shape[2] == 9), 0)
    wanted = TorchEngine(model, device="cpu", precision="fp32")
    for x in (X, X[..., :5, :]):
        torch.testing.assert_close(both.run(x), wanted.run(x))
