"""The choice of a network by a frame's error: of that alone, whatever was asked before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.models.test_strengths import CONFIG, CURVE
from vidsr.models.checkpoint import build_generator
from vidsr.models.model import Model
from vidsr.models.strength_choice import StrengthChoice
from vidsr.models.strengths import Strengths
from vidsr.option_values import Strength
from vidsr.picture.coding_error import BASES, CodingError

MODEL = Model("own-x2", build_generator(CONFIG), Path("own"), Strengths(CURVE, ({}, {})))
LEVELS = st.floats(0, 64)
STRENGTHS: st.SearchStrategy[Strength] = st.one_of(st.just("auto"), st.floats(0, 2))
ERRORS = st.none() | st.builds(
    CodingError,
    LEVELS,
    st.sampled_from(BASES),
    st.none() | LEVELS.map(lambda value: np.full((2, 3), value, np.float32)),
)


@given(STRENGTHS, ERRORS, st.lists(ERRORS, max_size=20))
def test_the_step_depends_on_nothing_but_the_frames_error(
    strength: Strength, error: CodingError | None, before: list[CodingError | None]
) -> None:
    alone, late = StrengthChoice(MODEL, strength), StrengthChoice(MODEL, strength)
    for each in before:
        late.step(each)
    assert late.step(error) == alone.step(error)
    assert sum(late.chosen.values()) == len(before) + 1


@given(STRENGTHS, LEVELS, st.sampled_from(BASES), ERRORS)
def test_neither_its_source_nor_its_blocks_matter(
    strength: Strength, levels: float, basis: str, other: CodingError | None
) -> None:
    choice = StrengthChoice(MODEL, strength)
    blocks = None if other is None else other.blocks
    plain = choice.step(CodingError(levels, "quantiser"))
    assert choice.step(CodingError(levels, basis, blocks)) == plain  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 8), max_size=20), st.data())
def test_frames_taken_as_clean_are_counted_there(steps: list[int], data: st.DataObject) -> None:
    choice = StrengthChoice(MODEL)
    errors = [CodingError(CURVE.levels[0] + step, "bytes") for step in steps]
    chosen = [choice.step(error) for error in errors]
    taken = [step for step in chosen if step and data.draw(st.booleans())]
    for step in taken:
        choice.taken_as_clean(step)
    wanted = {step: chosen.count(step) - taken.count(step) for step in set(chosen)}
    wanted[0] = chosen.count(0) + len(taken)
    assert choice.chosen == {step: n for step, n in sorted(wanted.items()) if n}
    assert choice.record() == {str(step): n for step, n in choice.chosen.items()}
