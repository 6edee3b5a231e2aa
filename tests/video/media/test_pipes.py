"""Pipes and files give the same: real pipelines of the command, and what readers see of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from subprocess import PIPE
from typing import Any

import av
import pytest

import vidsr
from tests.doubles.warm import WarmProcess, command
from tests.makers.clips import Tags, Tone, make_clip, samples, seconds
from vidsr.errors import InputError, OptionError, OutputError, ReaderGoneError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes with names")
MS = Fraction(1, 1000)
MODEL: dict[str, Any] = {"model": "lite-fast-x2"}
COMMAND = (sys.executable, "-m", "vidsr", "--model", "lite-fast-x2", "--progress", "none")
UNEVEN = [0, 40, 80, 200, 233, 266, 400, 700, 800]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    uneven: dict[str, Any] = {"pts": UNEVEN, "time_base": MS, "bframes": 2}
    deep: dict[str, Any] = {"codec": "libx265", "pix_fmt": "yuv420p10le", "frames": 6}
    made = [
        make_clip(folder / "uneven.mkv", audio=Tone(start_s=0.1), sar=Fraction(4, 3), **uneven),
        make_clip(folder / "deep.mkv", audio=Tone(), tags=Tags(9, 9, 16, 1), **deep),
        make_clip(folder / "b.ts", frames=40, size=(96, 64), bframes=2, audio=Tone()),
    ]
    return {clip.path.stem: clip.path for clip in made}


Shown = list[tuple[Fraction, list[bytes]]]


def shown(path: Path, **how: Any) -> Shown:
    """Return time and samples of each frame, from the first frame on."""
    with av.open(str(path), **how) as file:
        frames = [(seconds(f), [p.tobytes() for p in samples(f)]) for f in file.decode(video=0)]
    return [(time - frames[0][0], planes) for time, planes in frames]


def sound(path: Path) -> tuple[list[bytes], Fraction]:
    """Return the packets of the sound, and how much later than the video it begins."""
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(file.streams.audio[0], file.streams.video[0]) if p.size]
        first = {p.stream.type: seconds(p) for p in reversed(packets)}
        own = [bytes(p) for p in packets if p.stream.type == "audio"]
    return own, first["audio"] - first["video"]


def through(source: Path, target: Path, **options: Any) -> None:
    """Upscale with a named pipe at either end, which this thread feeds and another one drains."""
    way_in, way_out = target.with_suffix(".in"), target.with_suffix(".out")
    os.mkfifo(way_in)
    os.mkfifo(way_out)
    ends = [
        threading.Thread(target=lambda: way_in.write_bytes(source.read_bytes())),
        threading.Thread(target=lambda: target.write_bytes(way_out.read_bytes())),
    ]
    for end in ends:
        end.start()
    vidsr.upscale(way_in, way_out, **MODEL, **options)
    for end in ends:
        end.join()
    way_in.unlink()
    way_out.unlink()


@pytest.mark.parametrize("name", ["uneven", "deep", "b"])
def test_nut_is_what_a_file_would_be(clips: dict[str, Path], tmp_path: Path, name: str) -> None:
    vidsr.upscale(clips[name], tmp_path / "file.mkv", codec="ffv1", **MODEL)
    through(clips[name], tmp_path / "pipe.nut")
    file, pipe = shown(tmp_path / "file.mkv"), shown(tmp_path / "pipe.nut")
    assert [planes for _, planes in pipe] == [planes for _, planes in file]
    assert all(abs(a - b) <= MS for (a, _), (b, _) in zip(pipe, file, strict=True))
    (kept, offset), (sent, moved) = sound(tmp_path / "file.mkv"), sound(tmp_path / "pipe.nut")
    # A transport stream's AAC has headers of its own, which Matroska takes off.
    assert all(a.endswith(b) for a, b in zip(sent, kept, strict=True))
    assert abs(moved - offset) <= 2 * MS
    through(clips[name], tmp_path / "pipe.y4m", format="y4m")
    assert [p for _, p in shown(tmp_path / "pipe.y4m")] == [planes for _, planes in file]


def test_uneven_times_are_exact_in_nut_and_missed_elsewhere(
    clips: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    through(clips["uneven"], tmp_path / "a.nut")
    assert [time for time, _ in shown(tmp_path / "a.nut")] == [t * MS for t in UNEVEN]
    assert "rate varies" not in caplog.text
    through(clips["uneven"], tmp_path / "a.y4m", format="y4m")
    assert "the frame rate varies, and Y4M has no times" in caplog.text
    assert "audio stream 1 (aac) is dropped: Y4M holds one stream of video" in caplog.text
    assert b" A4:3 " in (tmp_path / "a.y4m").read_bytes()[:80]


@pytest.mark.parametrize("codec", ["h264", "hevc", "ffv1", "vp9", "av1"])
def test_codecs_in_nut(clips: dict[str, Path], tmp_path: Path, codec: str) -> None:
    preset = {"h264": "ultrafast", "hevc": "ultrafast", "av1": "12", "vp9": "8"}.get(codec)
    through(clips["uneven"], tmp_path / "a.nut", codec=codec, preset=preset)
    assert [time for time, _ in shown(tmp_path / "a.nut")] == [t * MS for t in UNEVEN]


def test_hdr_is_kept_where_a_codec_carries_it(
    clips: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    through(clips["deep"], tmp_path / "a.nut", codec="hevc", preset="ultrafast")
    with av.open(str(tmp_path / "a.nut")) as file:
        context = next(file.decode(video=0))
    assert (context.colorspace, context.color_primaries, context.color_trc) == (9, 9, 16)
    assert "carry no colour tags" not in caplog.text
    through(clips["deep"], tmp_path / "b.nut")
    assert "raw pictures carry no colour tags, and these are BT.2020" in caplog.text


def test_raw_pictures_both_ways(clips: dict[str, Path], tmp_path: Path) -> None:
    through(clips["deep"], tmp_path / "a.raw", format="raw")
    layout: dict[str, Any] = {
        "input_format": "raw",
        "input_size": "128x96",
        "input_pix_fmt": "yuv420p10le",
    }
    for source in (tmp_path / "a.raw",):
        through(source, tmp_path / "b.y4m", format="y4m", framerate=25, **layout)
        vidsr.upscale(source, tmp_path / "b.mkv", codec="ffv1", framerate=25, **layout, **MODEL)
    assert shown(tmp_path / "b.y4m") == shown(tmp_path / "b.mkv")
    assert len(shown(tmp_path / "b.mkv")) == 6


@pytest.mark.parametrize("size", ["127x95", "65x49"])
def test_odd_sizes(clips: dict[str, Path], tmp_path: Path, size: str) -> None:
    through(clips["b"], tmp_path / "a.nut", size=size, duration=0.2)
    through(clips["b"], tmp_path / "a.y4m", size=size, duration=0.2, format="y4m")
    assert [p for _, p in shown(tmp_path / "a.nut")] == [p for _, p in shown(tmp_path / "a.y4m")]


@pytest.mark.parametrize("share", [0.3, 0.62, 0.99])
@pytest.mark.parametrize("name", ["uneven", "b"])
def test_a_pipe_that_breaks_gives_what_a_file_cut_there_gives(
    clips: dict[str, Path], tmp_path: Path, name: str, share: float
) -> None:
    data = clips[name].read_bytes()
    cut = tmp_path / f"cut{clips[name].suffix}"
    cut.write_bytes(data[: int(share * len(data))])
    vidsr.upscale(cut, tmp_path / "file.mkv", codec="ffv1", **MODEL)
    through(cut, tmp_path / "pipe.nut")
    file = [planes for _, planes in shown(tmp_path / "file.mkv")]
    assert [planes for _, planes in shown(tmp_path / "pipe.nut")] == file


def test_a_part_of_a_pipe(clips: dict[str, Path], tmp_path: Path) -> None:
    part: dict[str, Any] = {"start": 0.6, "duration": 0.5}
    vidsr.upscale(clips["b"], tmp_path / "file.mkv", codec="ffv1", **part, **MODEL)
    through(clips["b"], tmp_path / "pipe.nut", **part)
    file = [planes for _, planes in shown(tmp_path / "file.mkv")]
    assert [planes for _, planes in shown(tmp_path / "pipe.nut")] == file


def test_options_that_do_not_fit(clips: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected a pipe as the target"):
        vidsr.upscale(clips["b"], tmp_path / "a.mkv", format="nut")
    with pytest.raises(OptionError, match="expected `input_size` and `framerate`"):
        vidsr.upscale("-", tmp_path / "a.mkv", input_format="raw")
    with pytest.raises(OptionError, match="`input_size` is given for a source that states it"):
        vidsr.upscale("-", tmp_path / "a.mkv", input_size="64x48")
    with pytest.raises(OptionError, match="holds raw alone"):
        vidsr.upscale(clips["b"], "-", format="y4m", codec="h264")


def run(words: str, **how: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell in which ``vidsr`` is this one; a failure anywhere is its status."""
    line = f'set -o pipefail; vidsr() {{ {" ".join(COMMAND)} "$@"; }}; {words}'
    return subprocess.run(["bash", "-c", line], capture_output=True, timeout=120, **how)


def test_a_pipeline_of_the_shell(clips: dict[str, Path], tmp_path: Path) -> None:
    done = run(f"cat {clips['b']} | vidsr - -o - > {tmp_path}/a.nut")
    assert done.returncode == 0
    assert done.stdout == b""
    assert b"40 frames 192x128" in done.stderr
    vidsr.upscale(clips["b"], tmp_path / "file.mkv", codec="ffv1", **MODEL)
    file = [planes for _, planes in shown(tmp_path / "file.mkv")]
    assert [planes for _, planes in shown(tmp_path / "a.nut")] == file


def test_a_reader_that_goes_is_no_trouble(clips: dict[str, Path]) -> None:
    done = run(f"vidsr -q {clips['b']} -o - | head -c 1000")
    assert done.returncode == 141
    assert len(done.stdout) == 1000
    assert done.stderr == b""


def test_report_and_video_do_not_share(clips: dict[str, Path]) -> None:
    done = run(f"vidsr {clips['b']} -o - --report -")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"expected one of them on standard output" in done.stderr


def test_a_signal_ends_a_wait(tmp_path: Path) -> None:
    words = [*COMMAND[3:], "-", "-o", tmp_path / "a.mkv"]
    with WarmProcess(command("vidsr.cli"), words, stdin=PIPE, stderr=PIPE) as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(2)  # loaded it is, so that it waits for a video now
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait() == 130
    assert not list(tmp_path.iterdir())


def test_sources_that_give_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    make_clip(tmp_path / "end.mp4", frames=3)
    (tmp_path / "list").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    for name, words in (
        ("empty", "is empty"),
        ("end.mp4", "index lies at its end"),
        ("list", "is a playlist"),
    ):
        os.mkfifo(tmp_path / "in")
        feed = threading.Thread(
            target=lambda name=name: (tmp_path / "in").write_bytes((tmp_path / name).read_bytes())
        )
        feed.start()
        with pytest.raises(InputError, match=words):
            vidsr.upscale(tmp_path / "in", tmp_path / "a.mkv", **MODEL)
        feed.join()
        (tmp_path / "in").unlink()


def test_a_full_device_is_an_error(clips: dict[str, Path]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    number = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OutputError, match="No space left") as full:
            vidsr.upscale(clips["b"], f"/dev/fd/{number}", **MODEL)
        assert not isinstance(full.value, ReaderGoneError)
    finally:
        os.close(number)
