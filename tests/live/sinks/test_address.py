"""Addresses of sinks: what each names, what is refused before anything is opened, no secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.live.sinks.feeding import Events, Feed
from vidsr.errors import OptionError
from vidsr.live.base.options import EncoderOptions
from vidsr.live.base.states import Failure
from vidsr.live.sinks.address import parse_sink
from vidsr.live.sinks.opening import open_live_sink
from vidsr.live.sinks.reports import SinkReports


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("rtsp://host/path", "network", "rtsp://host/path"),
        ("rtsp+udp://host:8554/path", "network", "rtsp://host:8554/path"),
        ("RTMP://host/live/name", "network", "RTMP://host/live/name"),
        ("srt://host:9000?latency=60", "network", "srt://host:9000?latency=60"),
        ("tcp://host:5000?listen=1", "network", "tcp://host:5000?listen=1"),
        ("udp://239.0.0.1:5000", "udp", "udp://239.0.0.1:5000"),
        ("hls:/var/www/cam", "hls", "/var/www/cam"),
        ("hls+ll:out", "hls", "out"),
        ("pipe:y4m", "pipe", ""),
        ("pipe:ts:/tmp/fifo", "pipe", "/tmp/fifo"),
        ("-", "pipe", ""),
        ("record:/var/%Y/%H.mkv", "record", "/var/%Y/%H.mkv"),
        ("record:/var/%Y/%H.ts?duration=1.5h", "record", "/var/%Y/%H.ts"),
    ],
)
def test_an_address(text: str, kind: str, target: str) -> None:
    address = parse_sink(text)
    assert (address.kind, address.target) == (kind, target)


def test_parts_of_an_address() -> None:
    assert parse_sink("-").format == "nut"
    assert parse_sink("record:a.mp4").duration_s == 600
    assert parse_sink("record:a.ts?duration=1.5h").duration_s == 5400
    assert parse_sink("record:a.ts?duration=90").duration_s == 90


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rstp://host/a", "did you mean rtsp"),
        ("out.mkv", "record:out.mkv writes files"),
        ("http://host/live", "expected the address of a sink"),
        ("rtsp:host/a", "expected rtsp:// and a host"),
        ("rtsp://host:99999/a", "a port of 1 to 65535"),
        ("udp://host", "expected a port"),
        ("rtmp://host/", "an application and a name"),
        ("hls:", "expected a folder"),
        ("pipe:nutt", "did you mean pipe:nut"),
        ("record:/var/cam.avi", "ends with .mkv, .ts, .mp4"),
        ("record:cam.ts?duration=0", "a duration above zero"),
    ],
)
def test_a_refusal(text: str, words: str) -> None:
    with pytest.raises(OptionError) as refusal:
        parse_sink(text)
    assert words in f"{refusal.value} {refusal.value.hint}"


def test_what_cannot_work_here_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for text in (f"hls:{file}", f"record:{file}/a.ts", f"pipe:nut:{file}", f"pipe:ts:{file}x"):
        with pytest.raises(OptionError):
            open_live_sink(text, events=Events())
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://me:s3cr3t!pw@127.0.0.1/cam",
        "rtsp+udp://me:s3cr3t!pw@127.0.0.1/cam",
        "rtmp://me:s3cr3t!pw@127.0.0.1/live/cam",
        "srt://127.0.0.1:9000?passphrase=s3cr3t!pw",
        "tcp://127.0.0.1:9000?token=s3cr3t!pw",
    ],
)
def test_no_secret_is_told(text: str) -> None:
    events = Events()
    sink = open_live_sink(text, events=events)
    assert "s3cr3t" not in sink.name
    address = parse_sink(text)
    assert "s3cr3t" not in repr(address)
    assert "s3cr3t!pw" in address.target
    reports = SinkReports(address.name, events, address.secrets)
    reports.enter("waiting", Failure("other", f"cannot open {address.target} with s3cr3t!pw\n"))
    (_, _, failure) = events.states[-1]
    assert failure is not None
    assert "s3cr3t" not in failure.text
    sink.close()


def test_a_refusal_tells_no_secret() -> None:
    with pytest.raises(OptionError) as refusal:
        parse_sink("rstp://me:s3cr3t!pw@host/cam")
    assert "s3cr3t" not in f"{refusal.value} {refusal.value.hint}"


@pytest.mark.parametrize(
    ("text", "codec", "carried"),
    [
        ("udp://127.0.0.1:5000", "av1", False),
        ("rtsp://host/cam", "av1", False),
        ("rtmp://host/live/cam", "av1", True),
        ("rtmp://host/live/cam", "mjpeg", False),
        ("hls:out", "av1", False),
        ("hls+ll:out", "av1", True),
        ("record:a.mkv", "mjpeg", True),
        ("pipe:ts", "hevc", True),
        ("pipe:y4m", "av1", True),
    ],
)
def test_video_that_a_sink_does_not_carry(text: str, codec: str, carried: bool) -> None:
    address = parse_sink(text)
    if carried:
        address.check_codec(codec)
        return
    with pytest.raises(OptionError, match=f"codec = '{codec}' for"):
        address.check_codec(codec)


def test_a_sink_that_cannot_carry_the_video_fails_and_says_why() -> None:
    feed = Feed("udp://127.0.0.1:5000", options=EncoderOptions(codec="av1"))
    feed.push(3)
    feed.close()
    name = feed.sinks[0].name
    assert feed.events.of(name) == ["failed"]
    assert [failure.permanent for failure in feed.events.failures(name)] == [True]
    assert feed.events.dropped[name] == 3
