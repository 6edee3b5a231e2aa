"""What is no file is refused before it is opened: a pipe would be waited for without end."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doubles.warm import command, run_warm
from tests.video.test_image_sequences import make_pictures
from vidsr.degradation.files import check_picture
from vidsr.errors import InputError
from vidsr.video.locator import Locator
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.presence import check_source


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)  # the whole path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


MADE: dict[str, Callable[[Path], None]] = {
    "pipe": make_pipe,
    "socket": make_socket,
    "device": make_device,
}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes and sockets with names")


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", ["a.mp4", "a.png", "no_suffix"])
def test_a_source_that_is_no_file_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    MADE[kind](path)
    (tmp_path / "link.mkv").symlink_to(path)
    for source in (path, tmp_path / "link.mkv"):
        for refuse in (lambda name: check_source(Locator.of(name)), FileSource):
            with pytest.raises(InputError) as error:
                refuse(source)
            assert error.value.message == f"{source}: expected a file, got a {kind}"
            assert error.value.hint == f"{kind}s are not read: name a file."


@pytest.mark.parametrize("kind", MADE)
def test_so_is_a_picture_of_a_sequence(tmp_path: Path, kind: str) -> None:
    pattern = make_pictures(tmp_path / "in", "png", count=3)
    path = tmp_path / "in" / "002.png"
    path.unlink()
    MADE[kind](path)
    with pytest.raises(InputError) as error:
        FileSource(pattern)
    assert error.value.message == f"{path}: expected a file, got a {kind}"


def test_so_is_a_picture_to_be_degraded(tmp_path: Path) -> None:
    make_pipe(tmp_path / "a.png")
    with pytest.raises(InputError, match="got a pipe"):
        check_picture(tmp_path / "a.png", tmp_path / "b.png", overwrite=False)


def test_the_command_ends_at_once(tmp_path: Path) -> None:
    make_socket(tmp_path / "a.mkv")
    words = [tmp_path / "a.mkv", "-o", tmp_path / "x.mp4"]
    done = run_warm(command("vidsr.cli"), words)
    assert done.returncode == 3
    assert "expected a file, got a socket" in done.stderr
    assert not (tmp_path / "x.mp4").exists()
