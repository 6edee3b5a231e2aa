"""A report after success, after failure and after a dry run, in a file or on standard output."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.doubles.warm import WarmProcess, command
from tests.makers.clips import make_clip
from vidsr import Report, __version__, cli
from vidsr.run.records.record_file import machine_facts, platform_name

FAST = ("--model", "lite-x2", "--device", "cpu", "--codec", "ffv1")


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = make_clip(tmp_path / "in.mkv", frames=3).path
    monkeypatch.chdir(tmp_path)
    return path


def call(*arguments: object) -> int:
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def record(text: str) -> Any:
    found = json.loads(text)
    assert {key: found[key] for key in ("version", "platform")} == machine_facts()
    assert found["version"] == __version__
    return found


@pytest.mark.parametrize("name", ["-", "r.json"])
@pytest.mark.parametrize("more", [(), ("-q",)])
def test_after_success(
    name: str, more: tuple[str, ...], clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(clip, "-o", "out.mkv", *FAST, "--report", name, *more) == 0
    out = capsys.readouterr().out
    assert (out == "") is (name != "-")
    said = record(out or Path(name).read_text())
    assert "error" not in said
    assert said["frames"] == 3
    assert Report.from_json(json.dumps(said)).version == __version__
    assert not Path("-").exists()


def test_after_a_dry_run(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(clip, "-o", "out.mkv", *FAST, "--dry-run", "--report", "-") == 0
    seen = capsys.readouterr()
    said = record(seen.out)
    assert said["dry_run"] is True
    assert (said["source"], said["model"], said["size"]) == (str(clip), "lite-x2", [128, 96])
    assert "target   out.mkv" in seen.err
    assert call(clip, "-o", "out.mkv", *FAST, "--dry-run", "--report", "plan.json") == 0
    again = record(Path("plan.json").read_text())
    # What the process takes is measured anew: some pages more or less in each.
    assert again.pop("process_bytes") == pytest.approx(said.pop("process_bytes"), rel=0.1)
    assert again == said
    assert "target   out.mkv" in capsys.readouterr().out
    assert not Path("out.mkv").exists()


@pytest.mark.parametrize(
    ("arguments", "kind", "message", "status"),
    [
        ("no.mkv -o out.mkv", "NoInputError", "no.mkv: no such file", 3),
        ("in.mkv -o out.mkv --model nothing", "ModelError", "--model nothing", 6),
        ("in.mkv -o out.mkv --dry-run --tile 16 --model no.pth", "ModelError", "no.pth", 6),
        ("in.mkv -o absent/out.mkv", "OutputError", "no such folder", 4),
        ("in.mkv -o out.webm --codec ffv1", "OptionError", "ffv1 at 256x192", 2),
        ("in.mkv -o out.mkv --crf best", "OptionError", "--crf: expected a whole number", 2),
        ("in.mkv -o out.mkv --crff 3", "OptionError", "unrecognized arguments: --crff", 2),
        ("junk.mkv -o out.mkv", "InputError", "junk.mkv", 3),
        ("", "OptionError", "INPUT and -o OUTPUT are needed", 2),
    ],
)
@pytest.mark.parametrize("name", ["-", "r.json"])
def test_after_failure(
    arguments: str,
    kind: str,
    message: str,
    status: int,
    name: str,
    clip: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("junk.mkv").write_bytes(bytes(5000))
    assert call(*arguments.split(), "--report", name) == status
    seen = capsys.readouterr()
    assert "error: " in seen.err
    error = record(seen.out or Path(name).read_text())["error"]
    assert (error["kind"], error["exit_code"]) == (kind, status)
    assert message in error["message"]
    assert seen.err.rstrip(".\n").endswith((error["hint"] or error["message"]).rstrip("."))


def test_a_failure_names_source_and_target_without_secrets(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("http://me:secret@host/a.mp4", "-o", "out.mkv", "--report", "-") != 0
    said = capsys.readouterr().out
    assert "secret" not in said
    assert json.loads(said)["target"] == "out.mkv"


@pytest.mark.parametrize("taken", ["in.mkv", "out.mkv", "absent/r.json"])
def test_a_report_never_takes_the_place_of_another_file(taken: str, clip: Path) -> None:
    before = clip.read_bytes()
    assert call("in.mkv", "-o", "out.mkv", *FAST, "--report", taken) == 4
    assert clip.read_bytes() == before
    assert sorted(os.listdir()) == ["in.mkv"]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose run does not end before a signal comes, however late that is."""
    folder = tmp_path_factory.mktemp("long")
    return make_clip(folder / "long.mkv", frames=600, size=(320, 240)).path


@pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_after_a_signal(number: signal.Signals, long: Path, tmp_path: Path) -> None:
    (tmp_path / "long.mkv").hardlink_to(long)
    words = ["long.mkv", "-o", "out.mkv", *FAST, "--report", "r.json"]
    with WarmProcess(command("vidsr.cli"), words, folder=tmp_path, stderr=PIPE) as process:
        deadline = time.monotonic() + 100
        while not (tmp_path / "out.mkv.part").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        process.communicate()
    assert process.returncode == 128 + number
    said = record((tmp_path / "r.json").read_text())
    assert said["error"]["kind"] == "Interrupted"
    assert said["error"]["exit_code"] == 128 + number
    assert said["source"] == "long.mkv"


def test_the_platform_names_what_computes() -> None:
    name = platform_name()
    assert f"Python {sys.version.split()[0]}" in name
    for library in ("PyTorch", "PyAV"):
        assert library in name


def test_reports_of_before_can_be_read(clip: Path) -> None:
    call(clip, "-o", "out.mkv", *FAST, "--report", "r.json")
    old = json.loads(Path("r.json").read_text())
    del old["version"], old["platform"]
    assert Report.from_json(json.dumps(old)).frames == 3
