"""Drawn pictures for training."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from vidsr.errors import OptionError
from vidsr.training.tools import draw_pictures
from vidsr.video.still_images import read_rgb


def test_a_seed_is_a_picture_with_edges() -> None:
    picture = draw_pictures.drawing(3)
    assert picture.dtype == torch.uint8
    assert tuple(picture.shape) == (3, 960, 1280)
    assert torch.equal(picture, draw_pictures.drawing(3))
    assert not torch.equal(picture, draw_pictures.drawing(4))
    steps = picture.int().diff(dim=2).abs()
    assert int(steps.max()) > 150  # hard edges, which photographs have few of


def test_the_command_fills_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["drawings", str(tmp_path / "new"), "--count", "2"])
    draw_pictures.main()
    files = sorted((tmp_path / "new").iterdir())
    assert [f.name for f in files] == ["drawing000.png", "drawing001.png"]
    assert torch.equal(read_rgb(files[1]), draw_pictures.drawing(1))


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionError, match=r"pip install -e '\.\[train\]'"):
        draw_pictures.drawing(0)
