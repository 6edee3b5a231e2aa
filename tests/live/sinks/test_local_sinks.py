"""Sinks in this process: datagrams, HLS, recordings, pipes; nobody waits for a stuck reader."""

from __future__ import annotations

import fcntl
import io
import os
import threading
import time
from pathlib import Path
from subprocess import PIPE

import av
import pytest

from tests.doubles.warm import WarmProcess
from tests.live.sinks.feeding import UDP_QUERY, Feed, await_that, numbers_of, sound_of, tone
from tests.paths import ROOT
from tests.servers.process import free_port
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.local_targets import remove_old_segments
from vidsr.live.sinks.pipe_end import PipeEnd
from vidsr.live.sinks.recording import free_name

PAUSE_S = 1.0  # far above what is measured: the machine of a test does other things too


def test_datagrams(tmp_path: Path) -> None:
    port = free_port()
    found: list[int] = []

    def receive() -> None:
        options = {"fpsprobesize": "0", "analyzeduration": "200000"}
        url = f"udp://127.0.0.1:{port}{UDP_QUERY}"
        with av.open(url, options=options, timeout=(10, 5)) as container:
            found.extend(numbers_of(container, 20))

    reader = threading.Thread(target=receive)
    feed = Feed(f"udp://localhost:{port}")
    with feed.running():
        reader.start()
        reader.join(60)
    assert len(found) == 20
    assert found == [*range(found[0], found[0] + 20)]
    name = feed.sinks[0].name
    assert feed.events.of(name) == ["connecting", "running", "closed"]
    assert feed.events.packets[name] == feed.number
    assert feed.events.dropped[name] == 0


@pytest.mark.parametrize("kind", ["hls", "hls+ll"])
def test_hls_is_cut_at_key_frames_that_it_asks_for(kind: str, tmp_path: Path) -> None:
    sound, packets = tone("pcm_alaw", "pcm_alaw", 8000, "mono", seconds=3.0)
    feed = Feed(f"{kind}:{tmp_path}/cam", options=EncoderOptions(keyframe_s=10), sound=sound)
    for number in range(75):
        feed.sound(sound_of(packets, number))
        feed.push()
        await_that(lambda: feed.events.packets.total() == feed.number, "pictures to be written")
    assert "#EXT-X-ENDLIST" not in (tmp_path / "cam" / "index.m3u8").read_text()
    feed.close()
    playlist = (tmp_path / "cam" / "index.m3u8").read_text()
    lengths = [float(line[8:-1]) for line in playlist.splitlines() if line.startswith("#EXTINF")]
    wanted = 1.0 if kind == "hls" else 0.5
    assert len(lengths) >= 3
    assert all(length == pytest.approx(wanted, abs=0.17) for length in lengths[:-1])
    assert "#EXT-X-PROGRAM-DATE-TIME" in playlist
    assert playlist.count("#EXT-X-ENDLIST") == 1
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    with av.open(str(tmp_path / "cam" / "index.m3u8"), timeout=(5, 5)) as found:
        assert [s.codec_context.name for s in found.streams] == ["h264", "aac"]
        count = 75 if kind == "hls" else 48
        numbers = numbers_of(found, min(count, round(25 * sum(lengths)) - 2))
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]


def test_old_segments_are_removed(tmp_path: Path) -> None:
    names = ("1a223d5e2cd-1795897549518403.ts", "1a223d5e2cd-1795897549518404.m4s")
    for name in (*names, "film.ts", "1a223d5e2cd-1795897549518405.ts"):
        (tmp_path / name).touch()
    for name in (*names, "film.ts"):
        os.utime(tmp_path / name, (0, 0))
    remove_old_segments(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["1a223d5e2cd-1795897549518405.ts", "film.ts"]


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_recordings_follow_each_other_without_a_gap(suffix: str, tmp_path: Path) -> None:
    feed = Feed(
        f"record:{tmp_path}/%Y/cam-%H{suffix}?duration=0.8s", options=EncoderOptions(keyframe_s=9)
    )
    feed.push(10)
    await_that(lambda: feed.events.packets.total() == 10, "ten pictures to be written")
    (part,) = tmp_path.rglob("*.part")
    assert not [*tmp_path.rglob(f"*{suffix}")]
    assert part.name.startswith("cam-")
    for number in range(11, 51):
        feed.push()
        await_that(lambda: feed.events.packets.total() == number, "pictures to be written")  # noqa: B023
    feed.close()
    files = sorted(tmp_path.rglob(f"*{suffix}"), key=lambda path: path.stat().st_mtime_ns)
    assert not [*tmp_path.rglob("*.part")]
    lengths, numbers = [], []
    for file in files:
        with av.open(str(file)) as container:
            found = numbers_of(container)
        lengths.append(len(found))
        numbers += found
    assert numbers == [*range(50)]
    # The key frame comes one or two frames after it was asked for.
    assert all(length in (20, 21, 22, 23) for length in lengths[:-1])
    assert len(files) == 3


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    assert free_name(path) == path
    path.touch()
    (tmp_path / "a-2.mkv.part").touch()
    assert free_name(path) == tmp_path / "a-3.mkv"


def test_a_change_of_size_begins_a_new_recording(tmp_path: Path) -> None:
    feed = Feed(f"record:{tmp_path}/cam.mkv")
    feed.push(5)
    feed.push(5, size=(192, 128))
    feed.close()
    sizes = {}
    for file in tmp_path.glob("*.mkv"):
        with av.open(str(file)) as container:
            sizes[container.streams.video[0].width] = numbers_of(container)
    assert sizes == {160: [*range(5)], 192: [*range(5, 10)]}


def test_a_full_or_missing_folder_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "cam"
    feed = Feed(f"record:{folder}/a.mkv")
    folder.write_text("in the way")
    with feed.running():
        await_that(lambda: feed.events.failures(feed.sinks[0].name), "a failure")
        folder.unlink()
        await_that(lambda: [*tmp_path.rglob("*.part")], "a recording")
    (file,) = folder.glob("*.mkv")
    with av.open(str(file)) as container:
        numbers = numbers_of(container)
    name = feed.sinks[0].name
    assert numbers == [*range(numbers[0], feed.number)]
    assert feed.events.packets[name] + feed.events.dropped[name] == feed.number


@pytest.mark.parametrize(("format", "container"), [("nut", "nut"), ("ts", "mpegts")])
def test_readers_of_a_named_pipe_come_and_go(format: str, container: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feed = Feed(f"pipe:{format}:{pipe}", f"record:{tmp_path}/beside.mkv")
    options = {"fpsprobesize": "0", "analyzeduration": "200000"}
    with feed.running():
        for _ in range(2):
            with (
                open(pipe, "rb", buffering=0) as file,
                av.open(file, format=container, options=options) as found,
            ):
                numbers = numbers_of(found, 10)
            assert numbers == [*range(numbers[0], numbers[0] + 10)]
            await_that(lambda: feed.events.of(feed.sinks[0].name)[-1] == "connecting", "a new try")
    name, beside = (sink.name for sink in feed.sinks)
    assert feed.events.of(name)[-1] == "closed"
    assert feed.events.packets[name] + feed.events.dropped[name] == feed.number
    assert (feed.events.packets[beside], feed.events.dropped[beside]) == (feed.number, 0)


def test_a_stuck_reader_stops_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feed = Feed(f"pipe:nut:{pipe}", f"record:{tmp_path}/beside.mkv")
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        for _ in range(400):  # sixteen seconds of video
            feed.push()
            time.sleep(0.001)
        name, beside = (sink.name for sink in feed.sinks)
        assert feed.events.dropped[name] > 0
        assert feed.events.of(name)[-1] == "running"
        assert feed.longest_write_s < PAUSE_S
        feed.close()  # ends at all, though the pipe stays full
    assert feed.events.packets[name] + feed.events.dropped[name] == 400
    assert (feed.events.packets[beside], feed.events.dropped[beside]) == (400, 0)


_PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from tests.live.sinks.feeding import Feed
feed = Feed({sink!r})
feed.push(40)
feed.close()
print(feed.events.of({sink!r})[-1], dict(feed.events.dropped), file=sys.stderr)
"""


def test_standard_output() -> None:
    program = _PROGRAM.format(root=str(ROOT), sink="-")
    with WarmProcess(program, stdout=PIPE, stderr=PIPE) as process:
        out, told = process.communicate()
    assert told.decode().split()[0] == "closed", told.decode()
    with av.open(io.BytesIO(out)) as found:
        assert numbers_of(found) == [*range(40)]


def test_a_reader_of_standard_output_that_leaves_is_the_end() -> None:
    # It goes on until the sink has noticed, however long the reader takes to leave.
    until = "push(40)\nwhile feed.events.of('-')[-1] != 'failed': feed.push(5)"
    program = _PROGRAM.format(root=str(ROOT), sink="-").replace("push(40)", until)
    with WarmProcess(program, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1000)
        process.stdout.close()
        told = process.communicate(timeout=120)[1].decode()
    assert told.split()[0] == "failed", told
    assert process.returncode == 0


def test_a_pipe_that_nobody_reads_can_be_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = PipeEnd(str(pipe))
    threading.Timer(0.2, end.stop).start()
    with pytest.raises(BrokenPipeError):
        end.open()
    end.close()
