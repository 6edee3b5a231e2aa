"""The command from end to end, in this process but for its standard output."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.doubles.warm import WarmProcess, command
from tests.live.doubles import until
from tests.live.service.clips import BICUBIC, numbered_clip, numbers_in
from tests.paths import ROOT
from tests.servers.process import free_port
from tests.servers.senders import write_clip
from vidsr.live.service import loop
from vidsr.live.service.cli import main

SECRET = "hunter2-geheim"
LIVE = command("vidsr.live.service.cli")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 50)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do ``work`` in a thread while the command runs in this one; its errors are the test's."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()
    assert not errors, errors


def report_in(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def check_frames(stream: dict[str, Any]) -> None:
    """Received frames are those shown and those dropped."""
    frames = stream["frames"]
    ended = sum(frames["shown"].values()) + sum(frames["dropped"].values())
    assert frames["received"] == ended, frames
    assert frames["in_flight"] == 0


def test_a_file_through_a_pipe_keeps_every_frame_in_order(clip: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = [str(clip), "-o", "pipe:nut", *BICUBIC, "--late", "wait", "--report", str(report)]
    with WarmProcess(LIVE, words, stdout=PIPE, stderr=PIPE) as process:
        out, told = process.communicate()
    assert process.returncode == 0, told.decode()
    assert numbers_in(BytesIO(out), format="nut") == list(range(50))
    facts = report_in(report)
    (stream,) = facts["streams"]
    check_frames(stream)
    assert stream["frames"]["shown"] == {"bicubic": 50}
    assert facts["outcome"] == "ended"
    assert b"received 50 frames, showed 50 (bicubic 50), dropped 0" in told


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_whole_files(
    clip: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    record, report = tmp_path / "record.mkv", tmp_path / "report.json"
    arguments = [
        str(clip),
        "--realtime",
        "--loop",
        "-o",
        f"record:{record}",
        *BICUBIC,
        "--duration",
        "120s",  # which would be another outcome
    ]

    def end() -> None:
        assert until(lambda: any(tmp_path.glob("*record*")))
        time.sleep(1.0)
        os.kill(os.getpid(), number)

    with meanwhile(end):
        assert main([*arguments, "--report", str(report)]) == status
    numbers = numbers_in(str(record))
    assert numbers
    assert None not in numbers
    facts = report_in(report)
    assert facts["outcome"] == ("stopped" if number == signal.SIGTERM else "interrupted")
    check_frames(facts["streams"][0])
    assert facts["streams"][0]["frames"]["shown"] == {"bicubic": len(numbers)}


def test_a_source_that_never_comes_and_no_secret_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("aiohttp")
    report, listen = tmp_path / "report.json", f"127.0.0.1:{free_port()}"
    address = f"rtsp://viewer:{SECRET}@127.0.0.1:{free_port()}/cam"
    sink = f"rtmp://127.0.0.1:{free_port()}/live/{SECRET}"
    arguments = [address, "-o", sink, *BICUBIC, "--give-up", "4s", "--retry-first", "0.1s"]
    arguments += ["--duration", "120s", "--listen", listen, "--report", str(report)]
    served: list[str] = []

    def visit() -> None:
        assert until(lambda: answer(f"http://{listen}/healthz") is not None)
        paths = ("", "metrics", "api/streams", "readyz", "streams/live")
        served.extend(answer(f"http://{listen}/{path}") or "" for path in paths)

    with meanwhile(visit):
        assert main(arguments) == 3
    facts = report_in(report)
    assert facts["outcome"] == "failed"
    assert facts["streams"][0]["state"] == "failed"
    assert facts["streams"][0]["failures"]
    told = "".join(capfd.readouterr())
    assert "error: live: rtsp://***@127.0.0.1" in told
    assert "vidsr_source_failures_total" in served[1]
    for text in (told, caplog.text, report.read_text(encoding="utf-8"), *served):
        assert "viewer:" not in text
        assert SECRET not in text


def answer(url: str) -> str | None:
    """Return the text at an address, None while nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            text: str = response.read().decode()
            return text
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()
    except OSError:
        return None


def test_a_report_of_what_was_wrong(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    with pytest.raises(SystemExit):
        main(["x.ts", "-o", "pipe:nut", "--deadline", "soon", "--report", str(report)])
    assert report_in(report)["error"]["exit_code"] == 2
    assert main(["x.ts", "-o", "what", "--report", str(report)]) == 2
    assert "address of a sink" in report_in(report)["error"]["message"]
    assert capfd.readouterr().out == ""


def test_duration_ends_it(clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = [str(clip), "--realtime", "--loop", "-o", f"hls:{tmp_path / 'hls'}", *BICUBIC]
    assert main([*arguments, "--duration", "1.5s"]) == 0
    assert (tmp_path / "hls" / "index.m3u8").exists()
    lines = capfd.readouterr().err
    assert re.search(r"live: running; [\d.]+ fps in, [\d.]+ out", lines)
    assert re.search(r"received (\d+) frames, showed \1 ", lines) or "dropped" in lines


def test_a_slow_reader_is_waited_for_and_one_that_goes_ends_it(clip: Path) -> None:
    words = [clip, "-o", "pipe:raw", "--late", "wait", *BICUBIC]
    size = 320 * 192 * 3 // 2
    with WarmProcess(LIVE, words, stdout=PIPE) as slow:
        assert slow.stdout is not None
        pictures = 0
        while len(slow.stdout.read(size)) == size:
            pictures += 1
            time.sleep(0.06 if pictures > 10 else 0)
        assert (pictures, slow.wait()) == (50, 0)
    words += ["--realtime", "--loop"]
    with WarmProcess(LIVE, words, stdout=PIPE, stderr=PIPE) as left:
        assert left.stdout is not None
        assert left.stderr is not None
        left.stdout.read(size)
        left.stdout.close()
        assert left.wait() == 141
        assert b"error" not in left.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "SOURCE or --config is needed"),
        (["x.ts"], "-o SINK is needed"),
        (["x.ts", "-o", "a.mkv"], "expected the address of a sink"),
        (["x.ts", "-o", "pipe:nut", "--deadline", "2 parsecs"], "expected a time such as 200ms"),
        (["x.ts", "-o", "pipe:nut", "--realtiem"], "did you mean --realtime?"),
        (["x.ts", "-o", "pipe:nut", "-o", "pipe:nut"], "a SINK is given twice"),
        (["x.ts", "-o", "hls:a/b", "-o", "hls+ll:a/c/../b/"], "a SINK is given twice"),
        (["pipe:raw", "-o", "hls:a"], "source_size and pixel_format are needed"),
        (["x.ts", "-o", "pipe:nut", "-o", "pipe:y4m"], "2 sinks are pipes"),
        (["x.ts", "-o", "pipe:nut", "--report", "-"], "--report - with a pipe as a sink"),
        (["x.ts", "-o", "pipe:nut", "--config", "x.toml"], "--config with SOURCE or -o"),
        (["--config", "x.toml", "--crf", "20"], "--config with --crf"),
        (["x.ts", "-o", "pipe:nut", "--crf", "20", "--bitrate", "4M"], "--crf and --bitrate"),
        (
            ["x.ts", "-o", "udp://127.0.0.1:9", "--codec", "av1"],
            "--codec av1 for udp://127.0.0.1:9",
        ),
        (["x.ts", "-o", "pipe:nut", "--fps", "0"], "expected frames a second"),
        (["x.ts", "-o", "pipe:nut", "--ladder", "bicubic,lite-x2"], "'bicubic' at the end"),
        (["gopher://x/y", "-o", "pipe:nut"], "expected a kind of live source"),
        (["x.ts", "-o", "pipe:nut", "--device", "gpu"], "--device gpu: expected 'auto'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_loaded(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = int(str(stop.code))
    assert status == 2
    told = capfd.readouterr().err
    assert said in told
    assert told.startswith("vidsr-live: error: ")
    assert told.count("\n") == 1


def test_a_file_is_played_at_its_pace_or_waited_for(
    clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(clip), "-o", "udp://127.0.0.1:9", *BICUBIC]) == 2
    assert "--realtime plays it at its own pace, --late wait upscales" in capfd.readouterr().err


def live_from(file: Path, words: list[str]) -> tuple[int, bytes]:
    """Run the command with a file as standard input, and return its status and what it said."""
    with (
        file.open("rb") as given,
        WarmProcess(LIVE, words, stdin=given.fileno(), stdout=PIPE, stderr=PIPE) as process,
    ):
        _, told = process.communicate()
        return process.wait(), told


def test_a_file_as_standard_input_is_a_file(clip: Path, tmp_path: Path) -> None:
    """It would be read as fast as it goes, and most of its frames would be late."""
    words = ["-", "-o", "pipe:nut", *BICUBIC]
    status, told = live_from(clip, words)
    assert status == 2
    assert b"a file as standard input" in told
    assert b"--realtime" in told
    begun_s = time.monotonic()
    paced = write_clip(tmp_path / "clip.ts", frames=25)
    status, told = live_from(paced, [*words, "--realtime", "--deadline", "5s"])
    assert status == 0, told.decode()
    assert time.monotonic() - begun_s > 0.9  # a second of pictures
    assert b"received 25 frames" in told


def test_refusals_load_neither_torch_nor_av() -> None:
    program = (
        "import sys; from vidsr.live.service.cli import main\n"
        "assert main(['x.ts', '-o', 'pipe:nut', '--model', 'lite-fst-x2']) == 6\n"
        "assert not {'torch', 'av', 'numpy', 'aiohttp'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()


def write_config(path: Path, clip: Path, *streams: str, top: str = "") -> None:
    """Write a configuration of streams whose names are given, each into a folder of its own."""
    head = f"{top}\n[defaults]\nladder = ['bicubic']\nscale = 2\nrealtime = true\nloop = true\n"
    tables = [
        f"[streams.{name}]\nsource = '{clip}'\nsinks = ['hls:{path.parent / name}']\n"
        for name in streams
    ]
    path.write_text(head + "".join(tables), encoding="utf-8")


def test_check_opens_nothing(clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "cams.toml"
    write_config(config, tmp_path / "there is no such file", "one", "two")
    assert main(["--config", str(config), "--check"]) == 0
    assert "2 streams, nothing wrong" in capfd.readouterr().err
    assert sorted(tmp_path.iterdir()) == [config]
    write_config(config, clip, "one", top="[defaults]")
    assert main(["--config", str(config), "--check"]) == 2
    config.write_text(
        "[live]\nlisten = '127.0.0.1:1'\ntoken = 'short'\n[streams.a]\nsource = '-'\n"
    )
    assert main(["--config", str(config), "--check"]) == 2
    assert "the token is not usable" in capfd.readouterr().err
    config.write_text("[streams.a]\nsource = 'gopher://x'\n")
    assert main(["--config", str(config), "--check"]) == 2
    assert "[streams.a] source: 'gopher://x': expected a kind" in capfd.readouterr().err


def test_sighup_reads_the_configuration_again_and_systemd_is_told(
    clip: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, "vidsr.live")
    config, report = tmp_path / "cams.toml", tmp_path / "report.json"
    write_config(config, clip, "one", "two")
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "notify"))
    heard.settimeout(10)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setattr(loop, "LOOK_EVERY_S", 0.02)

    def begun(name: str) -> bool:
        return (tmp_path / name / "index.m3u8").exists()

    def steer() -> None:
        assert heard.recv(200).startswith(b"READY=1")
        assert heard.recv(200) == b"WATCHDOG=1"
        assert until(lambda: begun("one") and begun("two"))
        config.write_text("[streams.one\n", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.2)
        write_config(config, clip, "two", "three")
        os.kill(os.getpid(), signal.SIGHUP)
        assert until(lambda: begun("three"))
        os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(steer):
        assert main(["--config", str(config), "--duration", "40s", "--report", str(report)]) == 0
    told = caplog.text
    assert "the new configuration is refused, the old one stays" in told
    assert "stopped one; started three" in told
    streams = {stream["name"]: stream for stream in report_in(report)["streams"]}
    assert list(streams) == ["two", "three"]
    assert streams["two"]["started_s"] < streams["three"]["started_s"]
    assert streams["two"]["connection"] >= 1
    for stream in streams.values():
        check_frames(stream)
    messages = []
    heard.setblocking(False)
    try:
        while True:
            messages.append(heard.recv(200))
    except BlockingIOError:
        heard.close()
    assert messages[-1] == b"STOPPING=1"


def test_sighup_that_is_ignored_is_said(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "cams.toml"
    write_config(config, clip, "one")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup leaves it
    try:
        assert main(["--config", str(config), "--duration", "0.1s"]) == 0
        assert "SIGHUP is ignored, as nohup has it" in caplog.text
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for flag in ("--deadline", "--on-lost", "--retry-first", "--listen", "--give-up", "--codec"):
        assert flag in told
    assert "--token " not in told
