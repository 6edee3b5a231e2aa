"""Names of sources and targets: bytes, addresses, the standard streams."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vidsr
from tests.makers.clips import decode, make_clip
from vidsr import OptionError, VidsrError, cli
from vidsr.degradation import cli as degrade
from vidsr.terminal.names import typed_name
from vidsr.video.locator import Locator


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_clip(tmp_path / "in.mkv", frames=3).path


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"b.mkv"


def test_bytes_are_paths(clip: Path) -> None:
    options: Any = {"model": "lite-x2", "device": "cpu", "codec": "ffv1"}
    vidsr.upscale(os.fsencode(clip), b"a.mkv", **options)
    vidsr.upscale(clip, BytesPath(), **options)
    assert len(decode(Path("a.mkv"))) == len(decode(Path("b.mkv"))) == 3


@pytest.mark.parametrize("wrong", [None, 3, ["in.mkv"], object()])
def test_other_types_are_refused(wrong: object, clip: Path) -> None:
    for pair in ((wrong, "a.mkv"), (clip, wrong)):
        with pytest.raises(OptionError, match="expected a path, got type"):
            vidsr.upscale(*pair)


@pytest.fixture
def no_input() -> Iterator[None]:
    """Have standard input end at once."""
    before, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    yield
    os.dup2(before, 0)
    os.close(before)
    os.close(nothing)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("-", "standard input: is empty"),
        ("http://127.0.0.1:1/a//b.mp4", "http://127.0.0.1:1/a//b.mp4: cannot be reached"),
        ("rtsp://u:pw@h/live", "rtsp://***@h/live: streams without an end are not read. Hint: v"),
        ("afp://h/a.mp4", "afp://h/a.mp4: afp addresses are not read. Hint: download"),
        ("file:///tmp/a.mp4", "file"),
    ],
)
@pytest.mark.parametrize("command", [cli, degrade])
def test_what_is_not_read(
    name: str,
    said: str,
    command: object,
    clip: Path,
    capsys: pytest.CaptureFixture[str],
    no_input: None,
) -> None:
    if command is degrade and not name.startswith("file"):  # which reads files alone
        said = "is not read" if name == "-" else "addresses are not read. Hint: download"
    assert command.main([name, "-o", "out.mkv"]) == 3  # type: ignore[attr-defined]
    assert said in capsys.readouterr().err
    with pytest.raises(VidsrError):
        vidsr.upscale(name, "out.mkv")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("srt://h:1/a", "srt://h:1/a: addresses are not written. Hint: name a file"),
        ("http://h/a.mp4", "http://h/a.mp4: addresses are not written. Hint: name a file"),
        ("rtmp://u:pw@h/live", "rtmp://***@h/live: addresses are not written. Hint: name a file"),
        ("gs://bucket/a.mkv", "gs://bucket/a.mkv: addresses are not written. Hint: name a file"),
    ],
)
def test_what_is_not_written(
    name: str, said: str, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([str(clip), "-o", name]) == 2
    assert said in capsys.readouterr().err
    assert sorted(os.listdir()) == ["in.mkv"]


@pytest.mark.parametrize("before", ["file:", "file://"])
def test_file_before_a_path_is_no_address(
    clip: Path, before: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = clip.with_name("out.mkv")
    options = ["--model", "lite-x2", "--device", "cpu", "--codec", "ffv1"]
    assert cli.main([f"{before}{clip}", "-o", f"{before}{target}", *options]) == 0
    assert len(decode(target)) == 3
    assert cli.main([f"{before}{clip}", "-o", f"{before}{target}", *options]) == 4
    assert f"{target}: exists already" in capsys.readouterr().err
    assert cli.main([f"{before}{clip}.mkv", "-o", "b.mkv"]) == 3
    assert f"{clip}.mkv: no such file" in capsys.readouterr().err


def test_a_file_named_as_a_stream_is_a_file(clip: Path) -> None:
    assert typed_name("./-") == Path.cwd() / "-"
    assert typed_name("-") == "-"
    assert typed_name("http://h//a") == "http://h//a"
    assert typed_name("frames/%05d.png") == Path("frames/%05d.png")
    assert Locator.of(typed_name("./-")).kind == "file"
