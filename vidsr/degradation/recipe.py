"""Recipes: TOML files that list degradations and how much each may vary.

    about = "one line for --list-recipes"

    [[step]]
    op = "gaussian_blur"
    sigma_px = [0.2, 0.6]              # drawn evenly from a range
    probability = 0.7                  # else the step is left out

    [[step]]
    op = "resize"
    method = ["area", "bicubic"]       # one of these words
    times = { choices = [1.5, 2] }     # one of these numbers, times the final size

Steps that follow one another and share ``shuffle = "name"`` change places at random; of those that
share ``one_of = "name"`` one is kept, drawn by ``weight`` (1). Listing operations again makes a
chain of second order (Wang et al. 2021, "Real-ESRGAN"). All of
them: ``vidsr.degradation.operations.catalogue``.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from vidsr.degradation.chain import Chain, Step
from vidsr.degradation.recipe_files import read_recipe, recipe_folder
from vidsr.degradation.recipe_parsing import RecipeStep, check_keys, parse_step
from vidsr.errors import OptionError


@dataclass(frozen=True)
class Recipe:
    """Distribution of degradations, from which chains are sampled."""

    name: str
    about: str
    steps: tuple[RecipeStep, ...]

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Return a recipe of this package by name, or of a TOML file by path.

        Raises:
            NoInputError: There is neither.
            OptionError: The file breaks a rule of recipes.
        """
        return cls.parse(read_recipe(name), str(name), recipe_folder(name))

    @classmethod
    def parse(cls, text: str, name: str, folder: Path = Path()) -> Self:
        """Read TOML; ``name`` is for messages, files lie in ``folder``. Raises OptionError."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise OptionError(f"recipe {name}: not TOML: {error}") from error
        check_keys(table, ("about", "step"), f"recipe {name}")
        about = table.get("about", "")
        if not isinstance(about, str):
            raise OptionError(f"recipe {name}: about: expected a line of text, got {about!r}")
        steps = table.get("step", [])
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise OptionError(f"recipe {name}: step: expected tables, each begun by [[step]]")
        parsed = (parse_step(s, f"recipe {name}, step {i}", folder) for i, s in enumerate(steps, 1))
        return cls(name, about, tuple(parsed))

    def sample(self, seed: int | random.Random) -> Chain:
        """Fix every number. The same seed gives the same chain."""
        rng = seed if isinstance(seed, random.Random) else random.Random(seed)
        kept = _choose(list(self.steps), rng)
        # Drawn for every step, so that what one does not change leaves the others as they are.
        drawn = [(step.sample(rng), rng.random() < step.probability, step) for step in kept]
        return Chain(tuple(step for step, used, _ in _shuffle(drawn, rng) if used))


def _choose(steps: list[RecipeStep], rng: random.Random) -> list[RecipeStep]:
    """Return ``steps`` with one of each group of alternatives."""
    groups: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        if step.one_of:
            groups.setdefault(step.one_of, []).append(number)
    lost: set[int] = set()
    for numbers in groups.values():
        kept = rng.choices(numbers, [steps[n].weight for n in numbers])[0]
        lost.update(n for n in numbers if n != kept)
    return [step for number, step in enumerate(steps) if number not in lost]


def _shuffle(
    steps: list[tuple[Step, bool, RecipeStep]], rng: random.Random
) -> list[tuple[Step, bool, RecipeStep]]:
    groups: dict[str, list[int]] = {}
    for number, (_, _, step) in enumerate(steps):
        if step.shuffle:
            groups.setdefault(step.shuffle, []).append(number)
    mixed = list(steps)
    for numbers in groups.values():
        order = rng.sample(numbers, len(numbers))
        for place, number in zip(numbers, order, strict=True):
            mixed[place] = steps[number]
    return mixed
