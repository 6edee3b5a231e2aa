"""Folders of jobs that somebody else has filled: nothing leads out of them, waits or crashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.video.folders.leases import holder_of, take
from vidsr.video.pieces.job_folder import JobFolder, read_order
from vidsr.video.pieces.piece_file import CodedFrame, PieceFile, PieceHead, write_piece
from vidsr.video.sink.target_file import Target

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def rewritten(path: Path, **changes: object) -> None:
    """Write other words into a piece's head, under a digest that fits."""
    line, rest = path.read_bytes()[:-32].split(b"\n", 1)
    data = json.dumps(json.loads(line) | changes).encode() + b"\n" + rest
    path.write_bytes(data + hashlib.sha256(data).digest())


def as_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_folder(path: Path) -> None:
    path.unlink()
    (path / "in it").mkdir(parents=True)


def as_nest(path: Path) -> None:
    path.write_bytes(b"[" * 60_000 + b"\n")


BAD = [
    as_link,
    pytest.param(as_pipe, marks=needs_pipes),
    as_folder,
    as_nest,
    lambda path: rewritten(path, parameters=["x"]),
    lambda path: rewritten(path, elapsed_s="long"),
    lambda path: rewritten(path, elapsed_s=float("inf")),
    lambda path: rewritten(path, frames=10**30),
]


@pytest.mark.parametrize("spoil", BAD)
def test_a_piece_that_is_none_is_done_again(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    folder = JobFolder(Target.of(tmp_path / "o.mkv"))
    folder.begin({"it": "this"})
    path = folder.piece_path(0)
    write_piece(path, PieceHead(0, 1, 1, 0, 0, ""), [CodedFrame(b"a", 0, 0, 1, True)])
    assert list(folder.finished(1, Notes())) == [0]
    spoil(path)
    notes = Notes()
    assert not folder.finished(1, notes)
    assert any("piece 0 is done again" in note for note in notes.said)
    assert not os.path.lexists(path)
    folder.close()


def test_frames_of_one_time_are_no_piece(tmp_path: Path) -> None:
    path, frame = tmp_path / "piece", CodedFrame(b"a", 0, 0, 1, True)
    write_piece(path, PieceHead(0, 2, 2, 0, 0, ""), [frame, frame])
    with pytest.raises(ValueError, match="at the same time"):
        PieceFile(path).check()


@pytest.mark.parametrize("spoil", [as_link, pytest.param(as_pipe, marks=needs_pipes), as_nest])
@pytest.mark.parametrize("name", ["identity.json", "order.json"])
def test_a_record_that_is_none_is_written_anew(
    name: str, spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = JobFolder(Target.of(tmp_path / "o.mkv"))
    folder.begin({"it": "this"}, order="{}")
    folder.close(keep=True)
    spoil(folder.path / name)
    if name == "order.json" and spoil is not as_nest:
        with pytest.raises(OutputError, match="no folder of a job"):
            read_order(folder.path)
    folder.begin({"it": "this"}, order="{}", restart=True)
    assert read_order(folder.path) == "{}"
    folder.close(keep=True)


def test_a_link_in_the_place_of_a_record_is_not_followed(tmp_path: Path) -> None:
    folder, other = JobFolder(Target.of(tmp_path / "o.mkv")), tmp_path / "precious"
    other.write_text("mine")
    folder.path.mkdir()
    for name in ("order.json", "identity.json", f"identity.json.{os.getpid()}.part"):
        (folder.path / name).symlink_to(other)
    folder.begin({"it": "this"}, shared=True)
    folder.close()
    assert other.read_text() == "mine"


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder, other = JobFolder(Target.of(tmp_path / "o.mkv")), tmp_path / "other"
    other.mkdir()
    (other / "film.part").write_text("mine")
    folder.path.symlink_to(other)
    with pytest.raises(OutputError, match="is a link"):
        folder.begin({"it": "this"})
    assert (other / "film.part").read_text() == "mine"


@needs_pipes
def test_a_lease_that_is_a_pipe_holds_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lease")
    assert holder_of(tmp_path / "lease") is None


@pytest.mark.parametrize("text", ['{"host": "x", "process": Infinity}', "[" * 4000])
def test_a_damaged_lease_has_no_holder(text: str, tmp_path: Path) -> None:
    (tmp_path / "lease").write_text(text)
    assert holder_of(tmp_path / "lease") is None


def test_a_lease_of_a_clock_ahead_becomes_stale(tmp_path: Path) -> None:
    """The clock was put back; its holder, of another host, has not renewed it since."""
    path = tmp_path / "lease"
    path.write_text('{"host": "elsewhere", "process": 1}')
    later = path.stat().st_mtime + 86_400
    os.utime(path, (later, later))
    lease = take(path)
    assert lease is not None
    lease.release()


def test_a_process_that_died_putting_a_lease_away_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    path.write_text('{"host": "elsewhere", "process": 1}')
    os.utime(path, (1, 1))
    mark = path.with_name(f"lease.{path.stat().st_mtime_ns}.part")
    mark.touch()
    assert take(path) is None
    os.utime(mark, (1, 1))
    assert take(path) is None  # and the mark is gone
    lease = take(path)
    assert lease is not None
    lease.release()
