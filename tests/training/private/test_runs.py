"""``vidsr-train --dp-epsilon``: what is written, repeated, resumed and refused."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.doubles.warm import run_warm
from tests.makers.photos import make_photos, photograph
from vidsr.models.checkpoint import load_generator
from vidsr.models.header import stated_texts
from vidsr.training.command.cli import main
from vidsr.video.still_images import write_png

needs_opacus = pytest.mark.skipif(
    importlib.util.find_spec("opacus") is None,
    reason="Opacus is not installed",
)
SMALL = ("--scale", "2", "--width", "8", "--blocks", "1", "--crop", "16", "--threads", "1")
PRIVATE = ("--dp-epsilon", "8", "--batch", "2", "--steps", "8", "--every", "4", *SMALL)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    folder = tmp_path_factory.mktemp("private")
    (folder / "held").mkdir()
    write_png(folder / "held" / "one.png", photograph(99, 64, 80))
    return (make_photos(folder / "photos", 6), "--validate", folder / "held")


def train(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@needs_opacus
def test_epsilon_stands_in_log_card_and_weights(
    places: tuple[object, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(*places, "--out", tmp_path / "run", *PRIVATE) == 0
    log = rows(tmp_path / "run")
    assert "loss" not in log[0]
    assert 0 < float(log[0]["epsilon"]) < float(log[1]["epsilon"]) <= 8
    assert float(log[1]["delta"]) == 1e-5
    stated = json.loads(stated_texts(tmp_path / "run" / "model.safetensors")["vidsr.privacy"])
    assert stated["epsilon"] == pytest.approx(float(log[1]["epsilon"]), abs=1e-3)
    assert (stated["steps"], stated["sources"], stated["rate"]) == (8, 6, 2 / 6)
    assert stated["noise is secret"] is True
    card = (tmp_path / "run" / "card.md").read_text()
    assert f"| privacy | epsilon {stated['epsilon']:.3g}, delta 1e-05 for each photograph" in card
    assert "epsilon 8 at delta 1e-05 for each of 6" in capsys.readouterr().err
    load_generator(tmp_path / "run" / "model.safetensors")


@needs_opacus
def test_a_known_seed_gives_the_same_weights_and_none_gives_others(
    places: tuple[object, ...], tmp_path: Path
) -> None:
    for name, more in (("a", (5,)), ("b", (5,)), ("c", (6,)), ("d", ())):
        seeds = ("--dp-seed", *more) if more else ()
        assert train(*places, "--out", tmp_path / name, *PRIVATE, *seeds) == 0
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert len({weights(tmp_path / name) for name in "acd"}) == 3
    assert "not in force" in (tmp_path / "a" / "card.md").read_text()


@needs_opacus
def test_a_resumed_run_equals_an_unbroken_one_and_counts_on(
    places: tuple[object, ...], tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(*places, "--out", whole, *PRIVATE, "--dp-seed", 5) == 0
    assert train(*places, "--out", parts, *PRIVATE, "--dp-seed", 5, "--stop-after", 4) == 0
    assert train("--out", parts, "--resume", "--every", 4, "--threads", 1) == 0
    assert weights(whole) == weights(parts)
    assert rows(whole)[-1]["epsilon"] == rows(parts)[-1]["epsilon"]
    states = [torch.load(p / "state.pt", weights_only=True)["learner"] for p in (whole, parts)]
    assert states[0]["private"] == states[1]["private"]


@needs_opacus
def test_a_secret_key_is_kept_until_the_end_and_no_longer(
    places: tuple[object, ...], tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert train(*places, "--out", one, *PRIVATE, "--stop-after", 4) == 0
    state = torch.load(one / "state.pt", weights_only=True)
    assert len(bytes.fromhex(state["learner"]["private"]["key"])) == 16
    shutil.copytree(one, other)
    for folder in (one, other):
        assert train("--out", folder, "--resume", "--every", 4, "--threads", 1) == 0
        ended = torch.load(folder / "state.pt", weights_only=True)
        assert ended["learner"]["private"]["key"] is None
    assert weights(one) == weights(other)
    assert train("--out", one, "--resume", "--threads", 1) == 0  # there is nothing left to do
    assert weights(one) == weights(other)


@needs_opacus
def test_other_pictures_or_steps_at_a_resume_are_refused(
    places: tuple[object, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, more = tmp_path / "run", make_photos(tmp_path / "more", 7)
    assert train(*places, "--out", out, *PRIVATE, "--stop-after", 4) == 0
    before = weights(out)
    capsys.readouterr()
    assert train(more, "--out", out, "--resume", "--threads", 1) == 2
    assert train("--out", out, "--resume", "--steps", 16) == 2
    assert train("--out", out, "--resume", "--dp-epsilon", 9) == 2
    said = capsys.readouterr().err.splitlines()
    pictures, steps, epsilon = (line for line in said if "error:" in line)
    assert "the pictures are not those that the private run was begun with" in pictures
    assert "--steps 16, but the run was begun with 8" in steps
    assert "--dp-epsilon 9.0, but the run was begun with 8.0" in epsilon
    assert weights(out) == before


@needs_opacus
def test_shipped_weights_are_said_not_to_be_covered(
    places: tuple[object, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", tmp_path / "run", "--init", "lite-x2", "--crop", 16, "--threads", 1)
    few = ("--dp-epsilon", 8, "--batch", 2, "--steps", 1)
    assert train(*places, *out, *few) == 0
    assert "not covered: what lite-x2 has learned before" in capsys.readouterr().err
    assert "not covered: what lite-x2" in (tmp_path / "run" / "card.md").read_text()


@needs_opacus
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--batch", 7), "--batch 7 with --dp-epsilon: expected 6 or less"),
        (("--adversarial", "bce"), "with --adversarial bce: what the discriminator learns"),
        (("--middle", 8), "with --middle 8: expected 0"),
        (("--teacher", "lite-x2"), "does not cover what a teacher has seen"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(
    places: tuple[object, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[object, ...],
    message: str,
) -> None:
    assert train(*places, "--out", tmp_path / "run", *PRIVATE, *more) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "run").exists()


def test_plain_training_loads_nothing_of_it(places: tuple[object, ...], tmp_path: Path) -> None:
    given = [*places, "--out", tmp_path / "run", "--steps", 1, "--batch", 2, *SMALL]
    words = ["vidsr-train", *map(str, given), "--middle", "8"]
    code = (
        "import sys; from vidsr.training.command.cli import main; "
        f"assert main({words[1:]!r}) == 0; "
        "print([n for n in sys.modules if n.startswith(('opacus', 'vidsr.training.private'))])"
    )
    done = run_warm(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
