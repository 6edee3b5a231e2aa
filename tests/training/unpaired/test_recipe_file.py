"""The recipe that a run leaves: the same steps as before, and one more."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch

from tests.makers.restorers import make_restorer
from vidsr.degradation.recipe import Recipe
from vidsr.degradation.recipe_files import recipe_names
from vidsr.training.unpaired.recipe_file import recipe_text


@pytest.mark.parametrize("name", recipe_names())
def test_steps_of_every_recipe_stay_what_they_were(name: str, tmp_path: Path) -> None:
    learned = make_restorer(tmp_path / "degradation.safetensors")
    text = recipe_text(name, learned, 'says "so"')
    recipe, before = Recipe.parse(text, "t", tmp_path), Recipe.load(name)
    assert recipe.about == 'says "so"'
    assert recipe.steps[:-2] == before.steps
    assert [step.op for step in recipe.steps[-2:]] == ["resize", "learned"]
    if any(step.shuffle for step in before.steps):
        return  # their order is drawn last, after one step more
    x = torch.rand(2, 3, 48, 64)
    # A fresh network changes nothing; each step draws from the chain's seed in its turn.
    for seed in range(2):
        assert torch.equal(recipe.sample(seed).apply(x, 2), before.sample(seed).apply(x, 2))


def test_files_of_the_recipe_are_found_from_the_new_place(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    make_restorer(tmp_path / "old" / "first.safetensors")
    second = make_restorer(tmp_path / "new" / "second.safetensors")
    old = tmp_path / "old" / "recipe.toml"
    old.write_text('[[step]]\nop = "learned"\nmodel = ["first.safetensors"]\nstrength = 0.5\n')
    new = tmp_path / "new" / "recipe.toml"
    new.write_text(recipe_text(str(old), second, "both"))
    models = [step.get("model") for step in tomllib.loads(new.read_text())["step"]]
    assert models == [["../old/first.safetensors"], None, "second.safetensors"]
    assert len(Recipe.load(new).steps) == 3
