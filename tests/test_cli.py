"""The command: arguments into options, one line for an error, nothing on stdout."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from subprocess import PIPE
from typing import Any

import av
import pytest

from tests.doubles.warm import WarmProcess, command, run_warm
from tests.makers.clips import Clip, Tone, decode, make_clip
from vidsr import MemoryLimitError, cli
from vidsr.cli import build_parser
from vidsr.picture.size import Size
from vidsr.run.options import RunOptions
from vidsr.video.sink.codec_defaults import CODECS

FAST = ("--model", "lite-x2", "--device", "cpu", "--codec", "ffv1")
COMMAND = [sys.executable, "-m", "vidsr.cli"]
BOUND_S = 120  # for a process of its own on a busy machine


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """The command in this process. Notes go to pytest's log, not to ``err``."""
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str | Path) -> Outcome:
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Outcome(status, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", audio=Tone())


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be run: source, target and options, instead of running it."""
    seen: list[Any] = []

    def stop(*arguments: object, **_: object) -> None:
        seen.extend(arguments)
        raise MemoryLimitError("stopped here")

    monkeypatch.setattr("vidsr.cli.check_run", lambda *_, **__: None)  # the source need not exist
    monkeypatch.setattr("vidsr.api.run", stop)
    return seen


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("", RunOptions()),
        ("--model my.pth", RunOptions(model="my.pth")),
        ("--scale 2", RunOptions(scale=2)),
        ("--size 640x480", RunOptions(size=Size(640, 480))),
        ("--height 1080", RunOptions(height=1080)),
        ("--deinterlace off", RunOptions(deinterlace="off")),
        ("-ss 90", RunOptions(start_s=90.0)),
        ("--start 1:30", RunOptions(start_s=90.0)),
        ("--start 0:01:30.5", RunOptions(start_s=90.5)),
        ("--start 0", RunOptions(start_s=0.0)),
        ("--duration 2.5", RunOptions(duration_s=2.5)),
        ("--framerate 30000/1001", RunOptions(framerate=Fraction(30000, 1001))),
        ("--framerate 23.976", RunOptions(framerate=Fraction("23.976"))),
        ("--codec hevc", RunOptions(codec="hevc")),
        ("--crf 14", RunOptions(crf=14)),
        ("--preset slow", RunOptions(preset="slow")),
        ("--pix-fmt yuv444p", RunOptions(pix_fmt="yuv444p")),
        ("--audio opus", RunOptions(audio="opus")),
        ("--bitrate 8M", RunOptions(bitrate=8_000_000)),
        ("--maxrate 800k", RunOptions(maxrate=800_000)),
        ("--encoder-option g=5", RunOptions(encoder_option=("g=5",))),
        (
            "--encoder-option g=5 --encoder-option tune=a=b",
            RunOptions(encoder_option=("g=5", "tune=a=b")),
        ),
        ("--streams audio:0,subtitle:ger", RunOptions(streams="audio:0,subtitle:ger")),
        ("--deinterlace field", RunOptions(deinterlace="field")),
        ("--drop-incompatible", RunOptions(drop_incompatible=True)),
        ("--overwrite", RunOptions(overwrite=True)),
        ("--device cuda:1", RunOptions(device="cuda:1")),
        ("--precision bf16", RunOptions(precision="bf16")),
        ("--decoder cuda", RunOptions(decoder="cuda")),
        ("--max-memory 2G", RunOptions(max_memory="2G")),
        ("--tile 256", RunOptions(tile=(256, 256))),
        ("--tile 320x200", RunOptions(tile=(200, 320))),
    ],
)
def test_arguments_become_options(
    call: Call, parsed: list[Any], arguments: str, options: RunOptions
) -> None:
    assert call("in.mp4", "-o", "out.mkv", *arguments.split()).status == 8
    assert parsed == [Path("in.mp4"), Path("out.mkv"), options]


def test_a_run_from_end_to_end(call: Call, clip: Clip, tmp_path: Path) -> None:
    target, report = tmp_path / "a.mkv", tmp_path / "a.json"
    result = call(clip.path, "-o", target, *FAST, "--report", report)
    assert (result.status, result.out) == (0, "")
    assert re.fullmatch(
        rf"vidsr: {re.escape(str(target))}: 8 frames 128x96 in [\d.]+ s "
        r"\([\d.]+ fps, [\d.]+x realtime\), [\d.]+ MB; "
        r"coding: expected error [\d.]+ levels, strength \d of 8\n",
        result.err,
    )
    assert len(decode(target)) == json.loads(report.read_text())["frames"] == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.mkv"]


def test_quiet_says_nothing(call: Call, clip: Clip, tmp_path: Path) -> None:
    result = call(clip.path, "-o", tmp_path / "a.mkv", *FAST, "-q")
    assert result == Outcome(0, "", "")


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    call: Call, clip: Clip, tmp_path: Path
) -> None:
    result = call(clip.path, "-o", tmp_path / "a.mkv", *FAST, "--dry-run")
    assert result.status == 0
    names = [line.split()[0] for line in result.out.splitlines()]
    assert names[:5] == ["source", "target", "model", "tiles", "memory"]
    assert names[5:] == ["length", "process", "stream", "stream", "pieces", "coding"]
    assert re.search(r"^length   \d+ frames, 0\.\d s$", result.out, re.MULTILINE)
    assert "lite-x2 on cpu" in result.out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_fails_where_the_run_would(call: Call, clip: Clip, tmp_path: Path) -> None:
    assert call(clip.path, "-o", tmp_path / "a.webm", "--dry-run", *FAST[:4]).status == 5
    assert call(clip.path, "-o", clip.path, "--dry-run").status == 4


def test_list_models(call: Call) -> None:
    result = call("--list-models")
    assert (result.status, result.err) == (0, "")
    assert re.search(r"^lite-x2 +x2 +[\d.]+ K parameters on luma  the ", result.out, re.MULTILINE)
    columns = [re.search(r"[K ] parameters on ....  \w", line) for line in result.out.splitlines()]
    assert len({match and match.start() for match in columns}) == 1  # all aligned, all explained
    assert re.search(r"^lite-x4 +x4 ", result.out, re.MULTILINE)
    assert re.search(r"^ibp-x2\|x3\|x4\|x8 +no +parameters on luma ", result.out, re.MULTILINE)


def test_version(call: Call) -> None:
    assert re.fullmatch(r"vidsr \d+\.\d+\.\d+\n", call("--version").out)


def test_help_fits_a_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = call("--help")
    lines = result.out.splitlines()
    assert result.status == 0
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 80
    for option in ("--scale", "--size", "--start", "--codec", "--report", "--dry-run", "exit"):
        assert option in result.out


WRONG: list[tuple[str, Any]] = [
    ("--size 0x0", 2),
    ("--size 1920", 2),
    ("--height -1", 2),
    ("--height 0", 2),
    ("--height tall", 2),
    ("--size 10x10 --height 10", 2),
    ("--tile 0", 2),
    ("--tile -3", 2),
    ("--tile x", 2),
    ("--tile 1.5", 2),
    ("--framerate 0", 2),
    ("--framerate -1", 2),
    ("--framerate fast", 2),
    ("--framerate nan", 2),
    ("--framerate 1/0", 2),
    ("--duration nan", 2),
    ("--duration 0", 2),
    ("--duration -1", 2),
    ("--duration soon", 2),
    ("--duration inf", 2),
    ("--start -5", 2),
    ("--start 1:2:3:4", 2),
    ("--start nan", 2),
    ("--start inf", 2),
    ("--start 1e300", (2, 3)),
    ("--start 99999", 3),
    ("--max-memory 0", 2),
    ("--max-memory lots", 2),
    ("--max-memory 1k", 8),
    ("--codec h264 --crf 99", 2),
    ("--crf best", 2),
    ("--codec nothing", 2),
    ("--codec h264 --preset warp", 2),
    ("--pix-fmt nothing", 2),
    ("--scale 3", 2),
    ("--scale 4", 2),
    ("--precision int8", 2),
    ("--device tpu", 2),
    ("--device cuda:99", 7),
    ("--deinterlace maybe", 2),
    ("--model nothing", 6),
    ("--model nothing.pth", 6),
    ("--unknown", 2),
    ("--over", 2),  # no abbreviations: they change meaning when options are added
]


@pytest.mark.parametrize(("arguments", "status"), WRONG, ids=[w[0] for w in WRONG])
def test_wrong_values_end_in_one_line_and_no_file(
    call: Call, clip: Clip, tmp_path: Path, arguments: str, status: int | tuple[int, ...]
) -> None:
    result = call(clip.path, "-o", tmp_path / "a.mkv", *FAST, *arguments.split())
    assert result.status in (status if isinstance(status, tuple) else (status,))
    assert result.out == ""
    error = result.err.splitlines()
    assert "error: " in error[-1]
    assert len(error) == 1
    assert error[0].startswith("vidsr: error: ")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_wrong(call: Call, clip: Clip, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("no video\n" * 50)
    out = tmp_path / "a.mkv"
    cases: list[tuple[tuple[str | Path, ...], int]] = [
        ((), 2),
        ((clip.path,), 2),
        (("-o", out), 2),
        ((tmp_path / "absent.mp4", "-o", out), 3),
        ((text, "-o", out), 3),
        ((tmp_path, "-o", out), 3),
        ((clip.path, "-o", tmp_path / "a"), 2),
        ((clip.path, "-o", tmp_path / "a.exe"), 2),
        ((clip.path, "-o", tmp_path / "absent" / "a.mkv"), 4),
        ((clip.path, "-o", clip.path), 4),
        ((clip.path, "-o", tmp_path / "a.webm"), 5),
        ((clip.path, "-o", out, "--model", text), 6),
        ((clip.path, "-o", out, "--model", tmp_path), 6),
    ]
    for arguments, status in cases:
        result = call(*arguments)
        assert result.status == status, arguments
        assert result.out == ""
        assert re.fullmatch(r"vidsr: error: [^\n]+\n", result.err), result.err
        assert list(tmp_path.iterdir()) == [text]


def test_running_out_of_memory_is_said_like_the_rest(
    call: Call, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("vidsr.api.run", full)
    result = call(clip.path, "-o", tmp_path / "a.mkv")
    assert (result.status, result.out) == (8, "")
    assert "out of memory" in result.err
    assert "--tile" in result.err


def shell(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where nothing of pytest listens."""
    return run_warm(command("vidsr.cli"), arguments)


def test_notes_and_summary_go_to_stderr_alone(clip: Clip, tmp_path: Path) -> None:
    run = shell(clip.path, "-o", tmp_path / "a.mkv", *FAST)
    assert (run.returncode, run.stdout) == (0, "")
    lines = run.stderr.splitlines()
    assert all(line.startswith("vidsr: ") for line in lines)  # and no progress without a terminal
    assert sum("64x48 to" in line for line in lines) == 1
    assert not any("no colour matrix" in line for line in lines)
    assert "\r" not in run.stderr


def test_quiet_hides_notes_and_keeps_errors(clip: Clip, tmp_path: Path) -> None:
    run = shell(clip.path, "-o", tmp_path / "a.mkv", *FAST, "--quiet")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    run = shell(clip.path, "-o", tmp_path / "a.mkv", *FAST, "--quiet")
    assert (run.returncode, run.stdout) == (4, "")
    assert "exists already" in run.stderr


def test_a_terminal_sees_progress(clip: Clip, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="terminals as Unix has them")
    termios = pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    words = (clip.path, "-o", tmp_path / "a.mkv", *FAST)
    with WarmProcess(command("vidsr.cli"), words, stdout=PIPE, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says so when the other end has closed
                break
            if not part:
                break
            seen += part
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert process.wait() == 0
    os.close(ours)
    text = seen.decode()
    assert re.search(r"\d+% .*\d+/\d+ frames", text)
    assert "MB" in text
    assert text.rstrip().splitlines()[-1].startswith("vidsr: ")  # the summary stays below


@pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_run_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    clip = make_clip(tmp_path / "long.mkv", frames=400, size=(320, 240))
    words = [clip.path, "-o", tmp_path / "a.mkv", *FAST]
    with WarmProcess(command("vidsr.cli"), words, stderr=PIPE) as process:
        part, deadline = tmp_path / "a.mkv.part", time.monotonic() + BOUND_S
        while not part.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process.poll() is None
        process.send_signal(number)
        error = process.communicate()[1].decode()
    assert process.returncode == 128 + number
    assert "Traceback" not in error
    assert error.splitlines()[-1] == "vidsr: interrupted; the target was not written"
    assert list(tmp_path.iterdir()) == [clip.path]


def test_the_command_leaves_other_loggers_alone(call: Call) -> None:
    level = logging.getLogger().level
    call("--list-models")
    assert logging.getLogger().level == level


def test_help_names_every_codec() -> None:
    words = " ".join(build_parser().format_help().split())
    assert ", ".join(CODECS) in words


@pytest.mark.skipif(os.name != "posix", reason="descriptors as Unix has them")
def test_closed_streams_do_no_harm(tmp_path: Path) -> None:
    clip, target = make_clip(tmp_path / "a.mkv", frames=3), tmp_path / "b.mkv"
    words = [*COMMAND, str(clip.path), "-o", str(target), *FAST]
    closed = f"{shlex.join(words)} 0<&- 1>&- 2>&-"
    assert subprocess.run(["sh", "-c", closed], timeout=BOUND_S).returncode == 0
    with av.open(str(target)) as container:
        assert len(list(container.decode(video=0))) == 3


@pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")
@pytest.mark.parametrize("delay_s", [0.15, 0.6])
def test_ctrl_c_while_loading(tmp_path: Path, delay_s: float) -> None:
    code = "import runpy; print(flush=True); runpy.run_module('vidsr', run_name='__main__')"
    entry = [sys.executable, "-c", code]
    words = [*entry, str(tmp_path / "a.mkv"), "-o", str(tmp_path / "b.mkv")]
    with subprocess.Popen(words, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # Python itself has started
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=BOUND_S)
    # Too early for any handler, in time, or too late because the missing file was found first.
    assert process.returncode in (130, 3, -signal.SIGINT)
    assert "Error" not in error.replace("InputError", "")
