"""The command vidsr-job: shared runs give the bytes of one run, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

import vidsr
from tests.doubles.warm import WarmProcess, command
from tests.makers.clips import MS_BASE, Tone, make_clip
from vidsr.jobs.cli import main
from vidsr.video.folders.leases import holder_of
from vidsr.video.pieces.piece_file import PieceFile

OPTIONS = ["--model", "lite-fast-x2", "--precision", "fp32", "--piece-frames", "3"]
FRAMES = 21


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return a clip, and the target of one run over it."""
    folder = tmp_path_factory.mktemp("jobs")
    source, target = folder / "clip.mp4", folder / "one.mkv"
    make_clip(source, size=(32, 24), frames=FRAMES, gop=6, bframes=2, audio=Tone())
    vidsr.upscale(source, target, model="lite-fast-x2", precision="fp32", piece_frames=3)
    return source, target.read_bytes()


def plan(source: Path, target: Path) -> Path:
    assert main(["plan", str(source), "-o", str(target), *OPTIONS, "-q"]) == 0
    return target.with_name(f"{target.name}.vidsr-job")


def status_of(words: list[str]) -> object:
    """Return the exit status: of words that no parser knows, as every command of vidsr ends."""
    try:
        return main(words)
    except SystemExit as usage:
        return usage.code


def test_verbs(
    whole: tuple[Path, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mkv"
    folder = plan(whole[0], target)
    assert capsys.readouterr().out == f"{folder}\n"
    assert main(["join", str(folder)]) == 4
    assert "7 of 7 pieces are missing" in capsys.readouterr().err
    assert main(["work", str(folder), "--piece", "4"]) == 0
    said = capsys.readouterr().err
    assert "piece 4 of 7 is done\n" in said
    assert "1 piece made here" in said
    assert main(["work", str(folder), "--pieces", "2", "-q"]) == 0
    assert main(["status", str(folder), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["pieces"], status["done"], status["frames"]) == (7, 3, 9)
    assert status["left_s"] > 0
    assert main(["work", str(folder), "-q"]) == 0
    assert main(["status", str(folder)]) == 0
    assert "7 of 7 pieces, 21 frames" in capsys.readouterr().out
    assert main(["join", str(folder), "-q"]) == 0
    assert target.read_bytes() == whole[1]
    assert [*tmp_path.iterdir()] == [target]


def test_status_tells_time_and_size_of_every_job(
    whole: tuple[Path, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both grow from the pieces that are done; a worker more halves the time."""
    folders = [plan(whole[0], tmp_path / name) for name in ("a.mkv", "b.mkv")]
    capsys.readouterr()

    def states() -> list[dict[str, object]]:
        assert main(["status", *map(str, folders), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [one["target"] for one in found] == [str(tmp_path / n) for n in ("a.mkv", "b.mkv")]
        return found  # type: ignore[no-any-return]

    for state in states():
        assert (state["done"], state["left_s"], state["size_bytes"]) == (0, None, None)
    assert main(["work", str(folders[0]), "--pieces", "5", "-q"]) == 0
    begun, untouched = states()
    elapsed = [PieceFile(path).head for path in sorted(folders[0].glob("*.piece"))]
    mean_s = sum(head.elapsed_s for head in elapsed) / 5
    assert begun["left_s"] == pytest.approx(2 * mean_s)
    assert begun["size_bytes"] == sum(head.data_bytes for head in elapsed) * 7 // 5
    assert untouched["left_s"] is None
    for number in (5, 6):  # two that are at it, of other hosts
        lease = json.dumps({"host": "elsewhere", "process": number})
        (folders[0] / f"{number:06d}.lease").write_text(lease)
    assert states()[0]["left_s"] == pytest.approx(mean_s)
    assert main(["status", *map(str, folders)]) == 0
    said = capsys.readouterr().out
    assert "5 of 7 pieces, 15 frames, about " in said
    assert "0 of 7 pieces, 0 frames\n" in said
    assert main(["status", str(folders[0]), str(tmp_path)]) == 4


def test_workers_share_and_one_is_killed(whole: tuple[Path, bytes], tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    folder = plan(whole[0], target)
    work = (command("vidsr.jobs.cli"), ["work", folder, "-q"])
    with WarmProcess(*work) as killed, WarmProcess(*work) as other:
        until = time.monotonic() + 120
        # Of a lease that names nobody yet the other waits a minute before it takes the piece.
        while not any(map(holder_of, folder.glob("*.lease"))) and time.monotonic() < until:
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        assert other.wait(timeout=240) == 0
    assert main(["join", str(folder), "-q"]) == 0
    assert target.read_bytes() == whole[1]


def test_the_plain_command_goes_on_with_a_shared_run(
    whole: tuple[Path, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    folder = plan(whole[0], target)
    assert main(["work", str(folder), "--piece", "2", "-q"]) == 0
    report = vidsr.upscale(whole[0], target, model="lite-fast-x2", precision="fp32", piece_frames=3)
    assert report.resumed_frames == 3
    assert target.read_bytes() == whole[1]
    assert not folder.exists()


def test_a_folder_is_input_like_any_other(
    whole: tuple[Path, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, victim = tmp_path / "out.mkv", tmp_path / "elsewhere" / "victim.mkv"
    victim.parent.mkdir()
    folder = plan(whole[0], target)
    order = json.loads((folder / "order.json").read_text())
    order["run"]["target"]["text"] = str(victim)
    damaged: tuple[object, ...] = ({}, [], order | {"pieces": -1}, {"run": {}, "pieces": 3})
    for changed in damaged:
        (folder / "order.json").write_text(json.dumps(changed))
        for verb in ("work", "join", "status"):
            assert main([verb, str(folder)]) == 4
            assert "Traceback" not in capsys.readouterr().err
    (folder / "order.json").write_text(json.dumps(order))
    for verb in ("work", "join"):
        assert main([verb, str(folder)]) == 4
    assert [*victim.parent.iterdir()] == []
    assert main(["status", str(tmp_path)]) == 4
    assert "vidsr-job plan" in capsys.readouterr().err
    assert main(["clean", str(victim.parent)]) == 4
    assert victim.parent.is_dir()


def test_a_run_planned_anew_is_not_begun_anew_by_each_worker(
    whole: tuple[Path, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    folder = plan(whole[0], target)
    order = json.loads((folder / "order.json").read_text())
    order["run"]["options"]["restart"] = True  # as plan --restart writes it
    (folder / "order.json").write_text(json.dumps(order))
    for _ in range(2):
        assert main(["work", str(folder), "--pieces", "1", "-q"]) == 0
    assert len([*folder.glob("*.piece")]) == 2
    assert main(["work", str(folder), "-q"]) == 0
    assert main(["join", str(folder), "-q"]) == 0
    assert target.read_bytes() == whole[1]


def test_what_changed_since_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "clip.mp4"
    make_clip(source, size=(32, 24), pts=[0, 40, 80, 120], time_base=MS_BASE)
    folder = plan(source, tmp_path / "out.mkv")
    os.utime(source, (1, 1))
    assert main(["work", str(folder)]) == 4
    assert "another source time of change" in capsys.readouterr().err
    source.unlink()
    assert main(["work", str(folder)]) == 3


@pytest.mark.parametrize(
    "words",
    [
        ["work"],
        ["work", "nowhere", "--pieces", "0"],
        ["dance"],
        ["plan", "a.mp4"],
        ["work", "nowhere", "--stale", "-1"],
    ],
)
def test_wrong_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status = status_of(words)
    assert status == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_short_run_is_not_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_clip(tmp_path / "clip.mp4", size=(32, 24), frames=4).path
    assert main(["plan", str(source), "-o", str(tmp_path / "out.mkv")]) == 2
    assert "--piece-frames" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [source]
