"""Networks for coded footage: curve, interpolation, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from vidsr.errors import ModelError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.shipped import strengths_path
from vidsr.models.strength_files import HEADER_KEY, save_strengths
from vidsr.models.strengths import STEPS_BETWEEN, StrengthCurve, Strengths
from vidsr.models.zoo import load_model

CONFIG = GeneratorConfig(kind="lite", scale=2, channels=1, width=4, blocks=2)
CURVE = StrengthCurve((1.0, 2.0, 6.0), (0.0, 1.0, 2.0))


def weights(seed: int) -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {name: w.half().float() for name, w in build_generator(CONFIG).state_dict().items()}


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    path = tmp_path / "mine-x2.safetensors"
    save_generator(path, CONFIG, weights(0))
    return path


def write(parent: Path) -> Path:
    return save_strengths(parent, weights(0), [weights(1), weights(2)], CURVE)


@pytest.mark.parametrize(
    ("levels", "position"),
    [(0, 0), (0.5, 0), (1, 0), (1.5, 0.5), (2, 1), (4, 1.5), (6, 2), (99, 2)],
)
def test_errors_lead_to_positions_along_the_curve(levels: float, position: float) -> None:
    assert CURVE.position(levels) == pytest.approx(position)


def test_below_the_first_level_the_curve_comes_from_zero() -> None:
    assert StrengthCurve((2.0,), (1.0,)).position(1.0) == pytest.approx(0.5)


@given(st.floats(0, 50), st.floats(0, 50))
def test_more_error_never_means_less_strength(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CURVE.position(low) <= CURVE.position(high)


@pytest.mark.parametrize(
    ("levels", "positions"),
    [((), ()), ((1.0,), ()), ((2.0, 1.0), (0.0, 1.0)), ((1.0, 2.0), (1.0, 0.0)), ((0.0,), (1.0,)),
     ((float("nan"),), (1.0,)), ((1.0,), (-1.0,))],
)  # fmt: skip
def test_what_is_no_curve_is_refused(
    levels: tuple[float, ...], positions: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="curve"):
        StrengthCurve(levels, positions)


def test_a_curve_beyond_the_last_descendant_is_refused() -> None:
    with pytest.raises(ValueError, match="1 descendants"):
        Strengths(CURVE, ({},))


def test_steps_go_from_the_parent_through_every_descendant(parent: Path) -> None:
    """Kernels are rounded to 1/254 of the largest difference of their channel."""
    write(parent)
    model = load_model(parent)
    assert model.strengths is not None
    assert model.strengths.last_step == 2 * STEPS_BETWEEN
    for seed in range(3):
        found = model.at(seed * STEPS_BETWEEN).module.state_dict()
        for name, wanted in weights(seed).items():
            largest = float((wanted - weights(0)[name]).abs().max())
            assert torch.allclose(found[name], wanted, rtol=0, atol=largest / 250 + 1e-6), name


def test_between_two_descendants_weights_are_interpolated(parent: Path) -> None:
    write(parent)
    model = load_model(parent)
    low, middle, high = (model.at(step).module.state_dict() for step in (4, 5, 8))
    for name in low:
        assert torch.allclose(middle[name], low[name].lerp(high[name], 0.25), atol=1e-6)


def test_step_zero_is_the_model_itself(parent: Path) -> None:
    write(parent)
    model = load_model(parent)
    assert model.at(0) is model
    assert model.at(3).step == 3
    assert model.at(3).name == model.name


@pytest.mark.parametrize("step", [-1, 9])
def test_there_are_no_other_steps(parent: Path, step: int) -> None:
    write(parent)
    with pytest.raises(ValueError, match=f"step = {step}"):
        load_model(parent).at(step)


def test_a_model_without_descendants_has_one_network(parent: Path) -> None:
    model = load_model(parent)
    assert model.strengths is None
    with pytest.raises(ValueError, match="no other networks"):
        model.at(1)


def test_descendants_are_no_models_of_their_own(parent: Path) -> None:
    from vidsr.models.shipped import available

    assert not [name for name in available() if "coded" in name]


def test_descendants_of_other_weights_are_refused(parent: Path) -> None:
    write(parent)
    save_generator(parent, CONFIG, weights(3))
    with pytest.raises(ModelError, match="made for other weights"):
        load_model(parent)


def test_damaged_descendants_are_refused(parent: Path) -> None:
    path = write(parent)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"mine-x2\.coded\.safetensors"):
        load_model(parent)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 99},
        {"levels": [2, 1, 3]},
        {"levels": "abc"},
        {"positions": [0, 1]},
        {"descendants": 3},
        {"descendants": "x"},
        {"weights_sha256": None},
    ],
)
def test_headers_that_lie_are_refused(parent: Path, change: dict[str, object]) -> None:
    path = write(parent)
    header = {
        "schema": 1, "descendants": 2, "levels": CURVE.levels, "positions": CURVE.positions,
        "weights_sha256": __import__("hashlib").sha256(parent.read_bytes()).hexdigest(),
    }  # fmt: skip
    tensors = load_file(path)
    save_file(tensors, path, {HEADER_KEY: json.dumps(header)})
    load_model(parent)
    save_file(tensors, path, {HEADER_KEY: json.dumps(header | change)})
    with pytest.raises(ModelError, match="no descendants"):
        load_model(parent)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(parent: Path, bad: float) -> None:
    path = write(parent)
    tensors = load_file(path)
    tensors["0/head.bias"] = torch.full_like(tensors["0/head.bias"], bad)
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        header = file.metadata()
    save_file(tensors, path, header)
    with pytest.raises(ModelError, match=r"head\.bias does not fit"):
        load_model(parent)


def test_the_file_lies_beside_its_weights(parent: Path) -> None:
    assert write(parent) == strengths_path(parent) == parent.with_name("mine-x2.coded.safetensors")
    assert replace(load_model(parent), strengths=None).strengths is None
