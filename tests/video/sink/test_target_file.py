"""The target appears whole or not at all, and what stood there before survives every failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.makers.clips import decode, make_clip
from tests.makers.containers import Sound, enlarge, make_file
from vidsr.errors import OptionError, OutputError, VidsrError
from vidsr.notes import Notes
from vidsr.video.sink.file_sink import FileSink
from vidsr.video.sink.passthrough import Passthrough
from vidsr.video.sink.target_file import CONTAINERS, Target

OLD = b"what was there before"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return make_file(folder / "a.mkv", frames=4, sounds=[Sound()])


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "source")


def test_nothing_but_the_target_is_left(clip: Path, tmp_path: Path) -> None:
    enlarge(clip, tmp_path / "b.mp4")
    assert names(tmp_path) == ["b.mp4"]
    assert len(decode(tmp_path / "b.mp4")) == 4


def test_an_existing_file_is_replaced_only_on_demand(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.mp4"
    target.write_bytes(OLD)
    with pytest.raises(OutputError, match="exists already") as error:
        enlarge(clip, target)
    assert "`overwrite`" in error.value.hint
    assert target.read_bytes() == OLD
    enlarge(clip, target, overwrite=True)
    assert len(decode(target)) == 4
    assert names(tmp_path) == ["b.mp4"]


def test_a_missing_folder_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        enlarge(clip, tmp_path / "missing" / "b.mp4")
    assert names(tmp_path) == []


def test_a_folder_without_permission_is_refused(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(OutputError, match="no permission"):
        enlarge(clip, tmp_path / "b.mp4")


def test_a_folder_as_target_is_refused(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "b.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        enlarge(clip, tmp_path / "b.mp4", overwrite=True)


@pytest.mark.parametrize("how", ["same", "dots", "symbolic", "hard"])
def test_the_source_is_never_the_target(clip: Path, tmp_path: Path, how: str) -> None:
    target = tmp_path / "b.mkv"
    if how == "same":
        target = clip
    elif how == "dots":
        target = clip.parent / ".." / clip.parent.name / clip.name
    elif how == "symbolic":
        target.symlink_to(clip)
    else:
        target.hardlink_to(clip)
    before = clip.read_bytes()
    with pytest.raises(OutputError, match="is the source itself"):
        enlarge(clip, target, overwrite=True)
    assert clip.read_bytes() == before


@pytest.mark.parametrize("name", ["b.wmv", "b", "b.mp4.txt", ".mp4"])
def test_an_unknown_suffix_names_the_known(clip: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match=", ".join(CONTAINERS)):
        enlarge(clip, tmp_path / name)


def test_a_name_too_long_is_an_output_error(clip: Path, tmp_path: Path) -> None:
    for length in (300, 252):  # of 255 bytes, suffix included
        with pytest.raises(OutputError):
            enlarge(clip, tmp_path / ("x" * length + ".mp4"))
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["ünï cødé 漢字.mp4", "100%.mp4", "50%d.mkv", "a'b\"c.mp4", "-b.mp4"]
)
def test_awkward_names(clip: Path, tmp_path: Path, name: str) -> None:
    enlarge(clip, tmp_path / name)
    assert names(tmp_path) == [name]


def fail_at_the_end(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Passthrough, "finish", fail)


def fail_in_the_middle(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    write = FileSink.write

    def fail(sink: FileSink, frame: Any) -> None:
        if sink.frames == 2:
            raise error
        write(sink, frame)

    monkeypatch.setattr(FileSink, "write", fail)


def fail_at_the_rename(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)


@pytest.mark.parametrize("old", [None, OLD])
@pytest.mark.parametrize("moment", [fail_in_the_middle, fail_at_the_end, fail_at_the_rename])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), OutputError("no"), KeyboardInterrupt()]
)
def test_a_failure_leaves_the_old_file_and_nothing_else(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: bytes | None,
    moment: Any,
    error: BaseException,
) -> None:
    target = tmp_path / "b.mp4"
    if old:
        target.write_bytes(old)
    with monkeypatch.context() as patch:
        moment(patch, error)
        with pytest.raises((VidsrError, KeyboardInterrupt, OSError)) as raised:
            enlarge(clip, target, overwrite=True)
    if moment is not fail_in_the_middle:  # which is not where vidsr writes
        assert isinstance(raised.value, VidsrError | KeyboardInterrupt)
    assert names(tmp_path) == (["b.mp4"] if old else [])
    assert target.read_bytes() == old if old else True
    enlarge(clip, target, overwrite=True)
    assert len(decode(target)) == 4


@pytest.mark.parametrize("stale", ["file", "link"])
def test_what_a_killed_run_left_is_replaced(clip: Path, tmp_path: Path, stale: str) -> None:
    elsewhere = tmp_path / "source" / "elsewhere"
    elsewhere.write_bytes(OLD)
    if stale == "file":
        (tmp_path / "b.mp4.part").write_bytes(b"x" * 1_000_000)
    else:
        (tmp_path / "b.mp4.part").symlink_to(elsewhere)
    enlarge(clip, tmp_path / "b.mp4")
    assert names(tmp_path) == ["b.mp4"]
    assert (tmp_path / "b.mp4").stat().st_size < 1_000_000
    assert not (tmp_path / "b.mp4").is_symlink()
    assert elsewhere.read_bytes() == OLD


def test_a_folder_in_the_way_of_the_working_file_is_an_output_error(
    clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.mp4.part").mkdir()
    with pytest.raises(OutputError):
        enlarge(clip, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize("name", ["b.mp4", "b%d.png"])
def test_two_runs_cannot_write_the_same_target(clip: Path, tmp_path: Path, name: str) -> None:
    target = Target.of(tmp_path / name)
    claim = target.open()
    before = names(tmp_path)
    with pytest.raises(OutputError, match="another run is writing"):
        enlarge(clip, tmp_path / name)
    assert names(tmp_path) == before
    target.discard()
    assert names(tmp_path) == before
    claim.release()
    target.discard()
    enlarge(clip, tmp_path / name)


def test_an_uncommitted_target_can_be_discarded_twice(tmp_path: Path) -> None:
    for name in ("b.mp4", "b%d.png"):
        target = Target.of(tmp_path / name)
        claim = target.open()
        assert target.size() == 0
        claim.release()
        target.discard()
        target.discard()
    assert names(tmp_path) == []


def test_an_empty_sequence_commits_to_nothing(tmp_path: Path) -> None:
    target = Target.of(tmp_path / "b%d.png")
    target.open().release()
    target.commit(Notes())
    assert names(tmp_path) == []


def test_a_target_next_to_its_source_by_pattern(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", size=(32, 24), frames=2).path
    enlarge(clip, tmp_path / "out%02d.png")
    assert names(tmp_path) == ["in.mp4", "out01.png", "out02.png"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    target = Target.of(path)
    claim = target.open()
    target.working.write_bytes(b"new")
    path.write_bytes(b"theirs")
    with pytest.raises(OutputError, match=r"appeared meanwhile; result is .*a-1\.mkv"):
        target.commit(Notes())
    claim.release()
    assert path.read_bytes() == b"theirs"
    assert (tmp_path / "a-1.mkv").read_bytes() == b"new"
    assert not target.working.exists()
