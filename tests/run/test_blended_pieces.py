"""Runs in pieces whose tiles show: a run that goes on, and others that help, cut as it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engines.test_blending import FarStarter
from tests.makers.clips import make_clip
from tests.run.test_pieces import Stop, samples, stop_after, upscale
from vidsr.engines.selection import engine_order

TILE = (40, 48)


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(engine_order, "STARTERS", (FarStarter(), *engine_order.STARTERS))
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "cache"))
    return make_clip(tmp_path / "in.mkv", size=(240, 96), frames=6, codec="ffv1").path


def run(clip: Path, target: Path, **options: object) -> None:
    wanted = {"model": "lite-x2", "precision": "auto", "device": "cpu", "codec": "ffv1"}
    upscale(clip, target, **(wanted | {"tile": TILE, "piece_frames": 2} | options))


def test_a_run_that_goes_on_reads_as_much_around_its_tiles(clip: Path, tmp_path: Path) -> None:
    """Even where what was measured is lost, or another picture would give another number."""
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    run(clip, whole, no_pieces=True, piece_frames=None)
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    with pytest.raises(Stop):
        run(clip, cut, progress=stop_after(3))
    folder = next(tmp_path.glob("*cut.mkv*job*"))
    stated = json.loads((folder / "identity.json").read_text())["tiles that blend"]
    assert stated.startswith("48x40 with ")
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(b"of no use")
    run(clip, cut)
    assert samples(cut) == samples(whole)
