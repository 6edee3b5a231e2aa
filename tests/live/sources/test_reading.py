"""What packets carry beside pictures: wall clocks, headers of sound; and pictures out of order."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.live.sources.receiving import receiving
from tests.makers.clips import INTERLACED
from tests.servers.senders import write_clip
from tests.servers.sending_program import image_of
from vidsr.live.base.latency_sei import clock_message
from vidsr.live.sources.opening.failures import failure_of
from vidsr.live.sources.reading.arrivals import find_clock
from vidsr.live.sources.reading.sound import read_adts
from vidsr.video.locator import Locator


@given(clock_ns=st.integers(0, (1 << 64) - 1), before=st.binary(max_size=40))
def test_a_wall_clock_is_found_in_a_packet(clock_ns: int, before: bytes) -> None:
    packet = before + clock_message("h264", clock_ns) + b"\0\0\0\1\x65" + bytes(40)
    assert find_clock(packet) == clock_ns


@given(data=st.binary(max_size=200))
def test_other_packets_have_none(data: bytes) -> None:
    assert find_clock(data) is None
    read_adts(data)


def test_a_header_of_sound() -> None:
    header = read_adts(bytes((0xFF, 0xF1, 0x4C, 0x80, 0x2E, 0x7F, 0xFC)))
    assert header
    assert (header.size, header.extradata) == (7, b"\x11\x90")  # AAC LC, 48 kHz, stereo
    assert read_adts(b"\xff\xf1\x4c\x80") is None


def clip(path: Path, options: dict[str, str] | None = None, *, clocks: bool = False) -> Path:
    """Write 12 numbered pictures, with the wall clock in each where asked for."""
    with av.open(str(path), "w", format="mpegts") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = {"preset": "ultrafast", "threads": "1", **(options or {})}

        def mux(packets: list[av.Packet[Any]]) -> None:
            for packet in packets:
                sent = packet
                if clocks:
                    sent = av.Packet(clock_message("h264", time.time_ns()) + bytes(packet))
                    sent.pts, sent.dts, sent.stream = packet.pts, packet.dts, stream
                    sent.time_base, sent.is_keyframe = packet.time_base, packet.is_keyframe
                output.mux(sent)

        for number in range(12):
            image = image_of(number, (160, 96), "h264")
            image.pts, image.time_base = number, Fraction(1, 25)
            mux(stream.encode(image))
        mux(stream.encode(None))
    return path


@pytest.mark.parametrize("options", [{"bf": "3", "preset": "fast"}, INTERLACED])
def test_no_picture_is_lost_between_packet_and_frame(
    options: dict[str, str], tmp_path: Path
) -> None:
    with receiving(str(clip(tmp_path / "clip.ts", options))) as recorder:
        recorder.wait_state("ended")
    assert recorder.numbers == list(range(12))
    assert [frame.pts for frame in recorder.frames] == [3600 * n for n in range(12)]
    assert all(frame.arrived_s > 0 for frame in recorder.frames)
    assert recorder.formats[0].video.interlaced == ("flags" in options)


def test_the_age_of_a_frame_since_its_sender(tmp_path: Path) -> None:
    with receiving(str(clip(tmp_path / "clip.ts", clocks=True))) as recorder:
        recorder.wait_state("ended")
    sent = [frame.sent_s for frame in recorder.frames]
    assert all(moment and 0 <= time.time() - moment < 60 for moment in sent)


def test_a_playlist_cannot_name_files_of_ours(tmp_path: Path) -> None:
    secret = write_clip(tmp_path / "secret.ts", frames=5)
    playlist = tmp_path / "list.m3u8"
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", str(secret), "#EXT-X-ENDLIST", ""]
    playlist.write_text("\n".join(lines))
    script = tmp_path / "list.ffconcat"
    script.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    for path in (playlist, script):
        with receiving(str(path)) as recorder:
            recorder.wait_state("failed")
        assert not recorder.frames


def test_a_device_that_is_not_there_is_waited_for() -> None:
    with receiving("v4l2:/dev/video99") as recorder:
        recorder.wait_state("waiting")
    assert "No such file" in recorder.failures[0].text


def test_errors_are_told_without_the_address() -> None:
    url = "rtsp://viewer:hunter2@127.0.0.1/cam"
    assert "hunter2" not in str(Locator.of(url))
    error = av.error.HTTPUnauthorizedError(1, "Server returned 401 Unauthorized", url)
    failure = failure_of(error, opening=True)
    assert (failure.reason, failure.permanent) == ("auth", True)
    assert "hunter2" not in failure.text
    for other in (ConnectionRefusedError(111, "Connection refused", url), ValueError(url)):
        assert "hunter2" not in failure_of(other, opening=True).text
