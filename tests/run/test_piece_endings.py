"""Ends of runs in pieces: struck at the last moment, two at once, links, unwritable folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import vidsr
from tests.makers.clips import Tone, make_clip
from vidsr.batch.items import is_done
from vidsr.cli import main
from vidsr.errors import OutputError
from vidsr.run.report import Report
from vidsr.video.pieces.job_folder import JobFolder

FRAMES = 12
OPTIONS = ["--model", "lite-fast-x2", "--precision", "fp32", "--piece-frames", "4", "-q"]


def upscale(source: Path, target: Path, **options: object) -> Report:
    wanted = {"model": "lite-fast-x2", "precision": "fp32", "piece_frames": 4} | options
    return vidsr.upscale(source, target, **wanted)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return a clip, and the target of a run over it."""
    folder = tmp_path_factory.mktemp("endings")
    source = make_clip(folder / "in.mp4", size=(32, 24), frames=FRAMES, audio=Tone()).path
    upscale(source, folder / "one.mkv")
    return source, (folder / "one.mkv").read_bytes()


@pytest.fixture
def struck(
    whole: tuple[Path, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Return a target whose run was struck after its last rename, and the folder that is left."""
    target = tmp_path / "out.mkv"

    def strike(folder: JobFolder) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(JobFolder, "remove", strike)
        with pytest.raises(KeyboardInterrupt):
            upscale(whole[0], target)
    folder = tmp_path / "out.mkv.vidsr-job"
    assert target.read_bytes() == whole[1]
    assert folder.is_dir()
    return target, folder


def test_the_same_command_removes_what_is_left(
    struck: tuple[Path, Path], whole: tuple[Path, bytes]
) -> None:
    target, folder = struck
    before = target.stat().st_ino
    report = upscale(whole[0], target)
    assert (report.frames, report.resumed_frames) == (FRAMES, FRAMES)
    assert report.output_bytes == len(whole[1])
    assert any("finished before" in note for note in report.notes)
    assert not folder.exists()
    assert target.stat().st_ino == before
    with pytest.raises(OutputError, match="exists already"):
        upscale(whole[0], target)


@pytest.mark.parametrize("left", ["000001.piece", "identity.json", "order.json"])
def test_a_folder_that_is_half_removed(
    left: str, struck: tuple[Path, Path], whole: tuple[Path, bytes]
) -> None:
    target, folder = struck
    for path in folder.iterdir():
        if path.name not in (left, "finished.json"):
            path.unlink()
    assert upscale(whole[0], target).frames == FRAMES
    assert target.read_bytes() == whole[1]
    assert not folder.exists()


def test_another_command_does_not(struck: tuple[Path, Path], whole: tuple[Path, bytes]) -> None:
    target, folder = struck
    for options in ({"no_pieces": True, "piece_frames": None}, {"restart": True}):
        with pytest.raises(OutputError, match="exists already"):
            upscale(whole[0], target, **options)
    with pytest.raises(OutputError, match="another crf"):
        upscale(whole[0], target, crf=30)
    os.utime(target, (1, 1))
    with pytest.raises(OutputError, match="exists already"):
        upscale(whole[0], target)
    assert target.read_bytes() == whole[1]
    assert folder.is_dir()
    assert upscale(whole[0], target, restart=True, overwrite=True).resumed_frames == 0
    assert not folder.exists()


def test_batches_and_verbs_remove_what_is_left(
    struck: tuple[Path, Path], whole: tuple[Path, bytes]
) -> None:
    target, folder = struck
    assert not is_done(target)
    assert main([str(whole[0]), "-o", str(target), *OPTIONS, "--skip-existing"]) == 0
    assert not folder.exists()
    assert is_done(target)


def test_a_second_run_says_that_another_is_at_it(whole: tuple[Path, bytes], tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no locks of folders")
    target, said = tmp_path / "out.mkv", []

    def second(done: int, total: int | None) -> None:
        if done == 6:
            with pytest.raises(OutputError, match="another run is writing this target") as caught:
                upscale(whole[0], target)
            said.append(caught.value)
            for flag in ("--overwrite", "--restart"):
                assert main([str(whole[0]), "-o", str(target), *OPTIONS, flag]) == 4

    upscale(whole[0], target, progress=second)
    assert said
    assert target.read_bytes() == whole[1]
    assert [*tmp_path.iterdir()] == [target]


def test_a_link_is_followed(whole: tuple[Path, bytes], tmp_path: Path) -> None:
    elsewhere, target = tmp_path / "elsewhere", tmp_path / "out.mkv"
    elsewhere.mkdir()
    (elsewhere / "real.mkv").write_bytes(b"older")
    target.symlink_to(elsewhere / "real.mkv")
    upscale(whole[0], target, overwrite=True)
    assert target.is_symlink()
    assert (elsewhere / "real.mkv").read_bytes() == whole[1]
    assert len([*elsewhere.iterdir()]) == len([*tmp_path.iterdir()]) - 1 == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_nobody_may_write(whole: tuple[Path, bytes], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="no permission to write"):
            upscale(whole[0], tmp_path / "out.mkv")
    finally:
        tmp_path.chmod(0o700)
    assert [*tmp_path.iterdir()] == []
