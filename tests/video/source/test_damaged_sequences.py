"""A picture that cannot be read or decoded ends a numbered sequence by name and leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from tests.makers.clips import decode
from tests.makers.containers import enlarge
from tests.video.test_image_sequences import make_pictures
from vidsr.cli import main
from vidsr.errors import InputError
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource

COUNT = 24  # more than any decoder here has threads
Harm = Callable[[Path], object]


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def other_kind(path: Path) -> None:
    suffix = "jpg" if path.suffix == ".png" else "png"
    make_pictures(path.parent / "other", suffix, count=1, pix_fmt=_format(suffix))
    path.write_bytes((path.parent / "other" / f"001.{suffix}").read_bytes())


# What is done to a picture, and what is said of it.
HARM: dict[str, tuple[Harm, str]] = {
    "empty": (lambda path: path.write_bytes(b""), "expected a picture, got an empty file"),
    "folder": (folder_instead, "expected a picture, got a folder"),
    "link": (link_to_nothing, "cannot be read: No such file or directory"),
    "header": (lambda path: path.write_bytes(path.read_bytes()[:20]), "got a damaged one"),
    "half": (lambda path: os.truncate(path, path.stat().st_size // 2), "got a damaged one"),
    "text": (lambda path: path.write_bytes(b"Page not found. " * 30), "got text"),
    "zeros": (lambda path: path.write_bytes(b"\0\xff" * 300), "got something else"),
    "only zeros": (lambda path: path.write_bytes(bytes(600)), "got a file of zeros"),
    "controls": (lambda path: path.write_bytes(b"\0\1" * 300), "got something else"),
    "other": (other_kind, "picture, got "),
}


def _format(suffix: str) -> str:
    return "yuvj420p" if suffix == "jpg" else "rgb24"


def harmed(folder: Path, suffix: str, harm: str, number: int) -> tuple[Path, Path]:
    """A sequence and its picture that was harmed."""
    pattern = make_pictures(folder / "in", suffix, count=COUNT, pix_fmt=_format(suffix))
    path = folder / "in" / f"{number:03}.{suffix}"
    HARM[harm][0](path)
    return pattern, path


@pytest.mark.parametrize("number", [1, 2, 11, COUNT])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
@pytest.mark.parametrize("harm", HARM)
def test_the_picture_is_named(tmp_path: Path, harm: str, suffix: str, number: int) -> None:
    pattern, path = harmed(tmp_path, suffix, harm, number)
    with pytest.raises(InputError) as error, FileSource(pattern) as source:
        list(source)
    assert str(error.value).startswith(f"{path}: ")
    assert HARM[harm][1] in error.value.message
    assert "renumber" in error.value.hint


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out/%03d.png"])
@pytest.mark.parametrize("harm", ["empty", "header", "text", "other"])
def test_the_command_ends_with_3_and_leaves_no_target(
    tmp_path: Path, harm: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern, path = harmed(tmp_path, "png", harm, 11)
    (tmp_path / "out").mkdir()
    words = [str(pattern), "-o", str(tmp_path / target), "--model", "lite-x2", "-q"]
    assert main(words) == 3
    assert f"error: {path}: " in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    assert not list((tmp_path / "out").iterdir())


def test_pictures_before_the_bad_one_come_out(tmp_path: Path) -> None:
    pattern, _ = harmed(tmp_path, "png", "header", 11)
    with FileSource(pattern) as source:
        items = iter(source)
        assert len(list(islice(items, 10))) == 10
        with pytest.raises(InputError):
            next(items)


def test_a_part_without_the_bad_picture_is_whole(tmp_path: Path) -> None:
    pattern, path = harmed(tmp_path, "png", "text", 11)
    enlarge(pattern, tmp_path / "a.mkv", duration=0.2)
    enlarge(pattern, tmp_path / "b.mkv", start=0.6, duration=0.2)
    assert [len(decode(tmp_path / name)) for name in ("a.mkv", "b.mkv")] == [5, 5]
    with pytest.raises(InputError) as error:
        enlarge(pattern, tmp_path / "c.mkv", start=0.2, duration=0.4)
    assert str(error.value).startswith(f"{path}: ")


def test_a_picture_that_vanishes_on_the_way_is_named(tmp_path: Path) -> None:
    pattern, path = harmed(tmp_path, "png", "text", COUNT)
    with FileSource(pattern) as source:
        items = iter(source)
        next(items)
        path.unlink()
        with pytest.raises(InputError) as error:
            list(items)
    assert str(error.value).startswith(f"{path}: cannot be read: ")


def test_a_picture_that_is_emptied_on_the_way_is_named(tmp_path: Path) -> None:
    pattern = make_pictures(tmp_path / "in", "png", count=300)  # FFmpeg reads some seconds ahead
    path = tmp_path / "in" / "300.png"
    with FileSource(pattern) as source:
        items = iter(source)
        next(items)
        path.write_bytes(b"")
        with pytest.raises(InputError, match="got an empty file") as error:
            list(items)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_picture_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    pattern = make_pictures(tmp_path / "in", "png", count=3)
    path = tmp_path / "in" / "002.png"
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied") as error:
        FileSource(pattern)
    assert str(error.value).startswith(f"{path}: ")


def test_permission_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for those who may read everything."""
    pattern = make_pictures(tmp_path / "in", "png", count=3)
    path = tmp_path / "in" / "002.png"
    monkeypatch.setattr("vidsr.video.source.presence.os.access", lambda asked, _: asked != path)
    with pytest.raises(InputError, match="cannot be read: Permission denied") as error:
        FileSource(pattern)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
def test_a_sequence_that_is_whole_is_read_whole(tmp_path: Path, suffix: str) -> None:
    pattern = make_pictures(tmp_path / "in", suffix, count=COUNT, pix_fmt=_format(suffix))
    with FileSource(pattern) as source:
        assert sum(isinstance(item, Frame) for item in source) == COUNT
