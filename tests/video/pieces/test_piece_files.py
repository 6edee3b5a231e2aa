"""Files of pieces, and the folder that they lie in: what is damaged is never taken."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path

import pytest

from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.picture.coding_error import CodingError
from vidsr.picture.coding_record import CodingRecord
from vidsr.video.pieces import piece_file
from vidsr.video.pieces.frame_log import Origin
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_file import (
    CodedFrame,
    PieceFile,
    PieceHead,
    read_head,
    write_piece,
)
from vidsr.video.sink.target_file import Target

FRAMES = [CodedFrame(bytes(range(n, n + 40)), n * 40, n * 40 - 80, 40, n == 0) for n in range(5)]


def head(piece: int = 0, **changes: object) -> PieceHead:
    values = {"frames": 5, "data_bytes": 200, "first_pts": 0, "last_pts": 160, "parameters": "ab"}
    return PieceHead(piece=piece, **(values | changes))  # type: ignore[arg-type]


def folder_of(tmp_path: Path) -> JobFolder:
    return JobFolder(Target.of(tmp_path / "out.mkv"))


def test_a_piece_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "0.piece"
    write_piece(path, head(precision="bfloat16"), FRAMES)
    file = PieceFile(path)
    file.check()
    assert [*file] == FRAMES
    assert file.head == head(precision="bfloat16")
    assert file.times == [0, 40, 80, 120, 160]
    assert [p.name for p in tmp_path.iterdir()] == ["0.piece"]


def test_a_piece_says_what_its_frames_were_made_of(tmp_path: Path) -> None:
    coding = CodingRecord()
    for levels in (0.4, 2.0, 2.1):
        coding.add(CodingError(levels, "quantiser"))
    made = Origin(coding, {"0": 1, "10": 2})
    write_piece(tmp_path / "0.piece", head(origin=made), FRAMES)
    assert PieceFile(tmp_path / "0.piece").head.origin == made
    total = Origin.sum([made, Origin(), Origin(strengths={"2": 1})])
    assert total == Origin(coding, {"0": 1, "2": 1, "10": 2})


@pytest.mark.parametrize(
    "origin",
    [
        "1",
        "{}",
        '{"coding": {}, "strengths": {}}',
        '{"coding": {"buckets": {"1": -1}}, "strengths": {}}',
        '{"coding": {"buckets": {"1": Infinity}}, "strengths": {}}',
        '{"coding": {"buckets": {}, "lowest": "a"}, "strengths": {}}',
        '{"coding": {"buckets": {}, "highest": NaN}, "strengths": {}}',
        '{"coding": {"buckets": {}}, "strengths": {"a": 1}}',
        '{"coding": {"buckets": {}}, "strengths": {"1": 0.5}}',
    ],
)
def test_a_head_with_other_words_is_refused(origin: str) -> None:
    stored = asdict(head(0, frames=0, data_bytes=0))
    line = json.dumps(stored | {"origin": 0}).replace('"origin": 0', f'"origin": {origin}').encode()
    with pytest.raises(ValueError, match="its head cannot be read"):
        read_head(line + b"\n", len(line) + 33)


def test_large_pieces_wait_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piece_file, "MOST_HELD_BYTES", 100)
    spool = piece_file.Spool(tmp_path)
    for frame in FRAMES:
        spool.append(frame)
    assert spool._file.fileno() > 0  # a file of its own
    write_piece(tmp_path / "0.piece", head(), spool)
    spool.close()
    assert [*PieceFile(tmp_path / "0.piece")] == FRAMES


def test_damaged_pieces_are_refused(tmp_path: Path) -> None:
    """Cut anywhere, or one byte changed anywhere: 300 of them, seeded."""
    path, chance = tmp_path / "0.piece", random.Random(3)
    write_piece(path, head(), FRAMES)
    whole = path.read_bytes()
    for _ in range(150):
        path.write_bytes(whole[: chance.randrange(len(whole))])
        with pytest.raises(ValueError, match="its "):
            PieceFile(path).check()
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="its "):
            PieceFile(path).check()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}\n",
        b"[1]\n",
        b"\xff\n",
        json.dumps({"piece": 0, "frames": 1 << 60, "data_bytes": 1, "format": 1}).encode() + b"\n",
        json.dumps(asdict(head(frames=-1))).encode() + b"\n",
        json.dumps(asdict(head(frames=1e9))).encode() + b"\n",
        json.dumps(asdict(head(frames=1 << 60))).encode() + b"\n",
    ],
)
def test_heads_that_lie_take_no_memory(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "0.piece"
    path.write_bytes(line + b"0" * 64)
    with pytest.raises(ValueError, match="its "):
        PieceFile(path)


def test_a_folder_goes_on_only_as_it_was_begun(tmp_path: Path) -> None:
    notes, identity = Notes(), {"crf": "18", "source size": "12 bytes"}
    folder = folder_of(tmp_path)
    folder.begin(identity, restart=False)
    write_piece(folder.piece_path(1), head(1), FRAMES)
    (folder.path / "000002.piece.77.part").write_bytes(b"struck")
    folder.close()

    again = folder_of(tmp_path)
    again.begin(identity, restart=False)
    assert [*again.finished(3, notes)] == [1]
    assert not [*folder.path.glob("*.part")]
    again.close()

    with pytest.raises(OutputError, match="another crf: 18 then, 20 now") as caught:
        folder_of(tmp_path).begin(identity | {"crf": "20"}, restart=False)
    assert "`restart`" in caught.value.hint

    anew = folder_of(tmp_path)
    anew.begin(identity | {"crf": "20"}, restart=True)
    assert not anew.finished(3, notes)
    anew.close()
    assert not anew.path.exists()  # nothing in it to go on from


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    first = folder_of(tmp_path)
    first.begin({}, restart=False)
    with pytest.raises(OutputError, match="another run"):
        folder_of(tmp_path).begin({}, restart=False)
    first.close()


def test_a_piece_under_another_number_is_done_again(tmp_path: Path) -> None:
    folder, notes = folder_of(tmp_path), Notes()
    folder.begin({}, restart=False)
    write_piece(folder.piece_path(0), head(1), FRAMES)
    folder.piece_path(2).write_bytes(b"torn")
    assert not folder.finished(3, notes)
    assert len(notes.said) == 2
    assert not folder.names()
    folder.close()


def test_a_folder_that_holds_a_damaged_record_is_begun_anew(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.path.mkdir()
    (folder.path / "identity.json").write_bytes(b"\0\0")
    write_piece(folder.piece_path(0), head(), FRAMES)
    folder.begin({"a": "1"}, restart=False)
    assert not folder.finished(1, Notes())
    folder.close()
