"""Sources that are objects of a store: the frames of the file, at any place, or a named fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vidsr
from tests.makers.clips import Tone, make_clip
from tests.video.addresses.reading import Frames, frames_of
from vidsr.errors import InputError, OptionError
from vidsr.notes import Notes
from vidsr.run.records.source_facts import source_facts
from vidsr.video.locator import Locator
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.source_kinds import open_source
from vidsr.video.stores import object_file
from vidsr.video.stores.object_file import ObjectFile
from vidsr.video.stores.object_store import ObjectStore, StorePatience

HURRIED = StorePatience(answer_s=1.0, tries=3, pause_s=0.0)


@pytest.fixture
def memory() -> Iterator[Any]:
    """Yield fsspec's store in this process, empty."""
    fsspec = pytest.importorskip("fsspec", reason="needs pip install fsspec")
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def read_from(locator: Locator, start_s: float | None) -> Frames:
    source = open_source(locator, SourceRequest(start_s=start_s), Notes())
    assert isinstance(source, FileSource)
    return frames_of(source)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_frames_are_those_of_the_file(suffix: str, tmp_path: Path, memory: Any) -> None:
    clip = tmp_path / f"clip{suffix}"
    make_clip(clip, size=(32, 24), frames=30, gop=6, audio=Tone())
    memory.pipe_file(f"/films/{clip.name}", clip.read_bytes())
    there = Locator.of(f"memory://films/{clip.name}")
    for start_s in (None, 0.4, 0.88):
        assert read_from(there, start_s) == read_from(Locator.of(clip), start_s)


def test_a_run_reads_an_object(tmp_path: Path, memory: Any) -> None:
    clip = tmp_path / "clip.mp4"
    make_clip(clip, size=(32, 24), frames=6, audio=Tone())
    memory.pipe_file("/films/clip.mp4", clip.read_bytes())
    made: list[bytes] = []
    for source in (str(clip), "memory://films/clip.mp4"):
        target = tmp_path / f"{len(made)}.mkv"
        vidsr.upscale(source, target, model="lite-fast-x2", piece_frames=3)
        made.append(target.read_bytes())
    assert made[0] == made[1]


def test_what_is_no_film(tmp_path: Path, memory: Any) -> None:
    memory.pipe_file("/films/list.mp4", b"#EXTM3U\n/etc/passwd\n")
    memory.pipe_file("/films/empty.mp4", b"")
    memory.pipe_file("/films/text.mp4", b"words" * 100)
    for name, said in (
        ("list", "is a playlist"),
        ("empty", "is empty"),
        ("text", "cannot be opened"),
        ("none", "no such object"),
    ):
        with pytest.raises(InputError, match=said):
            open_source(Locator.of(f"memory://films/{name}.mp4"), SourceRequest(), Notes())
    with pytest.raises(InputError, match="is a folder"):
        open_source(Locator.of("memory://films"), SourceRequest(), Notes())
    with pytest.raises(OptionError, match="holds credentials"):
        ObjectFile(Locator.of("s3://key:word@films/a.mp4"))


def test_a_store_that_goes_away_in_the_middle(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 64
    memory.pipe_file("/films/a.bin", data)
    file = ObjectFile(Locator.of("memory://films/a.bin"), HURRIED)
    opened, failing = file._files.open, [2]

    def open_or_fail(*words: Any, **options: Any) -> Any:
        if failing[0]:
            failing[0] -= 1
            raise ConnectionResetError
        return opened(*words, **options)

    monkeypatch.setattr(file._files, "open", open_or_fail)
    assert file.read(100) == data[:100]  # mended
    file.seek(-10, 2)
    assert file.read() == data[-10:]
    assert file.read(1) == b""
    failing[0] = 99
    file._drop()
    file.seek(0)
    assert file.read(1) == b""
    assert "the store cannot be reached" in str(file.error)


def test_a_store_that_does_not_answer(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    over = threading.Event()
    store = ObjectStore(Locator.of("memory://films"), HURRIED)
    monkeypatch.setattr(store._files, "pipe_file", lambda *_, **__: over.wait(60))
    with pytest.raises(vidsr.OutputError, match=r"the store cannot be reached\. Hint"):
        store.write("a", b"")
    over.set()


def test_facts_follow_the_object(memory: Any) -> None:
    memory.pipe_file("/films/a.mp4", b"a" * 100_000)
    before = source_facts(Locator.of("memory://films/a.mp4"))
    assert source_facts(Locator.of("memory://films/a.mp4")) == before
    memory.pipe_file("/films/a.mp4", b"a" * 99_999 + b"b")
    after = source_facts(Locator.of("memory://films/a.mp4"))
    assert after["source size"] == before["source size"]
    assert after["source content"] != before["source content"]


def test_blocks_are_read_once(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_file, "BLOCK_BYTES", 1000)
    memory.pipe_file("/films/a.bin", bytes(5000))
    file = ObjectFile(Locator.of("memory://films/a.bin"))
    for place in (0, 4000, 10, 4010):  # sound and pictures far apart
        file.seek(place)
        assert len(file.read(10)) == 10
    file.close()
    assert file.read(1) == b""
