"""Streams between real servers: what the camera numbered comes out in order, or is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from tests.live.doubles import until
from tests.live.service.clips import numbered_clip
from tests.live.streams.test_course import check_sums
from tests.live.waits import joins_within
from tests.makers.counter import read
from tests.servers.process import free_port
from tests.servers.relays import rtmp_server
from tests.servers.rtsp import rtsp_camera
from tests.servers.senders import write_clip
from vidsr.live import Engines, Stream
from vidsr.live.streams.course import STOP_S

QUICK: dict[str, Any] = {"ladder": ["bicubic"], "scale": 2}
READER = {"fpsprobesize": "0", "analyzeduration": "200000"}


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with Engines(device="cpu", workers=2) as shared:
        yield shared


def numbers_at(url: str, count: int, **options: str) -> list[int | None]:
    """Return the numbers of the first pictures that come to an address."""
    with av.open(url, options={**READER, **options}, timeout=(10, 5)) as container:
        numbers = []
        for frame in container.decode(video=0):
            numbers.append(read(frame.to_ndarray(format="gray"), 2))
            if len(numbers) == count:
                break
        return numbers


def check_order(numbers: list[int | None]) -> None:
    """Every picture has a number, and they grow."""
    assert None not in numbers
    assert all(after > before for before, after in pairwise(map(int, map(str, numbers))))


def test_a_camera_to_several_sinks_at_once(engines: Engines, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "hls"
    with rtsp_camera() as camera, rtmp_server() as server:
        sinks = [f"udp://127.0.0.1:{port}", server.rtmp, f"hls:{folder}"]
        hidden = server.rtmp.replace("/cam", "/***")
        with Stream(camera.url, sinks, name="door", engines=engines, **QUICK) as stream:
            # A reader of datagrams has to be there before they come.
            udp = f"udp://127.0.0.1:{port}?fifo_size=50000&overrun_nonfatal=1"
            seen = numbers_at(udp, 50)
            assert until(lambda: stream.stats().tally.sent_bytes.get(hidden, 0) > 0)
            check_order(numbers_at(server.rtmp, 15, rtmp_live="live"))
            assert until((folder / "index.m3u8").exists)
            status = stream.stats()
        tally = stream.tally
    check_order(seen)
    assert int(str(seen[-1])) - int(str(seen[0])) + 1 - len(seen) <= sum(tally.dropped.values())
    check_sums(tally)
    assert (status.state, status.source_kind, status.connection) == ("running", "rtsp", 1)
    assert [sink.state for sink in status.sinks] == ["running"] * 3
    assert [sink.kind for sink in status.sinks] == ["udp", "rtmp", "hls"]
    assert tally.received_bytes > 0
    assert [sink.folder for sink in status.sinks] == [None, None, folder]
    assert all(tally.sent_bytes[sink.name] > 0 for sink in status.sinks)


def test_a_camera_that_is_killed_comes_back_and_disturbs_no_other(
    engines: Engines, tmp_path: Path
) -> None:
    clip = numbered_clip(tmp_path / "clip.mp4", 50)
    before = threading.active_count()
    pictures: list[tuple[int, int | None]] = []

    def on_frame(image: av.VideoFrame) -> None:
        pictures.append((image.pts or 0, read(image.to_ndarray(format="gray"), 2)))

    with (
        rtsp_camera() as camera,
        Stream(
            str(clip), engines=engines, realtime=True, loop=True, name="other", **QUICK
        ) as other,
        Stream(
            camera.url, on_frame=on_frame, engines=engines, retry_first="0.2s", name="door", **QUICK
        ) as stream,
    ):
        assert until(lambda: len(pictures) > 10)
        camera.kill()
        assert until(lambda: stream.stats().state != "running")
        shown = sum(other.tally.shown.values())
        assert until(lambda: stream.tally.fillers.get("repeat", 0) > 0)
        assert stream.stats().error
        camera.restart()
        assert until(lambda: stream.stats().connection >= 2)
        assert stream.stats().state == "running"
        assert sum(other.tally.shown.values()) > shown
        after = len(pictures)
        assert until(lambda: len(pictures) > after + 5)
    for tally in (stream.tally, other.tally):
        check_sums(tally)
    assert stream.tally.connects >= 2
    assert sum(stream.tally.failures.values()) >= 1
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(pictures))
    assert all(number is not None for _, number in pictures)
    assert until(lambda: threading.active_count() <= before)


def test_stopping_does_not_wait_for_peers_that_hang(engines: Engines) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        port = black_hole.getsockname()[1]
        sink = f"rtmp://127.0.0.1:{port}/live/x"
        stream = Stream(f"rtsp://127.0.0.1:{port}/cam", sink, engines=engines, **QUICK).start()
        time.sleep(0.5)
        with joins_within(STOP_S):
            stream.stop()
    check_sums(stream.tally)


@pytest.mark.parametrize("size", [None, "320x192"])
def test_a_change_of_size_goes_on_in_the_next_picture(
    engines: Engines, tmp_path: Path, size: str | None
) -> None:
    clip = write_clip(tmp_path / "clip.ts", change_at=25, then_size="320x192", gop=25)
    seen: list[tuple[int, int | None]] = []

    def on_frame(image: av.VideoFrame) -> None:
        scale = 1 if size and len(seen) >= 25 else 2
        seen.append((image.width, read(image.to_ndarray(format="gray"), scale)))

    record = f"record:{tmp_path / 'out.ts'}"
    options = {**QUICK, "size": size, "late": "wait"}
    with Stream(str(clip), record, engines=engines, on_frame=on_frame, **options) as stream:
        assert stream.wait(60)
    assert [number for _, number in seen] == list(range(50))
    assert [width for width, _ in seen] == [320] * 25 + [320 if size else 640] * 25
    check_sums(stream.tally)
    files = sorted(tmp_path.glob("out*.ts"))
    assert sum(len(widths_in(file)) for file in files) == 50


def widths_in(path: Path) -> list[int]:
    """Return the widths of the pictures in a file."""
    with av.open(str(path)) as container:
        return [frame.width for frame in container.decode(video=0)]


def test_sound_is_carried_in_step(engines: Engines, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", sound="aac", frames=75)
    target = tmp_path / "out.mkv"
    options = {**QUICK, "late": "wait"}
    with Stream(str(clip), f"record:{target}", engines=engines, **options) as stream:
        assert stream.wait(60)
    with av.open(str(clip)) as source, av.open(str(target)) as made:
        assert [each.type for each in made.streams] == ["video", "audio"]
        assert made.streams.audio[0].codec_context.name == "aac"
        before, after = spans(source), spans(made)
    assert after["video"][2] == before["video"][2]
    assert after["audio"][2] >= before["audio"][2] - 2
    offset_s = after["audio"][0] - after["video"][0] - (before["audio"][0] - before["video"][0])
    assert abs(offset_s) < 0.05


def spans(container: Any) -> dict[str, tuple[float, float, int]]:
    """Return the first time, the last time and the number of packets of each kind."""
    times: dict[str, list[float]] = {}
    for packet in container.demux():
        if packet.pts is not None and packet.size:
            times.setdefault(packet.stream.type, []).append(float(packet.pts * packet.time_base))
    return {kind: (min(each), max(each), len(each)) for kind, each in times.items()}


def test_a_sink_that_is_killed_comes_back_and_disturbs_no_other(
    engines: Engines, tmp_path: Path
) -> None:
    clip = numbered_clip(tmp_path / "clip.mp4", 1500)
    folder = tmp_path / "hls"
    options = {**QUICK, "realtime": True}
    with rtmp_server() as server:
        sinks = [server.rtmp, f"hls:{folder}"]
        with Stream(str(clip), sinks, engines=engines, **options) as stream:
            assert until(lambda: stream.stats().sinks[0].state == "running")
            server.server.kill()
            assert until(lambda: stream.stats().sinks[0].state != "running")
            assert until(lambda: stream.stats().sinks[0].error is not None)
            sent = stream.tally.sent_bytes[sinks[1]]
            assert until(lambda: stream.tally.sent_bytes[sinks[1]] > sent)
            assert stream.stats().sinks[1].state == "running"
            server.server.restart()
            assert until(lambda: stream.stats().sinks[0].state == "running")
            check_order(numbers_at(server.rtmp, 10, rtmp_live="live"))
        tally = stream.tally
    check_sums(tally)
    assert tally.sink_restarts[server.rtmp.replace("/cam", "/***")] >= 1
    assert not tally.sink_dropped.get(sinks[1])
