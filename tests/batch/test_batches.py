"""Batches from end to end: what fails is named, the others are done, and one line counts them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.makers.clips import Tone, decode, make_clip
from vidsr import cli
from vidsr.batch.items import is_done, is_empty
from vidsr.models.zoo import load_model
from vidsr.run.executor import LocalExecutor
from vidsr.video.sink.target_file import Target

FAST = ("--model", "lite-x2", "--device", "cpu", "--codec", "ffv1", "--name", "{stem}.mkv")
Call = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str | Path) -> tuple[int, list[str]]:
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        seen = capsys.readouterr()
        return status, (seen.out + seen.err).splitlines()

    return run


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """Two episodes and a broken one."""
    folder = tmp_path / "season"
    (folder / "s1").mkdir(parents=True)
    make_clip(folder / "s1" / "e 2.mkv", frames=3, audio=Tone())
    make_clip(folder / "s1" / "e 10.mp4", frames=4, size=(48, 64))
    (folder / "broken.mkv").write_text("no video")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_one_that_is_broken_does_not_end_the_others(
    call: Call, season: Path, tmp_path: Path
) -> None:
    out, report = tmp_path / "out", tmp_path / "all.json"
    status, lines = call(season, "-o", out, *FAST, "--report", report)
    assert status == 1
    assert files(out) == ["s1/e 10.mkv", "s1/e 2.mkv"]
    assert [line for line in lines if "error:" in line] == [
        line for line in lines if line.startswith(f"vidsr: error: {season / 'broken.mkv'}: ")
    ]
    assert re.match(r"vidsr: 2 of 3 files done, 1 failed; 7 frames, ", lines[-1])
    record = json.loads(report.read_text())
    assert [each["outcome"] for each in record["files"]] == ["failed", "done", "done"]
    assert record["files"][0]["error"]["kind"] == "InputError"
    assert record["files"][1]["source"] == str(season / "s1" / "e 2.mkv")
    totals = record["totals"]
    assert (totals["done"], totals["failed"], totals["frames"]) == (2, 1, 7)


def test_a_target_is_that_of_a_run_alone(call: Call, season: Path, tmp_path: Path) -> None:
    (season / "broken.mkv").unlink()
    call(season, "-o", tmp_path / "out", *FAST)
    alone = tmp_path / "alone.mkv"
    assert call(season / "s1" / "e 10.mp4", "-o", alone, *FAST[:-2])[0] == 0
    batch, single = (decode(p) for p in (tmp_path / "out" / "s1" / "e 10.mkv", alone))
    assert len(batch) == len(single) == 4
    for one, other in zip(batch, single, strict=True):
        assert bytes(one.planes[0]) == bytes(other.planes[0])


def test_the_model_is_loaded_once(
    call: Call, season: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def counted(name: str) -> object:
        loaded.append(name)
        return load_model(name)

    monkeypatch.setattr("vidsr.upscaling.upscaler.load_model", counted)
    status, _ = call(season, "-o", tmp_path / "out", *FAST, "--report", tmp_path / "a.json")
    assert (status, len(loaded)) == (1, 1)
    done = json.loads((tmp_path / "a.json").read_text())["files"][1:]
    assert [sum(each["strengths"].values()) for each in done] == [3, 4]  # each its own


def test_what_is_done_is_skipped(call: Call, season: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (season / "broken.mkv").unlink()
    assert call(season, "-o", out, *FAST)[0] == 0
    status, lines = call(season, "-o", out, *FAST)
    assert status == 1
    assert sum("exists already. Hint: --overwrite" in line for line in lines) == 2
    status, lines = call(season, "-o", out, *FAST, "--skip-existing")
    assert status == 0
    assert lines[-1].startswith("vidsr: 0 of 2 files done, 2 skipped; ")
    status, lines = call(season / "s1" / "e 2.mkv", "-o", out / "s1" / "e 2.mkv", "--skip-existing")
    assert (status, lines) == (0, [f"vidsr: {out}/s1/e 2.mkv: exists already, skipped"])


def test_an_empty_target_is_made_anew(call: Call, season: Path, tmp_path: Path) -> None:
    (season / "broken.mkv").unlink()
    out = tmp_path / "out"
    assert call(season, "-o", out, *FAST)[0] == 0
    whole = (out / "s1" / "e 10.mkv").read_bytes()
    (out / "s1" / "e 2.mkv").write_bytes(b"")
    status, lines = call(season, "-o", out, *FAST, "--skip-existing", "--dry-run")
    assert [line.rpartition(".mkv")[2] for line in lines[:2]] == [" (empty)", " (exists: skipped)"]
    assert call(season, "-o", out, *FAST)[0] == 1  # nothing is replaced unasked
    status, lines = call(season, "-o", out, *FAST, "--skip-existing")
    assert (status, lines[-1].split(";")[0]) == (0, "vidsr: 1 of 2 files done, 1 skipped")
    assert len(decode(out / "s1" / "e 2.mkv")) == 3
    assert (out / "s1" / "e 10.mkv").read_bytes() == whole


def test_an_empty_target_of_one_file_is_made_anew(call: Call, season: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.mkv"
    target.touch()
    words = (season / "s1" / "e 2.mkv", "-o", target, *FAST[:-2])
    assert call(*words)[0] == 4
    assert call(*words, "--skip-existing")[0] == 0
    assert len(decode(target)) == 3


def test_pictures_that_were_not_all_put_in_place_are_not_done(tmp_path: Path) -> None:
    pattern = tmp_path / "a%03d.png"
    (tmp_path / "a001.png").write_bytes(b"x")
    assert is_done(pattern)
    working = Target.of(pattern).working
    working.parent.mkdir()
    assert not is_done(pattern)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("absent")])
def test_only_files_are_empty(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "a.mkv")
    assert not is_empty(tmp_path / "a.mkv")
    assert not is_empty("-")


def test_no_folder_is_made_for_what_is_not_there(call: Call, tmp_path: Path) -> None:
    status, lines = call(tmp_path / "seasn", "-o", f"{tmp_path}/out/", *FAST)
    assert status == 1
    assert f"vidsr: error: {tmp_path}/seasn: no such file or folder" in lines
    assert not (tmp_path / "out").exists()


def test_names_too_long_for_the_file_system_are_refused(
    call: Call, season: Path, tmp_path: Path
) -> None:
    good, long = season / "s1" / "e 2.mkv", f"{'a' * 300}.mkv"
    for words in (
        (tmp_path / long, good, "-o", tmp_path / "out"),
        (tmp_path / long, "-o", tmp_path / "b.mkv"),
        (good, "-o", tmp_path / long, "--skip-existing"),
    ):
        status, lines = call(*words, *FAST[:6])
        assert status in (1, 3, 4)
        assert any(f"{long}: " in line and "too long" in line for line in lines)
    assert files(tmp_path / "out") == ["e 2_2x.mkv"]


def test_it_stops_where_it_shall(call: Call, season: Path, tmp_path: Path) -> None:
    arguments = (*FAST, "--on-error", "stop", "--report", tmp_path / "a.json")
    status, lines = call(season, "-o", tmp_path / "out", *arguments)
    assert status == 1
    assert lines[-1].startswith("vidsr: 0 of 3 files done, 1 failed; ")
    assert json.loads((tmp_path / "a.json").read_text())["totals"]["not_started"] == 2
    assert not (tmp_path / "out" / "s1").exists()


def test_a_signal_ends_all_and_what_is_done_stays(
    call: Call, season: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, seen = LocalExecutor.run, []

    def interrupted(self: LocalExecutor, spec: object) -> object:
        seen.append(spec)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return run(self, spec)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalExecutor, "run", interrupted)
    monkeypatch.setattr(
        "vidsr.terminal.signals.Interruption.asked", property(lambda _: len(seen) > 2)
    )
    arguments = (season, "-o", tmp_path / "out", *FAST, "--report", tmp_path / "a.json")
    status, lines = call(*arguments)
    assert status == 130
    assert lines[-1].startswith("vidsr: interrupted; 1 of 3 files done, 1 failed; ")
    assert lines[-1].endswith("the same command goes on with --skip-existing")
    assert files(tmp_path / "out") == ["s1/e 2.mkv"]
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["files"][2]["outcome"] == "not started"


def test_a_dry_run_lists_and_writes_nothing(call: Call, season: Path, tmp_path: Path) -> None:
    status, lines = call(season, "-o", tmp_path / "out", "--scale", "2", "--dry-run")
    assert status == 0
    assert lines[1] == f"{season}/s1/e 2.mkv -> {tmp_path}/out/s1/e 2_2x.mkv"
    assert lines[-1].startswith("3 files, ")
    assert not (tmp_path / "out").exists()


def test_inputs_may_stand_anywhere(call: Call, season: Path, tmp_path: Path) -> None:
    first, second = season / "s1" / "e 2.mkv", season / "s1" / "e 10.mp4"
    status, lines = call("-q", first, "-o", tmp_path / "out", second, *FAST, "--dry-run")
    assert (status, len(lines)) == (0, 3)
    assert call(first, "-o", f"{tmp_path}/new/", *FAST, "--dry-run")[0] == 0


def test_the_target_is_no_folder(call: Call, season: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert call(season, "-o", taken)[0] == 4
    assert call(season, "-o", taken / "below")[0] == 4
    assert taken.read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert call(tmp_path / "empty", "-o", tmp_path / "out")[0] == 3


def test_quiet_names_what_failed_alone(call: Call, season: Path, tmp_path: Path) -> None:
    status, lines = call(season, "-o", tmp_path / "out", *FAST, "-q")
    assert status == 1
    assert [("error:" in line, "1 failed" in line) for line in lines] == [
        (True, False),
        (False, True),
    ]


def test_objects_for_programs(call: Call, season: Path, tmp_path: Path) -> None:
    _, lines = call(season, "-o", tmp_path / "out", *FAST, "--progress", "json")
    events = [json.loads(line) for line in lines if line.startswith("{")]
    begun = [event for event in events if event["event"] == "file"]
    assert [event["file"] for event in begun] == [1, 2, 3]
    assert begun[2]["files"] == 3
    assert 0 < begun[2]["percent"] < 100
    assert any("error: " in event.get("text", "") for event in events)


def test_options_from_a_file(call: Call, season: Path, tmp_path: Path) -> None:
    options = tmp_path / "film.toml"
    options.write_text(
        'model = "lite-x2"\ncodec = "h264"\ncrf = 30\nname = "{stem}.mkv"\noverwrite = true\n'
        "[encoder-option]\ng = 5\n"
    )
    report = tmp_path / "a.json"
    clip, target = season / "s1" / "e 10.mp4", tmp_path / "a.mkv"
    options.write_text(options.read_text().replace('name = "{stem}.mkv"\n', ""))
    arguments = (clip, f"@{options}", "-o", target, "--crf", "20", "--dry-run", "--report", report)
    assert call(*arguments)[0] == 0
    planned = json.loads(report.read_text())
    assert planned["model"] == "lite-x2"
    assert (planned["encoder_options"]["crf"], planned["encoder_options"]["g"]) == ("20", "5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crff = 3", "unknown option 'crff'. Hint: did you mean crf?"),
        ("overwrite = 1", "expected true or false"),
        ("crf = true", "expected a text or a number"),
        ("crf = 1979-05-27", "expected a text or a number"),
        ("crf = 'best'", "--crf: expected a whole number"),
        ("crf", "no file of options"),
        ("help = true", "unknown option 'help'"),
        ("[encoder-option]\ng = [5]", "encoder-option g = [5]: expected a text or a number"),
        ("[encoder-option.a]\ng = 5", "encoder-option a = {'g': 5}: expected a text or a number"),
    ],
)
def test_option_files_that_are_wrong(call: Call, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    status, lines = call("in.mp4", f"@{path}", "-o", "out.mkv")
    assert status in (2, 3)
    assert said in lines[-1]
