"""Recipe that a run leaves: the steps it stood behind, and what its network learned."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from vidsr.degradation.recipe_files import read_recipe, recipe_folder


def recipe_text(recipe: str, weights: Path, about: str) -> str:
    """Return the TOML of ``recipe`` with the learned step behind its own.

    Pictures are brought to the final size first, which is the size that was learned at. Files that
    the recipe names are named from the folder of ``weights``, where this one belongs.
    """
    steps = [_moved(step, recipe_folder(recipe), weights.parent) for step in _steps(recipe)]
    steps += [{"op": "resize"}, {"op": "learned", "model": weights.name}]
    return "\n".join([f"about = {json.dumps(about)}", *map(_table, steps)])


def _steps(recipe: str) -> list[dict[str, Any]]:
    steps = tomllib.loads(read_recipe(recipe)).get("step", [])
    assert isinstance(steps, list)
    return steps


def _moved(step: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    named = step.get("model")
    if named is None:
        return step
    start = new.resolve()
    listed = named if isinstance(named, list) else [named]
    paths = [os.path.relpath((old / path).resolve(), start) for path in listed]
    return {**step, "model": paths if isinstance(named, list) else paths[0]}


def _table(step: dict[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in step.items()]
    return "\n".join(["", "[[step]]", *lines, ""])


def _value(value: Any) -> str:
    """Return a value as TOML: texts, numbers, lists and ``{ choices = [...] }`` are in recipes."""
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_value(each)}" for key, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
