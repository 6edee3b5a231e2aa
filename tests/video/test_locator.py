"""Names are parsed once, and no secret of one is printed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from vidsr.errors import NoInputError, OptionError, OutputError
from vidsr.video.locator import Kind, Locator
from vidsr.video.sink.target_file import Target
from vidsr.video.source.file_source import FileSource

KINDS: list[tuple[str, Kind, str]] = [
    ("a.MKV", "file", ".mkv"),
    ("folder/12:30.mp4", "file", ".mp4"),
    ("C:/clip.mp4", "file", ".mp4"),
    ("a:/clip.mp4", "file", ".mp4"),
    ("no suffix", "file", ""),
    ("f/%05d.png", "sequence", ".png"),
    ("50%.png", "file", ".png"),
    ("rtsp://camera/stream", "address", ""),
    ("https://host/a.mp4?start=3", "address", ".mp4"),
    ("RTMP://host/live/%d.flv", "address", ".flv"),
    ("s3://bucket/film.mkv", "object", ".mkv"),
    ("gs://bucket/frames/%05d.png", "object", ".png"),
    ("-", "pipe", ""),
]


@pytest.mark.parametrize(("text", "kind", "suffix"), KINDS)
def test_kinds_and_suffixes(text: str, kind: Kind, suffix: str) -> None:
    locator = Locator.of(text)
    assert (locator.kind, locator.suffix) == (kind, suffix)
    assert str(locator) == text
    assert Locator.of(locator) is locator
    assert Locator.of(Path(text)) == locator  # though a path has lost a stroke of an address
    assert pickle.loads(pickle.dumps(locator)) == locator


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:/tmp/x.mkv", "/tmp/x.mkv"),
        ("FILE:/tmp/x.mkv", "/tmp/x.mkv"),
        ("file:///tmp/x.mkv", "/tmp/x.mkv"),
        ("file:////tmp/x.mkv", "/tmp/x.mkv"),
        ("file:///tmp/file:/x.mkv", "/tmp/file:/x.mkv"),
        ("file:x.mkv", "file:x.mkv"),
        ("file:folder/x.mkv", "file:folder/x.mkv"),
    ],
)
def test_file_may_stand_before_an_absolute_path(text: str, path: str) -> None:
    locator = Locator.of(text)
    assert (locator.kind, str(locator), locator.path) == ("file", path, Path(path))
    assert Locator.of(Path(text)) == Locator.of(locator.text) == locator


def test_a_file_of_a_host_is_an_address() -> None:
    assert Locator.of("file://localhost/tmp/x.mkv") == Locator.of("/tmp/x.mkv")
    elsewhere = Locator.of("file://host/x.mkv")
    assert (elsewhere.kind, str(elsewhere)) == ("address", "file://host/x.mkv")
    assert Locator.of("file:/tmp/%03d.png").kind == "sequence"


def test_a_name_with_a_number_is_a_file_where_such_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "a%03d.png").touch()
    assert Locator.of(tmp_path / "a%03d.png").kind == "file"
    assert Locator.of(tmp_path / "b%03d.png").kind == "sequence"
    assert Locator.of("%d" + 300 * "x" + ".png").kind == "sequence"  # no file system takes it


@pytest.mark.parametrize(
    ("text", "exist", "seek"),
    [
        *(("a.mp4", True, True), ("%d.png", True, True), ("s3://b/a.mp4", True, True)),
        *(("https://h/a.mp4", False, True), ("udp://h:1", False, False), ("-", False, False)),
    ],
)
def test_what_may_be_asked(text: str, exist: bool, seek: bool) -> None:
    locator = Locator.of(text)
    assert (locator.may_exist, locator.may_seek) == (exist, seek)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:pw@host:554/a", "rtsp://***@host:554/a"),
        ("rtmp://host/live/pw", "rtmp://host/live/***"),
        ("rtmps://user:pw@host:443/live/a/pw?t=pw#pw", "rtmps://***@host:443/live/a/***"),
        ("rtmp+listen://0.0.0.0:1935/live/pw/", "rtmp+listen://0.0.0.0:1935/live/***"),
        ("rtmp://host/live", "rtmp://host/live"),
        ("rtsp://user:p@w@host/a", "rtsp://***@host/a"),
        ("rtsp://user:p/w@host/a", "rtsp://***@host/a"),
        ("rtsp://user@host/a", "rtsp://***@host/a"),
        ("http://host:80/@name/a", "http://host:80/@name/a"),
        ("s3://pw@bucket/a", "s3://***@bucket/a"),
        ("srt://h:9?mode=caller&passphrase=pw", "srt://h:9?mode=caller&passphrase=***"),
        ("https://h/a?X-Amz-Signature=pw&a=1", "https://h/a?X-Amz-Signature=***&a=1"),
        ("https://h/x#access_token=pw", "https://h/x#access_token=***"),
        ("https://h/x?a=1#b=1&access_token=pw", "https://h/x?a=1#b=***"),
        ("https://h/x#pw", "https://h/x#***"),
        ("srt://h:9?pwd=pw", "srt://h:9?pwd=***"),
        ("srt://h:9?pw=pw&mode=caller", "srt://h:9?pw=***&mode=caller"),
        ("srt://h:9?streamid=user,s=pw&mode=caller", "srt://h:9?streamid=***&mode=caller"),
        ("srt://h:9?streamid=#!::u=user,s=pw", "srt://h:9?streamid=***#!::u=***"),
        ("rtsp://user:12/34@h/x", "rtsp://***@h/x"),
        ("rtsp://user:12/3=4@h/x", "rtsp://***@h/x"),
        ("rtsp://user:12?34@h/x", "rtsp://***@h/x"),
        ("rtsp://user:p#w@h/x", "rtsp://***@h/x"),
        ("rtsp://user:p@w/p@h/x", "rtsp://***@h/x"),
        ("rtsp://user:p?w=1@h/x", "rtsp://***@h/x"),
        ("HTTP://U:pw@H", "HTTP://***@H"),
        ("https://h/a?proxy=http://user:pw@p", "https://h/a?proxy=http://***@p"),
        ("udp://@239.0.0.1", "udp://@239.0.0.1"),
        ("udp://@239.0.0.1:1234?fifo_size=5", "udp://@239.0.0.1:1234?fifo_size=5"),
        ("http://h:80/a?mail=a@b", "http://h:80/a?mail=a@b"),
        ("http://user:pw@h/a?mail=a@b", "http://***@h/a?mail=a@b"),
        ("https://h/a@2x.png", "https://h/a@2x.png"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_secrets_are_not_printed(text: str, shown: str) -> None:
    locator = Locator.of(text)
    assert locator.text == text
    assert str(locator) == shown
    assert repr(locator) == f"Locator('{locator.kind}', '{shown}')"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("HTTP://U:P@H", "***@H"), ("rtsp://user:12/34@h", "***@h")),
        *(("https://u:p@h/a.mkv?token=pw", "a.mkv"), ("https://h/a.mkv#pw", "a.mkv")),
        *(("udp://@239.0.0.1:1234", "@239.0.0.1:1234"), ("rtsp://u:p?w@h/a.mkv", "a.mkv")),
    ],
)
def test_the_last_part_holds_no_secret(text: str, name: str) -> None:
    assert Locator.of(text).name == name


def test_secrets_are_not_in_messages() -> None:
    with pytest.raises(NoInputError, match="no such file") as source:
        FileSource("rtsp://user:pw@host/a.mkv")
    assert source.value.hint == "addresses are not read: download the file first."
    target = Target.of("http://user:pw@host/a.mkv")
    with pytest.raises(OutputError, match="no such folder") as refused:
        target.check("b.mkv", overwrite=False)
    with pytest.raises(OptionError, match="suffix") as unknown:
        Target.of("http://user:pw@host/a.xyz")
    for error in (source, refused, unknown):
        assert "pw" not in str(error.value)


def test_a_pipe_is_refused_when_it_is_opened() -> None:
    with pytest.raises(NoInputError, match="pipes are not read"):
        FileSource("-")


def test_no_name_holds_a_nul_character() -> None:
    with pytest.raises(OptionError, match="NUL"):
        Locator.of("a\0b%d.png")


def test_parsing_loads_neither_pyav_nor_pytorch() -> None:
    program = (
        "import sys; from vidsr.video.locator import Locator; Locator.of('rtsp://a/b');"
        "assert not {'av', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
