"""Many workers at one folder: no piece made twice, no lease lost, whoever is killed meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.paths import ROOT
from vidsr.jobs.turns import WorkOptions, turns
from vidsr.video.folders.local_folder import LocalFolder
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_file import CodedFrame, PieceHead, write_piece


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork processes")
def test_many_workers_share_small_pieces() -> None:
    words = ["--workers", "6", "--pieces", "24", "--kills", "2", "--piece-s", "0.01"]
    command = [sys.executable, "tools/many_workers.py", *words]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stdout + out.stderr
    assert out.stdout.startswith("24 pieces made ")
    assert "0 twice, 0 leases lost, 2 workers killed, 0 failed" in out.stdout


def folder_of(path: Path) -> JobFolder:
    folder = JobFolder(None, LocalFolder(path / "job"))
    folder.begin({"what": "nothing"}, order="{}", shared=True)
    return folder


def make_in(folder: JobFolder, piece: int) -> None:
    frame = CodedFrame(b"a", piece, piece, 1, True)
    write_piece(folder.piece_path(piece), PieceHead(piece, 1, 1, piece, piece, ""), [frame])
    folder.keep(piece)


def test_turns_end_as_they_are_asked_to(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)

    def made(options: WorkOptions) -> list[tuple[int, int]]:
        return [*turns(folder, 5, options, lambda piece: make_in(folder, piece))]

    assert made(WorkOptions(only=3)) == [(3, 0)]
    assert made(WorkOptions(only=3)) == []
    assert made(WorkOptions(most=2)) == [(0, 3), (1, 2)]
    with folder.take(2) or pytest.fail("expected a lease, got none"):
        assert made(WorkOptions(wait=False)) == [(4, 1)]
    assert made(WorkOptions()) == [(2, 0)]
    folder.close(keep=True)


def test_a_job_that_others_ended_is_done(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.files.destroy()
    assert [*turns(folder, 5, WorkOptions(), lambda piece: make_in(folder, piece))] == []


def test_the_piece_of_a_silent_worker_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    lease = folder.path / "000000.lease"
    lease.write_text('{"host": "elsewhere", "process": 1}')
    os.utime(lease, (1, 1))
    made = [*turns(folder, 1, WorkOptions(), lambda piece: make_in(folder, piece))]
    assert made == [(0, 0)]
    folder.close(keep=True)
