"""The learned step of a recipe: what it does, where its file is looked for, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers.restorers import make_restorer
from vidsr.degradation.operations.learned import LearnedDegradation
from vidsr.degradation.recipe import Recipe
from vidsr.degradation.recipe_files import recipe_identity
from vidsr.errors import OptionError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig


def darkener(path: Path, levels: float = 10, channels: int = 3) -> Path:
    """Write a network that takes ``levels`` away."""
    return make_restorer(path, levels=-levels, channels=channels)


def recipe(folder: Path, text: str = "") -> Path:
    path = folder / "mine.toml"
    path.write_text(f'[[step]]\nop = "learned"\nmodel = "net.safetensors"\n{text}')
    return path


def levels(x: Tensor) -> Tensor:
    return (x * 255).round()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0])
def test_the_change_counts_by_its_strength(channels: int, strength: float, tmp_path: Path) -> None:
    network = LearnedDegradation(
        darkener(tmp_path / "net.safetensors", channels=channels), strength=strength
    )
    x = torch.rand(2, 3, 9, 11) / 2 + 0.25
    # Weights are kept in half precision: ten levels to a hundredth.
    wanted = levels(x) - 10 * strength
    torch.testing.assert_close(255 * network(x), wanted, atol=0.02, rtol=0)


def test_a_recipe_names_its_file_from_its_own_folder(tmp_path: Path) -> None:
    darkener(tmp_path / "net.safetensors")
    mine = Recipe.load(recipe(tmp_path, "strength = [0.5, 1]\n"))
    x = torch.full((2, 3, 16, 16), 0.5)
    found = {float(levels(mine.sample(seed).apply(x, 2)).mean()) for seed in range(6)}
    assert len(found) > 2
    assert all(128 - 10 <= value <= 128 - 5 for value in found)
    assert torch.equal(mine.sample(3).apply(x, 2), mine.sample(3).apply(x, 2))
    assert "learned(model=" in mine.sample(0).describe()


def test_the_identity_of_a_recipe_changes_with_the_file(tmp_path: Path) -> None:
    file = darkener(tmp_path / "net.safetensors")
    path = recipe(tmp_path)
    first = recipe_identity(path)
    assert first == recipe_identity(path) != path.read_text()
    darkener(file, levels=11)
    assert recipe_identity(path) != first
    path.write_text('[[step]]\nop = "learned"\nmodel = { choices = ["net.safetensors"] }\n')
    assert recipe_identity(path) != path.read_text()
    assert "[[step]]" in recipe_identity("web")


def test_the_identity_of_others_is_their_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text in ('[[step]]\nop = "resize"\n', "step = 3", "nonsense", "[step]\nmodel = 1"):
        path.write_text(text)
        assert recipe_identity(path) == text


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ('"net.safetensors"', r"step 1 \(learned\): model: .*net.safetensors: no such file"),
        ("3", "expected the path of weights, got 3"),
        ('""', "expected the path of weights, got ''"),
        ('"mine.toml"', "expected weights that keep the size, got no weights of vidsr"),
        ('"large.safetensors"', "expected weights that keep the size, got scale 2"),
    ],
)
def test_what_is_no_degradation(model: str, message: str, tmp_path: Path) -> None:
    config = GeneratorConfig(kind="lite", scale=2, channels=1, width=2, blocks=0)
    save_generator(tmp_path / "large.safetensors", config, build_generator(config).state_dict())
    path = tmp_path / "mine.toml"
    path.write_text(f'[[step]]\nop = "learned"\nmodel = {model}\n')
    with pytest.raises(OptionError, match=message) as caught:
        Recipe.load(path)
    assert "\n" not in str(caught.value)


def test_a_file_is_needed() -> None:
    with pytest.raises(OptionError, match="model is missing; expected a file of weights"):
        Recipe.parse('[[step]]\nop = "learned"\n', "t")
