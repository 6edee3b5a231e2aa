"""Networks for coded footage stored beside the network they grew from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.tools.test_blend import network
from vidsr.models.zoo import load_model
from vidsr.training.tools.strengths import main


def test_descendants_become_steps_of_their_parent(tmp_path: Path) -> None:
    """Of tensors with one value, every code is the largest: nothing is lost."""
    paths = [str(network(tmp_path / f"{v}.safetensors", v)) for v in (1.0, 2.0, 4.0)]
    assert main([*paths, "--curve", "1:0,2:1,4:2"]) == 0
    model = load_model(paths[0])
    assert model.strengths is not None
    for error_levels, value in ((0.5, 1.0), (1.5, 1.5), (2.0, 2.0), (3.0, 3.0), (9.0, 4.0)):
        module = model.at(model.strengths.step_of(error_levels)).module
        for weight in module.state_dict().values():
            assert weight.flatten().tolist() == pytest.approx([value] * weight.numel(), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["a.safetensors", "b.safetensors"], 2, "--curve"),
        (["a.safetensors", "--curve", "1:1"], 2, "DESCENDANT"),
        (["a.safetensors", "b.safetensors", "--curve", "1:2"], 2, "at most 1"),
        (["a.safetensors", "b.safetensors", "--curve", "2:0,1:1"], 2, "rising"),
        (["a.safetensors", "b.safetensors", "--curve", "1"], 2, "rising"),
        (["a.safetensors", "b.safetensors", "--curve", "x:y"], 2, "rising"),
        (["a.safetensors", "wide.safetensors", "--curve", "1:1"], 6, "its layers"),
        (["a.safetensors", "none.safetensors", "--curve", "1:1"], 6, "none.safetensors"),
        (["none.safetensors", "a.safetensors", "--curve", "1:1"], 6, "none.safetensors"),
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
    try:
        found = main(arguments)
    except SystemExit as leave:  # of the parser
        found = int(leave.code or 0)
    assert found == status
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("*.coded.safetensors"))
