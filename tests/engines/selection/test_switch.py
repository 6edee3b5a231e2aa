"""Engines on trial: what is rejected and why, and when one takes the place of another."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.engine import Engine
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.selection.switch import CHECKED_SIDE, EngineSwitch
from vidsr.errors import DeviceError


def exact(name: str = "reference") -> StubEngine:
    return StubEngine(name, dtype=torch.float32)


def off_by(amount: float, name: str = "off") -> StubEngine:
    return StubEngine(name, change=lambda y: y + amount)


def with_one(value: float) -> StubEngine:
    def change(y: Tensor) -> Tensor:
        y = y.clone()
        y.view(-1)[7] = value
        return y

    return StubEngine("spoilt", change=change)


X = torch.rand(1, 1, 12, 17) * 0.8 + 0.1


@pytest.mark.parametrize(
    ("dtype", "least"), [(torch.float16, 50), (torch.float32, 50), (torch.bfloat16, 30)]
)
@pytest.mark.parametrize("beside", [-10.0, -0.1, 0.1, 20.0])
def test_the_line_is_at_50_db_and_at_30_for_bf16(
    dtype: torch.dtype, least: int, beside: float
) -> None:
    db = least + beside
    candidate = off_by(10 ** (-db / 20))
    candidate.dtype = dtype
    verdict = check_engine(candidate, exact(), X)
    assert verdict.psnr_db == pytest.approx(db, abs=0.01)
    assert verdict.trusted == (beside > 0)
    assert (f"expected {least} or more" in verdict.fault) == (beside < 0)


def test_a_deep_network_in_bf16_stays() -> None:
    """49.9 dB, the least that srresnet-x4 was measured at, is what the type costs."""
    first = off_by(10 ** (-49.9 / 20), "first")
    first.dtype = torch.bfloat16
    chooser, said = switch(first)
    assert chooser.current(lambda: X) is first
    assert said == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_is_a_fault(value: float) -> None:
    verdict = check_engine(with_one(value), exact(), X)
    assert verdict.fault == f"1 of {4 * X.numel()} values are not finite"


def test_what_lies_beyond_black_and_white_does_not_count() -> None:
    beyond = StubEngine(change=lambda y: torch.where(y > 0.99, y + 3, y))
    assert check_engine(beyond, exact(), torch.ones_like(X)).psnr_db == math.inf


def test_a_black_frame_does_not_hide_a_wrong_engine() -> None:
    assert check_engine(off_by(-3.0), exact(), torch.zeros_like(X)).fault


def test_types_and_offsets_may_differ() -> None:
    half = StubEngine("half", input_dtype=torch.float16, offset=0.5)
    half.change = lambda y: y.half()
    # float16 keeps 0.1 to 0.9 to 2^-12 of their value at worst: 0.25 of it rms is 80 dB.
    assert 70 < check_engine(half, exact(), X).psnr_db < 100


def test_another_shape_and_a_failing_engine_are_faults() -> None:
    narrow = StubEngine("narrow", change=lambda y: y[..., 1:])
    assert "it gives" in check_engine(narrow, exact(), X).fault

    def fail(_: Tensor) -> Tensor:
        raise DeviceError("out of luck")

    assert check_engine(StubEngine(change=fail), exact(), X).fault == "it failed: out of luck"


def test_an_engine_that_shows_its_first_picture_for_ever_is_a_fault() -> None:
    """As a graph does that was recorded empty."""
    kept: list[Tensor] = []

    def replay(y: Tensor) -> Tensor:
        kept.append(y)
        return kept[0]

    assert "dB from fp32" in check_engine(StubEngine(change=replay), exact(), X).fault


def test_a_graph_that_does_not_run_is_a_fault() -> None:
    """Recorded at the second run of a shape, it has to be looked at with another picture."""
    stuck = GraphedEngine(exact("stuck"), capture=lambda work: (work(), lambda: None))
    assert "dB from fp32" in check_engine(stuck, exact(), X).fault


def test_an_engine_that_gives_way_keeps_no_graphs() -> None:
    graphed = GraphedEngine(off_by(1e-4), capture=lambda work: (work().clone(), lambda: None))
    graphed.run(X)
    graphed.run(X)
    chooser = EngineSwitch(graphed, exact, lambda _: None)
    chooser.offer(Offer(off_by(1e-5, "better")))
    assert chooser.current(lambda: X).name == "better"
    assert not graphed._captured


@dataclass
class Offer:
    """A candidate that is ready after so many questions."""

    engine: StubEngine | None
    after: int = 0
    closed: bool = False
    taken: bool = False

    def ready(self) -> bool:
        self.after -= 1
        return self.after < 0

    def take(self) -> Engine:
        self.taken = True
        if self.engine is None:
            raise DeviceError("the engine cannot be built: no room")
        return self.engine

    def close(self) -> None:
        self.closed = True


def switch(first: StubEngine) -> tuple[EngineSwitch, list[str]]:
    said: list[str] = []
    return EngineSwitch(first, exact, said.append), said


def test_a_good_first_engine_stays_and_is_checked_once() -> None:
    first = off_by(1e-4, "first")
    chooser, said = switch(first)
    for _ in range(5):
        assert chooser.current(lambda: X) is first
    assert first.runs == 3  # twice on the waves, and on the picture
    assert said == []


def test_a_bad_first_engine_gives_way_to_float32() -> None:
    chooser, said = switch(with_one(math.nan))
    assert chooser.current(lambda: X).name == "reference"
    assert len(said) == 2
    assert "spoilt is rejected: 1 of" in said[0]
    assert said[1] == "engine: reference in fp32"


def test_float32_is_not_checked_against_itself() -> None:
    first = exact("first")
    chooser, _ = switch(first)
    assert chooser.current(lambda: X) is first
    assert first.runs == 0


def test_the_first_check_sees_the_middle_only() -> None:
    seen: list[Any] = []

    def look(y: Tensor) -> Tensor:
        seen.append(y)
        return y

    chooser, _ = switch(StubEngine(change=look, alignment=4))
    x = torch.arange(300 * 401, dtype=torch.float32).view(1, 1, 300, 401) / 300 / 401
    chooser.current(lambda: x)
    assert seen[0].shape[2:] == (CHECKED_SIDE, CHECKED_SIDE)
    top, left = divmod(round(float(seen[2][0, 0, 0, 0]) * 300 * 401), 401)
    assert (top % 4, left % 4) == (0, 0)
    assert abs(top - 118) < 4
    assert abs(left - 168) < 4


def test_a_candidate_takes_over_when_it_is_ready() -> None:
    first, better = off_by(1e-4, "first"), off_by(-1e-4, "better")
    chooser, said = switch(first)
    chooser.offer(Offer(better, after=3))
    assert [chooser.current(lambda: X).name for _ in range(6)] == ["first"] * 3 + ["better"] * 3
    assert said == ["engine: better"]
    assert better.runs == 3


def test_waiting_for_a_candidate_means_that_no_frame_goes_before() -> None:
    chooser, _ = switch(off_by(1e-4, "first"))
    chooser.offer(Offer(off_by(1e-4, "better"), after=100), wait=True)
    assert chooser.current(lambda: X).name == "better"


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("engine", [None, with_one(math.nan), off_by(0.1)])
def test_a_candidate_that_fails_changes_nothing_but_is_said(
    engine: StubEngine | None, wait: bool
) -> None:
    first = off_by(1e-4, "first")
    chooser, said = switch(first)
    chooser.offer(Offer(engine), wait=wait)
    for _ in range(3):
        assert chooser.current(lambda: X) is first
    assert len(said) == 1
    assert ("cannot be built" if engine is None else "is rejected") in said[0]


def test_closing_stops_the_building() -> None:
    chooser, _ = switch(exact("first"))
    offer, other = Offer(None, after=10), Offer(None, after=10)
    chooser.offer(offer)
    chooser.offer(other)
    assert offer.closed
    chooser.close()
    assert other.closed
    chooser.close()
    assert chooser.current(lambda: X).name == "first"
    assert not other.taken


@given(seed=st.integers(0, 2**32), after=st.integers(0, 12), bad=st.booleans(), first=st.booleans())
@settings(max_examples=2000, deadline=None)
def test_whatever_happens_only_trusted_engines_make_frames_and_none_goes_back(
    seed: int, after: int, bad: bool, first: bool
) -> None:
    chance = random.Random(seed)
    start = off_by(1e-4 if first else 0.3, "start")
    chooser, said = switch(start)
    candidate = off_by(0.3 if bad else 1e-5, "candidate")
    used = []
    offered = chance.randrange(8)
    for number in range(20):
        if number == offered:
            chooser.offer(Offer(candidate, after), wait=chance.random() < 0.2)
        used.append(chooser.current(lambda: X).name)
    assert set(used) <= {"start" if first else "reference"} | (set() if bad else {"candidate"})
    if not bad:
        assert used[-1] == "candidate"
    changes = [a for a, b in itertools.pairwise(used) if a != b]
    assert len(changes) <= 1
    assert len(said) == len(set(said)) <= 3


@pytest.mark.parametrize("error", [DeviceError("no room"), torch.OutOfMemoryError("no room")])
def test_a_comparison_that_fails_does_not_end_the_run(error: Exception) -> None:
    def fail() -> Engine:
        raise error

    said: list[str] = []
    first = off_by(1e-4, "first")
    chooser = EngineSwitch(first, fail, said.append)
    assert chooser.current(lambda: X) is first
    chooser.offer(Offer(off_by(1e-4, "better")))
    assert chooser.current(lambda: X) is first
    assert [s for s in said if "better could not be compared with fp32: no room" in s]


def test_ctrl_c_while_waiting_stops_the_building() -> None:
    class Waiting(Offer):
        def take(self) -> Engine:
            raise KeyboardInterrupt

    offer = Waiting(None)
    chooser, _ = switch(off_by(1e-4, "first"))
    chooser.offer(offer, wait=True)
    with pytest.raises(KeyboardInterrupt):
        chooser.current(lambda: X)
    assert offer.closed
