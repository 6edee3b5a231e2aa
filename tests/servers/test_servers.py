"""The servers of the tests themselves, tried with PyAV alone: numbers arrive in order."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from tests.makers.counter import Stamps, draw, read
from tests.servers.faults import black_hole, garbage
from tests.servers.process import free_port, listens
from tests.servers.relays import rtmp_server, srt_camera, srt_relay
from tests.servers.rtsp import rtsp_camera, rtsp_recorder
from tests.servers.senders import sender, write_clip

QUICK = {"fpsprobesize": "0", "analyzeduration": "300000"}


def numbers(url: str, count: int, **options: str) -> list[int | None]:
    with av.open(url, options={**QUICK, **options}, timeout=(8, 4)) as container:
        images = itertools.islice(container.decode(video=0), count)
        return [read(image.to_ndarray(format="gray")) for image in images]


def assert_in_order(found: list[int | None], *, gapless: bool = True) -> None:
    assert None not in found
    steps = np.diff(np.array(found, int))
    assert (steps == 1).all() if gapless else (steps > 0).all(), found


@pytest.mark.parametrize("number", [0, 1, 12345, (1 << 24) - 1])
@pytest.mark.parametrize("size", [(160, 96), (640, 360), (176, 144)])
def test_a_number_is_read_back(number: int, size: tuple[int, int]) -> None:
    width, height = size
    luma = np.frombuffer(draw(number, size), np.uint8)[: width * height].reshape(height, width)
    assert read(luma) == number
    assert read(luma.repeat(2, 0).repeat(2, 1), 2) == number
    flipped = luma.copy()
    flipped[:16, :16] = 251 - flipped[:16, :16]
    assert read(flipped) is None


@pytest.mark.parametrize(("codec", "sound"), [("h264", "aac"), ("h265", "none"), ("mjpeg", "alaw")])
def test_a_camera(
    codec: Literal["h264", "h265", "mjpeg"], sound: Literal["none", "alaw", "aac"], tmp_path: Path
) -> None:
    stamps = tmp_path / "stamps"
    with rtsp_camera(codec=codec, sound=sound, stamps=stamps) as camera:
        found = numbers(camera.url, 15, rtsp_transport="tcp")
    assert_in_order(found)
    assert all(Stamps(stamps).at(number or 0) for number in found[1:])


def test_a_recorder() -> None:
    with rtsp_recorder() as (recorder, udp), sender(recorder.url):
        assert_in_order(numbers(udp + "?fifo_size=5000&overrun_nonfatal=1", 15))


def test_rtmp_with_sound() -> None:
    with rtmp_server() as server, sender(server.rtmp, sound="aac"):
        assert_in_order(numbers(server.rtmp, 15, rtmp_live="live"))


def test_srt_there_and_back() -> None:
    with srt_camera() as (camera, feed):
        back = free_port()
        call = f"{camera.url}?mode=caller&latency=60"
        with srt_relay(call, f"udp://127.0.0.1:{back}"), sender(feed):
            found = numbers(f"udp://127.0.0.1:{back}?fifo_size=5000&overrun_nonfatal=1", 15)
    assert_in_order(found)


def test_a_change_of_size_within_a_stream(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", frames=20, change_at=10)
    with av.open(str(clip)) as container:
        widths = [image.width for image in container.decode(video=0)]
    assert widths == [160] * 10 + [320] * 10


def test_peers_that_do_harm() -> None:
    with black_hole() as hole, garbage() as noise:
        assert listens(hole)
        assert listens(noise)
        with pytest.raises(av.error.FFmpegError):
            av.open(f"tcp://127.0.0.1:{noise}", timeout=2, format="mpegts")
