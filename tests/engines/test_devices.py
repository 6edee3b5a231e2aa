"""Devices as people name them, and what is looked at before any file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from vidsr import upscale
from vidsr.cli import main
from vidsr.engines.devices import resolve_devices
from vidsr.errors import DeviceError, OptionError, VidsrError


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)


@pytest.mark.parametrize("text", ["cuda:0,", ",cuda:0", "cuda:0,,cuda:1", ","])
def test_a_comma_with_nothing_beside_it(text: str) -> None:
    with pytest.raises(OptionError, match=f"device = '{text}': a name is missing beside a comma"):
        resolve_devices(text)


@pytest.mark.parametrize("text", ["cuda:0,gpu", "gpu,cuda:0", "cuda:0, cuda:1", "", "cuda:", "CPU"])
def test_names_are_looked_at_before_devices(text: str) -> None:
    with pytest.raises(OptionError, match="expected 'auto', 'cpu', 'cuda' or 'cuda:N'"):
        resolve_devices(text)


def test_lists(one_gpu: None) -> None:
    assert resolve_devices("cuda:0") == (torch.device("cuda", 0),)
    for text, message in (
        ("cuda:0,cuda:0", "each device once"),
        ("cuda,cuda:0", "each device once"),
        ("cpu,cuda:0", "CUDA devices only"),
    ):
        with pytest.raises(OptionError, match=message):
            resolve_devices(text)
    with pytest.raises(DeviceError, match="device = 'cuda:1', but there are 1"):
        resolve_devices("cuda:0,cuda:1")


SURE: list[tuple[dict[str, Any], str, str]] = [
    ({"device": "cuda:9"}, "--device cuda:9", "--device cuda:9, but there are 1"),
    ({"device": "cuda:0,"}, "--device cuda:0,", "--device cuda:0,: a name is missing"),
    (
        {"device": "cpu", "engine": "tensorrt"},
        "--device cpu --engine tensorrt",
        "--engine tensorrt on cpu",
    ),
    (
        {"device": "cpu", "precision": "fp16"},
        "--device cpu --precision fp16",
        "--precision fp16 on a CPU",
    ),
    (
        {"device": "cpu", "engine": "torch", "wait_for_engine": True},
        "--device cpu --engine torch --wait-for-engine",
        "--wait-for-engine with --engine torch",
    ),
    ({"device": "cpu", "codec": "h265"}, "--device cpu --codec h265", "h265"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "flags", "said"), SURE, ids=[flags for _, flags, _ in SURE])
def test_what_is_sure_is_said_before_a_file_is_opened(
    one_gpu: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    flags: str,
    said: str,
) -> None:
    unread, target = tmp_path / "unread.mp4", tmp_path / "a.mkv"
    unread.write_text("no video")
    with pytest.raises(VidsrError) as caught:
        upscale(unread, target, **options)
    assert "unread.mp4" not in str(caught.value)
    if "codec" not in options:
        assert "--" not in str(caught.value)
    assert main([str(unread), "-o", str(target), *flags.split()]) == caught.value.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert " = " not in line
