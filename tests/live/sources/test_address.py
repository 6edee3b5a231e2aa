"""Addresses of live sources: what is understood, what is refused with a hint, what is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidsr.errors import NoInputError, OptionError
from vidsr.live.base.options import ReconnectOptions, SourceOptions
from vidsr.live.sources.opening.address import parse_address
from vidsr.live.sources.opening.tuning import opening_of
from vidsr.live.sources.source import open_live_source

SECRETS = "rtsp://user:hunter2@127.0.0.1/cam", "srt://127.0.0.1:9?passphrase=hunter2&latency=9"


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        ("rtsp://host/cam", "rtsp", "rtsp://host/cam"),
        ("rtsps://host/cam", "rtsp", "rtsps://host/cam"),
        ("rtmp://host/live/cam", "rtmp", "rtmp://host/live/cam"),
        ("udp://239.0.0.1:1234", "udp", "udp://239.0.0.1:1234"),
        ("tcp://host:1", "tcp", "tcp://host:1"),
        ("srt://host:1?mode=caller", "srt", "srt://host:1?mode=caller"),
        ("https://host/a/live.m3u8?token=1", "hls", "https://host/a/live.m3u8?token=1"),
        ("http://host/live.ts", "http", "http://host/live.ts"),
        ("v4l2:/dev/video0", "v4l2", "/dev/video0"),
        ("-", "pipe", "-"),
        ("pipe:nut", "pipe", "-"),
        ("clip.mp4", "file", "clip.mp4"),
        ("file:///tmp/clip.mp4", "file", "/tmp/clip.mp4"),
    ],
)
def test_kinds(text: str, kind: str, url: str) -> None:
    address = parse_address(text)
    assert (address.kind, address.url, address.listen) == (kind, url, False)


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "tcp"])
def test_to_be_called(scheme: str) -> None:
    address = parse_address(f"{scheme}+listen://127.0.0.1:9/x")
    assert address.listen
    assert address.url == f"{scheme}://127.0.0.1:9/x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rtps://host/cam", "did you mean rtsp"),
        ("udp+listen://host:1", "kinds: rtsp://"),
        ("pipe:mkv", "pipe:nut"),
        ("rtsp://", "names no host"),
        ("v4l2:", "names no device"),
        ("s3://bucket/a.mp4", "kinds: rtsp://"),
        ("", "kinds: rtsp://"),
        ("udp://host", "port"),
        ("rtsp://user:hunter2@host:port/cam", "port of 1 to 65535"),
        ("http://host:70000/a.m3u8", "port of 1 to 65535"),
        ("tcp://host:99999", "port"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_live_source(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_hidden(text: str) -> None:
    address = parse_address(text)
    assert "hunter2" in address.url
    assert "hunter2" not in address.name + repr(address) + str(address)
    assert "hunter2" not in open_live_source(text).name


@pytest.mark.parametrize("address", ["rtps://user:hunter2@host/cam", "rtsp://u:x/hunter2@host/cam"])
def test_secrets_of_a_wrong_address_are_hidden(address: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_live_source(address)
    assert "hunter2" not in str(caught.value)
    assert ("%2F" in str(caught.value)) == ("/hunter2" in address)


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("pipe:raw", SourceOptions(), "size and pixel_format"),
        ("-", SourceOptions(format="raw", size=(4, 4)), "size and pixel_format"),
        ("-", SourceOptions(stall_s=0), "stall_s = 0"),
        ("-", SourceOptions(backlog_s=-1), "backlog_s = -1"),
        ("-", SourceOptions(size=(0, 4)), "size = (0, 4)"),
        ("-", SourceOptions(reconnect=ReconnectOptions(jitter=1)), "reconnect.jitter = 1"),
        ("-", SourceOptions(reconnect=ReconnectOptions(give_up_s=-1)), "give_up_s = -1"),
    ],
)
def test_options_are_checked_before_anything_is_opened(
    text: str, options: SourceOptions, told: str
) -> None:
    with pytest.raises(OptionError) as caught:
        open_live_source(text, options)
    assert told in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        open_live_source(str(tmp_path / "none.mp4"))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("rtsp://h/c", {"rtp", "udp", "tcp", "http"}),
        ("rtmp://h/c", {"rtmp", "tcp"}),
        ("http://h/c.m3u8", {"http", "tcp", "crypto"}),
        ("http://h/c.ts", {"http", "tcp"}),
        ("udp://h:1", {""}),
        ("-", {""}),
        ("clip.mp4", {"file"}),
    ],
)
def test_protocols_are_those_that_a_kind_needs(text: str, allowed: set[str]) -> None:
    options = opening_of(parse_address(text), SourceOptions()).options
    assert set(options["protocol_whitelist"].split(",")) == allowed


def test_a_device_is_asked_for_pictures() -> None:
    wanted = SourceOptions(size=(640, 480), pixel_format="yuyv422")
    opening = opening_of(parse_address("v4l2:/dev/video0"), wanted)
    assert (opening.url, opening.container) == ("/dev/video0", "v4l2")
    assert opening.options["video_size"] == "640x480"
