"""The stand-in for safetensors: the same files, read and written by one and the other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

import vidsr
from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import gpu_weights

SHIPPED = sorted((Path(vidsr.__file__).parent / "models" / "weights").glob("*.safetensors"))


def test_there_are_weights_to_read() -> None:
    assert SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_reads_what_the_package_reads(path: Path) -> None:
    with (
        safe_open(str(path), framework="pt") as theirs,
        gpu_weights.StandInFile(str(path), framework="pt") as ours,
    ):
        assert ours.metadata() == theirs.metadata()
        assert set(ours.keys()) == set(theirs.keys())
        for name in ours.keys():  # noqa: SIM118, as vidsr asks
            mine, wanted = ours.get_tensor(name), theirs.get_tensor(name)
            assert mine.dtype == wanted.dtype
            assert torch.equal(mine, wanted)


def test_writes_what_the_package_reads(tmp_path: Path) -> None:
    tensors = {
        "a": torch.arange(6, dtype=torch.float16).reshape(2, 3),
        "scalar": torch.tensor(7),
        "none": torch.empty(0, 4),
        "turned": torch.arange(6.0).reshape(2, 3).T,
    }
    data = gpu_weights.save(tensors, metadata={"key": "value"})
    found = load(data)
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with safe_open(str(path), framework="pt") as file:
        assert file.metadata() == {"key": "value"}
    ours = gpu_weights.StandInFile(str(path), framework="pt")
    assert all(torch.equal(ours.get_tensor(name), tensors[name]) for name in tensors)


def test_the_package_itself_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.modules["safetensors"]
    gpu_weights.ensure_safetensors()
    assert sys.modules["safetensors"] is before
    monkeypatch.setattr(gpu_weights, "find_spec", lambda name: None)
    for name in ("safetensors", "safetensors.torch"):
        monkeypatch.setitem(sys.modules, name, sys.modules[name])  # put back afterwards
    gpu_weights.ensure_safetensors()
    assert sys.modules["safetensors"].safe_open is gpu_weights.StandInFile
    assert sys.modules["safetensors"].__spec__.origin is None  # type: ignore[union-attr]
