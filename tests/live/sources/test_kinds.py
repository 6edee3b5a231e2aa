"""Every kind of source against a real peer: numbered pictures come in order, with their times."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.live.sources.receiving import Recorder, receiving
from tests.paths import ROOT
from tests.servers.process import free_port
from tests.servers.relays import rtmp_server, srt_camera
from tests.servers.rtsp import rtsp_camera, self_signed
from tests.servers.senders import sender, sending_command, write_clip
from vidsr.live.base.items import CLOCK_HZ
from vidsr.live.base.options import SourceOptions

FRAMES = 20
SECOND = CLOCK_HZ


def hold(recorder: Recorder, count: int = FRAMES, within_s: float = 60.0) -> None:
    """Hold that so many pictures come from one connection, none missing."""
    recorder.wait_frames(count, within_s)
    recorder.assert_in_order()
    assert recorder.states == ["connecting", "running"]
    assert set(recorder.dropped) <= {"backlog"}
    assert recorder.size_bytes > 0
    assert all(frame.arrived_s <= frame.at_s for frame in recorder.frames)
    assert {frame.connection for frame in recorder.frames} == {1}


def hold_sound(recorder: Recorder, codec: str) -> None:
    """Hold that sound comes beside the pictures."""
    recorder.wait(lambda: len(recorder.sounds) > 10)
    sound = recorder.formats[-1].sound
    assert sound
    assert sound.codec == codec
    assert (codec == "aac") == bool(sound.extradata)
    times = [packet.pts for packet in recorder.sounds]
    assert times == sorted(set(times))
    assert abs(times[-1] - recorder.frames[-1].pts) < SECOND


@pytest.mark.parametrize(
    ("codec", "sound", "transport"),
    [
        ("h264", "aac", "tcp"),
        ("h264", "none", "udp"),
        ("h265", "none", "tcp"),
        ("mjpeg", "alaw", "tcp"),
    ],
)
def test_rtsp(
    codec: Literal["h264", "h265", "mjpeg"],
    sound: Literal["none", "alaw", "aac"],
    transport: Literal["tcp", "udp"],
) -> None:
    with (
        rtsp_camera(codec=codec, sound=sound) as camera,
        receiving(camera.url, SourceOptions(transport=transport)) as recorder,
    ):
        hold(recorder)
        assert recorder.formats[0].video.codec == {"h265": "hevc"}.get(codec, codec)
        assert recorder.formats[0].video.rate == 25
        if sound != "none":
            hold_sound(recorder, {"alaw": "pcm_alaw"}.get(sound, sound))


def test_rtsp_over_tls_with_a_certificate_that_nobody_has_signed(tmp_path: Path) -> None:
    with (
        rtsp_camera(certificate=self_signed(tmp_path)) as camera,
        receiving(camera.url) as recorder,
    ):
        assert camera.url.startswith("rtsps://")
        hold(recorder)


def test_rtmp_and_hls() -> None:
    with rtmp_server() as server, sender(server.rtmp, sound="aac"):
        with receiving(server.rtmp) as recorder:
            hold(recorder)
            hold_sound(recorder, "aac")
        with receiving(server.rtmp, SourceOptions(sound=False)) as recorder:
            hold(recorder)
            assert not recorder.sounds
            assert recorder.formats[0].sound is None
        deadline_s = time.monotonic() + 60
        while not list(server.folder.glob("hls/*.m3u8")) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        with receiving(server.hls) as recorder:
            hold(recorder, 40)
            took_s = recorder.frames[-1].at_s - recorder.frames[0].at_s
            assert took_s > 1.2  # 40 frames at their pace, not a segment at once


def test_transport_streams_by_udp_and_tcp() -> None:
    udp, tcp, call = free_port(), free_port(), free_port()
    with contextlib.ExitStack() as peers:
        recorders = [
            peers.enter_context(receiving(f"udp://127.0.0.1:{udp}")),
            peers.enter_context(receiving(f"tcp+listen://127.0.0.1:{call}")),
        ]
        peers.enter_context(sender(f"udp://127.0.0.1:{udp}?pkt_size=1316", sound="aac"))
        peers.enter_context(sender(f"tcp://127.0.0.1:{call}"))
        peers.enter_context(sender(f"tcp://127.0.0.1:{tcp}?listen=1"))
        for recorder in recorders:
            hold(recorder)
        hold_sound(recorders[0], "aac")
        recorder = peers.enter_context(receiving(f"tcp://127.0.0.1:{tcp}"))
        recorder.wait_frames(FRAMES)
        recorder.assert_in_order()


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp"])
def test_a_source_that_calls_us(scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}/live/cam"
    listening = url.replace("://", "+listen://")
    with receiving(listening) as recorder, sender(url):
        hold(recorder)


def test_srt_with_a_passphrase(capfd: pytest.CaptureFixture[str]) -> None:
    secret = "passphrase=hunter2hunter2"
    with srt_camera(query=f"&{secret}") as (camera, feed), sender(feed):
        url = f"{camera.url}?mode=caller&latency=60000&{secret}"
        with receiving(url) as recorder:
            hold(recorder)
            assert "hunter2" not in "".join(arguments_of_children())
    assert "hunter2" not in "".join(capfd.readouterr())


def test_srt_in_the_open() -> None:
    with (
        srt_camera() as (camera, feed),
        sender(feed),
        receiving(f"{camera.url}?latency=60000") as recorder,
    ):
        hold(recorder)
    assert not any("srt://" in arguments for arguments in arguments_of_children())


def arguments_of_children() -> Iterator[str]:
    """Yield the command lines of the children of this process."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if status.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                command = (status.parent / "cmdline").read_text()
                if "transmit" not in command:  # the other peer
                    yield command


@pytest.mark.parametrize("container", ["nut", "ts", "y4m", "raw"])
def test_pipes(container: Literal["nut", "ts", "y4m", "raw"], tmp_path: Path) -> None:
    formats = {"nut": "nut", "ts": "mpegts", "y4m": "yuv4mpegpipe", "raw": "rawvideo"}
    codec = {"y4m": "y4m", "raw": "raw"}.get(container, "h264")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    options = SourceOptions(
        format=container, size=(160, 96), pixel_format="yuv420p", rate=Fraction(25)
    )
    command: dict[str, Any] = {"format": formats[container], "codec": codec, "frames": 30}
    with receiving(str(path), options) as recorder, sender(str(path), pace=False, **command):
        recorder.wait_state("ended")
        assert recorder.numbers == list(range(30))
        assert [frame.pts for frame in recorder.frames] == [3600 * n for n in range(30)]
        assert not recorder.dropped


def test_standard_input() -> None:
    send = sending_command("pipe:1", format="nut", frames=12, pace=False)
    kept = os.dup(0)
    try:
        with subprocess.Popen(send, stdout=subprocess.PIPE, cwd=ROOT) as sending:
            assert sending.stdout
            os.dup2(sending.stdout.fileno(), 0)
            with receiving("-") as recorder:
                recorder.wait_state("ended")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert recorder.numbers == list(range(12))


def test_a_file_at_its_own_pace_and_again(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", frames=12, sound="aac")
    with receiving(str(clip), SourceOptions(realtime=True, loop=True)) as recorder:
        recorder.wait_frames(30)
        numbers = recorder.numbers
        took_s = recorder.frames[29].at_s - recorder.frames[0].at_s
    assert numbers[:30] == [*range(12), *range(12), *range(6)]
    assert took_s > 29 / 25 - 0.2
    assert recorder.states == ["connecting", "running"]
    steps = {b.pts - a.pts for a, b in zip(recorder.frames, recorder.frames[1:], strict=False)}
    assert min(steps) >= 90
    hold_sound(recorder, "aac")


def test_a_film_by_http_ends_and_a_playlist_reaches_no_files(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=10)
    with rtmp_server() as server:
        (server.folder / "clip.mp4").write_bytes(clip.read_bytes())
        with receiving(f"{server.http}/clip.mp4") as recorder:
            recorder.wait_state("ended")
        assert recorder.numbers == list(range(10))
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", f"file://{clip}"]
        (server.folder / "list.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
        with receiving(f"{server.http}/list.m3u8") as recorder:
            recorder.wait(lambda: bool(recorder.failures))
        assert not recorder.frames  # a playlist reaches no file of ours


def test_day_and_night_of_a_camera(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", frames=20, change_at=10)
    with receiving(str(clip)) as recorder:
        recorder.wait_state("ended")
    sizes = [(each.video.format.width, each.video.format.height) for each in recorder.formats]
    assert sizes == [(160, 96), (320, 192)]
    assert [frame.size for frame in recorder.frames] == [(160, 96)] * 10 + [(320, 192)] * 10
    assert recorder.numbers == list(range(20))
