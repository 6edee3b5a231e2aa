"""Step of a recipe: its TOML table checked, and a step of a chain drawn from it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidsr.degradation.chain import Step
from vidsr.degradation.operations.catalogue import (
    OPS,
    Number,
    Parameter,
    Value,
    WeightsFile,
    Word,
)
from vidsr.degradation.recipe_files import require_degradation
from vidsr.errors import OptionError
from vidsr.option_values import nearest

_KEYS = ("op", "probability", "shuffle", "one_of", "weight")


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, all as likely; with ``whole``, whole ones only."""

    low: float
    high: float
    whole: bool

    def draw(self, rng: random.Random) -> Value:
        if self.whole:
            return rng.randint(int(self.low), int(self.high))
        return rng.uniform(self.low, self.high)


@dataclass(frozen=True)
class Choices:
    """Values of which each is as likely."""

    values: tuple[Value, ...]

    def draw(self, rng: random.Random) -> Value:
        return self.values[0] if len(self.values) == 1 else rng.choice(self.values)


@dataclass(frozen=True)
class RecipeStep:
    """Operation with the ranges and choices of its parameters."""

    op: str
    parameters: dict[str, Range | Choices] = field(default_factory=dict)
    probability: float = 1.0
    shuffle: str = ""
    one_of: str = ""
    weight: float = 1.0

    def sample(self, rng: random.Random) -> Step:
        """Draw a value for every parameter."""
        values = {key: drawn.draw(rng) for key, drawn in self.parameters.items()}
        return Step(self.op, values, rng.getrandbits(48))


def parse_step(table: dict[str, Any], where: str, folder: Path = Path()) -> RecipeStep:
    """Check one ``[[step]]`` table of a file in ``folder``; ``where`` begins messages.

    Raises OptionError.
    """
    name = table.get("op")
    if not isinstance(name, str) or name not in OPS:
        what = f"{where}: op: expected one of {', '.join(OPS)}, got {name!r}"
        raise OptionError(what, hint=_meant(name, tuple(OPS)))
    op, where = OPS[name], f"{where} ({name})"
    check_keys(table, (*_KEYS, *op.parameters), where)
    parameters = {}
    for key, spec in op.parameters.items():
        if key in table:
            parameters[key] = _parse_value(table[key], spec, f"{where}: {key}", folder)
        elif spec.default is not None:
            parameters[key] = Choices((spec.default,))
        elif not spec.optional:
            raise OptionError(f"{where}: {key} is missing; expected {_bounds(spec)}")
    if op.either and len([key for key in op.either if key in table]) != 1:
        raise OptionError(f"{where}: needs one of {' and '.join(op.either)}, not both")
    probability = _parse_number(table.get("probability", 1), Number(0, 1), f"{where}: probability")
    weight = _parse_number(table.get("weight", 1), Number(1e-6, 1e6), f"{where}: weight")
    groups = [_parse_group(table.get(key, ""), f"{where}: {key}") for key in ("shuffle", "one_of")]
    return RecipeStep(name, parameters, probability, groups[0], groups[1], weight)


def check_keys(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise OptionError for a key of ``table`` that is not among ``known``."""
    for key in table:
        if key not in known:
            hint = _meant(key, known)
            raise OptionError(
                f"{where}: unknown key {key!r}; expected {', '.join(known)}", hint=hint
            )


def _parse_value(value: object, spec: Parameter, where: str, folder: Path) -> Range | Choices:
    if isinstance(value, dict):
        check_keys(value, ("choices",), where)
        value = value.get("choices")
        if not isinstance(value, list) or not value:
            raise OptionError(
                f"{where}: expected {{ choices = [...] }} with any in it, got {value!r}"
            )
    elif isinstance(value, list) and isinstance(spec, Number):
        return _parse_range(value, spec, where)
    values = value if isinstance(value, list) and value else [value]
    if isinstance(spec, Word):
        return Choices(tuple(_parse_word(word, spec, where) for word in values))
    if isinstance(spec, WeightsFile):
        return Choices(tuple(require_degradation(path, folder, where) for path in values))
    numbers = (_parse_number(number, spec, where) for number in values)
    return Choices(tuple(int(n) if spec.whole else n for n in numbers))


def _parse_range(value: list[object], spec: Number, where: str) -> Range:
    if len(value) != 2:
        raise OptionError(f"{where}: expected a number, [low, high] or choices, got {value!r}")
    low, high = (_parse_number(end, spec, where) for end in value)
    if low > high:
        raise OptionError(f"{where}: expected the lower end first, got {value!r}")
    return Range(low, high, spec.whole)


def _parse_number(value: object, spec: Number, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not spec.low <= value <= spec.high:  # type: ignore[operator]
        raise OptionError(f"{where}: expected {_bounds(spec)}, got {value!r}")
    if spec.whole and value != int(value):  # type: ignore[call-overload]
        raise OptionError(f"{where}: expected {_bounds(spec)}, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def _parse_word(value: object, spec: Word, where: str) -> str:
    if value not in spec.allowed:
        what = f"{where}: expected {_bounds(spec)}, got {value!r}"
        raise OptionError(what, hint=_meant(value, spec.allowed))
    return str(value)


def _parse_group(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise OptionError(f"{where}: expected a name for the group, got {value!r}")
    return value


def _bounds(spec: Parameter) -> str:
    if isinstance(spec, Word):
        return ", ".join(spec.allowed)
    if isinstance(spec, WeightsFile):
        return "a file of weights"
    return f"{spec.low:g} to {spec.high:g}" + (" (whole)" if spec.whole else "")


def _meant(word: object, known: tuple[str, ...]) -> str:
    near = nearest(str(word), known)
    return f"did you mean {near!r}?" if near else ""
