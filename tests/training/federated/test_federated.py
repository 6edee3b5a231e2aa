"""Example of federated training: what a client does, and all of it on loopback."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.makers.photos import make_photos, photograph
from tests.paths import ROOT
from vidsr.models.checkpoint import load_generator
from vidsr.video.still_images import write_png

EXAMPLE = ROOT / "examples" / "federated"
SMALL = {"rounds": 2, "steps": 2, "scale": 2, "width": 8, "blocks": 1, "middle": 8, "batch": 2}
BOUND_S = 900.0  # four interpreters start, on a busy machine perhaps slowly


@pytest.fixture(scope="module")
def learning() -> Iterator[ModuleType]:
    """Return the example's module, which is imported by its bare name."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        yield importlib.import_module("learning")
    finally:
        sys.path.remove(str(EXAMPLE))
        sys.modules.pop("learning", None)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return three folders of one, two and three photographs."""
    folder = tmp_path_factory.mktemp("footage")
    for client in range(3):
        make_photos(folder / str(client), client)
        write_png(folder / str(client) / "own.png", photograph(50 + client))
    return [folder / str(client) for client in range(3)]


def plan(learning: ModuleType, **more: Any) -> Any:
    return learning.Plan(**{**SMALL, "crop": 16, **more})


def test_a_plan_survives_its_message(learning: ModuleType) -> None:
    chosen = plan(learning)
    assert learning.Plan.of({**vars(chosen), "finished": 1}) == chosen


def test_rounds_of_one_client_are_one_run(learning: ModuleType, footage: list[Path]) -> None:
    begun = learning.arrays_of(learning.student_of(plan(learning).options(footage[1])))
    parts, whole = begun, plan(learning, rounds=1, steps=4)
    client = learning.Local.of(footage[1], plan(learning))
    assert client.samples == 4  # two photographs, at full and at half size
    for finished in range(2):
        parts, loss = client.learn(parts, finished)
        assert loss > 0
    at_once, _ = learning.Local.of(footage[1], whole).learn(begun, 0)
    assert all(np.array_equal(a, b) for a, b in zip(parts, at_once, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(parts, begun, strict=True))


@pytest.mark.slow
def test_three_clients_on_loopback_are_averaged_by_their_samples(
    learning: ModuleType, footage: list[Path], tmp_path: Path
) -> None:
    pytest.importorskip(
        "flwr", reason="Flower is not installed: it needs an environment of its own"
    )
    chosen, out = plan(learning, rounds=1), tmp_path / "model.safetensors"
    words = [str(EXAMPLE / "loopback.py"), *map(str, footage), "--out", str(out)]
    words += [w for name, value in vars(chosen).items() for w in (f"--{name}", str(value))]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "FLWR_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, timeout=BOUND_S
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "round 1: losses" in done.stdout
    student = learning.student_of(chosen.options(footage[0]))
    begun = learning.arrays_of(student)
    clients = [learning.Local.of(folder, chosen, seed) for seed, folder in enumerate(footage)]
    assert [client.samples for client in clients] == [2, 4, 6]
    learned = [client.learn(begun, 0)[0] for client in clients]
    mean = [a / 6 + b / 3 + c / 2 for a, b, c in zip(*learned, strict=True)]
    learning.fill(student, mean)
    _, theirs = load_generator(out)
    for name, value in student.plain_weights().items():
        stored = theirs.state_dict()[name]
        np.testing.assert_allclose(stored.numpy(), value.detach().numpy(), rtol=2e-3, atol=1e-5)
