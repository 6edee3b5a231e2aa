"""Weights between two networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import load_model
from vidsr.training.tools.blend import main


def network(path: Path, value: float, width: int = 8) -> Path:
    config = GeneratorConfig(kind="lite", scale=2, channels=1, width=width, blocks=1)
    net = build_generator(config)
    save_generator(
        path, config, {k: torch.full_like(v, value) for k, v in net.state_dict().items()}
    )
    return path


@pytest.mark.parametrize(("share", "expected"), [("0", 1.0), ("0.25", 1.5), ("1", 3.0)])
def test_every_weight_lies_between(share: str, expected: float, tmp_path: Path) -> None:
    first, second = (network(tmp_path / f"{v}.safetensors", v) for v in (1.0, 3.0))
    output = tmp_path / "mix.safetensors"
    assert main([str(first), str(second), "--share", share, "-o", str(output)]) == 0
    mixed = load_model(output)
    assert mixed.config == load_model(first).config
    assert all((weight == expected).all() for weight in mixed.module.state_dict().values())


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["a.safetensors", "b.safetensors", "--share", "1.5", "-o", "c.safetensors"], 2, "0 to 1"),
        (["a.safetensors", "b.safetensors", "--share", "nan", "-o", "c.safetensors"], 2, "0 to 1"),
        (["a.safetensors", "wide.safetensors", "-o", "c.safetensors"], 6, "different shape"),
        (["a.safetensors", "none.safetensors", "-o", "c.safetensors"], 6, "none.safetensors"),
        (["a.safetensors", "b.safetensors", "-o", "a.safetensors"], 4, "exists already"),
        (["a.safetensors", "b.safetensors", "-o", "c.pth"], 2, ".safetensors"),
        (["a.safetensors", "b.safetensors", "-o", "no/c.safetensors"], 4, "no/c.safetensors"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, width in (("a", 8), ("b", 8), ("wide", 9)):
        network(tmp_path / f"{name}.safetensors", 1.0, width)
    assert main(arguments) == status
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "c.safetensors").exists()
