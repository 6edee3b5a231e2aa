"""The command vidsr-models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.makers import onnx_models
from tests.makers.onnx_models import Sharpener, Swapped
from vidsr.catalogue.cli import main
from vidsr.models.onnx_networks.network import load_onnx, onnx_network
from vidsr.models.zoo import load_model
from vidsr.video.still_images import read_picture, write_png


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    write_png(tmp_path / "a.png", (torch.rand(3, 40, 60) * 255).to(torch.uint8))
    return tmp_path / "a.png"


def compact_checkpoint(path: Path) -> Path:
    """A Compact network of x2 as its trainers save it."""
    torch.manual_seed(0)
    shapes = {"0": (8, 3), "2": (8, 8), "4": (12, 8)}
    tensors: dict[str, torch.Tensor] = {}
    for layer, (out, into) in shapes.items():
        tensors[f"body.{layer}.weight"] = torch.randn(out, into, 3, 3) * 0.05
        tensors[f"body.{layer}.bias"] = torch.zeros(out)
    tensors |= {f"body.{layer}.weight": torch.full((8,), 0.1) for layer in "13"}
    torch.save({"params": tensors}, path)
    return path


def test_list_names_what_ships_and_what_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIDSR_MODELS", str(tmp_path))
    (tmp_path / "mine.onnx").write_bytes(b"a")
    index = f'[far]\naddress = "https://example.org/far.pth"\nsha256 = "{"0" * 64}"\n'
    (tmp_path / "models.toml").write_text(index)
    assert main(["list", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["lite-x4"]["origin"] == "shipped"
    assert found["mine"]["origin"] == "folder"
    assert (found["far"]["origin"], found["far"]["file"]) == ("index", None)
    assert main(["list"]) == 0
    assert "not fetched" in capsys.readouterr().out


def test_show_says_what_a_checkpoint_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = compact_checkpoint(tmp_path / "a.pth")
    assert main(["show", str(path), "--json", "--size", "32x24", "--device", "cpu"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["architecture"] == "Compact 8x1"
    assert (shown["scale"], shown["file_format"]) == (2, "pickle")
    assert shown["reach"]["pixels"] == 3
    assert shown["precisions"] == ["fp32", "bf16", "fp16"]
    assert shown["cost"]["ms"] > 0
    assert main(["show", str(path), "--no-run"]) == 0
    said = capsys.readouterr().out
    assert "licence  the file names none" in said
    assert "tiles    exact: tiles equal the whole frame" in said


def test_show_makes_a_contact_sheet(tmp_path: Path, picture: Path) -> None:
    sheet = tmp_path / "sheet.png"
    line = ["show", "lite-fast-x2", "--no-run", "--picture", str(picture), "-o", str(sheet)]
    assert main(line) == 0
    assert read_picture(sheet).shape[2] > 3 * 60
    assert main([*line[:-2]]) == 2


def test_show_says_how_an_onnx_file_is_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = onnx_models.by_hand(tmp_path / "net.onnx", Sharpener())
    assert main(["show", str(path), "--no-run"]) == 0
    said = capsys.readouterr().out
    assert "ONNX graph of opset 13" in said
    assert "note     net.onnx is understood as x2, RGB, 0 to 1, float32" in said


def test_convert_writes_what_loads_as_the_same_network(tmp_path: Path) -> None:
    path, target = compact_checkpoint(tmp_path / "a.pth"), tmp_path / "a.safetensors"
    assert main(["convert", str(path), "-o", str(target)]) == 0
    x = torch.rand(1, 3, 9, 11)
    with torch.inference_mode():
        assert torch.equal(load_model(path).module(x), load_model(target).module(x))
    assert load_model(target).file_format == "safetensors"
    assert main(["convert", str(path), "-o", str(target)]) == 4
    assert main(["convert", str(path), "-o", str(target), "--overwrite"]) == 0


def test_convert_writes_the_names_by_which_others_know_a_network(tmp_path: Path) -> None:
    tensors = torch.load(compact_checkpoint(tmp_path / "a.pth"), weights_only=True)["params"]
    wrapped = {f"net_g.{name}": tensor.half() for name, tensor in tensors.items()}
    loss = {"net_d.0.weight": torch.zeros(8, 3, 3, 3)}
    torch.save({"state_dict": wrapped | loss}, tmp_path / "b.ckpt")
    target = tmp_path / "b.safetensors"
    assert main(["convert", str(tmp_path / "b.ckpt"), "-o", str(target)]) == 0
    written = load_file(target)
    assert set(written) == set(tensors)
    assert {tensor.dtype for tensor in written.values()} == {torch.float16}


def test_a_name_that_nobody_has_is_answered_with_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIDSR_MODELS", str(tmp_path))
    compact_checkpoint(tmp_path / "anime_x2.pth")
    assert main(["show", "anime-x2"]) == 6
    said = capsys.readouterr().err
    assert "srresnet-x4, anime_x2" in said
    assert "did you mean 'anime_x2'" in said


def test_convert_keeps_own_networks(tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    assert main(["convert", "lite-fast-x2", "-o", str(target)]) == 0
    assert load_model(target).config == load_model("lite-fast-x2").config


def test_convert_states_the_order_of_an_onnx_file(tmp_path: Path) -> None:
    source = onnx_models.script(tmp_path / "a.onnx", Swapped(Sharpener(), both=True))
    target = tmp_path / "b.onnx"
    line = ["convert", str(source), "-o", str(target)]
    assert main([*line, "--order", "bgr", "--range", "unit"]) == 0
    network = onnx_network(load_onnx(target))
    assert network is not None
    assert (network.contract.input.order, network.contract.rivals) == ("bgr", ())
    assert main([*line[:-1], str(tmp_path / "c.safetensors")]) == 6
