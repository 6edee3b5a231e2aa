"""The command vidsr-job with a source behind an address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vidsr
from tests.makers.clips import Tone, make_clip
from tests.makers.http_server import Served, serving
from vidsr.jobs.cli import main

OPTIONS = ["--model", "lite-fast-x2", "--precision", "fp32", "--piece-frames", "3", "-q"]


def test_a_shared_run_reads_an_address(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip, target = tmp_path / "clip.mp4", tmp_path / "out.mkv"
    make_clip(clip, size=(32, 24), frames=9, gop=3, audio=Tone())
    vidsr.upscale(
        clip, tmp_path / "one.mkv", model="lite-fast-x2", precision="fp32", piece_frames=3
    )
    with serving({"/clip.mp4": Served(clip.read_bytes())}) as server:
        url = server.url("/clip.mp4")
        assert main(["plan", url, "-o", str(target), *OPTIONS]) == 0
        folder = f"{target}.vidsr-job"
        facts = json.loads(Path(folder, "identity.json").read_text())
        assert facts["source size"] == f"{clip.stat().st_size} bytes"
        assert main(["work", folder, "--piece", "2", "-q"]) == 0
        assert main(["work", folder, "-q"]) == 0
        assert main(["join", folder, "-q"]) == 0
    assert target.read_bytes() == (tmp_path / "one.mkv").read_bytes()


def test_one_without_parts_is_not_shared(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "clip.mkv", size=(32, 24), frames=9).path
    with serving({"/clip.mkv": Served(clip.read_bytes(), ranges=False)}) as server:
        words = ["plan", server.url("/clip.mkv"), "-o", str(tmp_path / "out.mkv"), *OPTIONS]
        assert main(words) == 2
    assert "not cut into pieces" in capfd.readouterr().err
    assert [*tmp_path.iterdir()] == [clip]
