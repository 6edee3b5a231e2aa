"""Inputs of a batch: files, folders, patterns and lists, with any name that a file may have."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from vidsr.batch.inputs import find_inputs
from vidsr.batch.items import Item, plan_items
from vidsr.batch.list_files import names_in
from vidsr.batch.media_files import begins_as_media
from vidsr.batch.name_pattern import NamePattern
from vidsr.errors import InputError, NoInputError, OptionError
from vidsr.picture.size import Size
from vidsr.run.options import RunOptions
from vidsr.video.locator import Locator

ODD = ("a b.mkv", "100%.mkv", "a%05d.mkv", "-dash.mkv", "12:30.mkv", "[1].mkv", "{x}.mkv", "ü.mkv")


def write(folder: Path, *names: str, content: bytes = b"nothing") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def found(*names: Path | str, leave_out: Path | None = None) -> list[str]:
    return [each.source.text for each in find_inputs(names, leave_out)]


def planned(*names: Path | str, to: Path, name: str | None = None) -> dict[str, str]:
    pattern = NamePattern.of(name, RunOptions())
    items = plan_items(find_inputs(names, to), to, pattern)
    return {Path(i.source.text).name: os.path.relpath(i.target.text, to) for i in items}


def test_a_folder_gives_videos_and_pictures_below_it(tmp_path: Path) -> None:
    write(tmp_path, "b/e10.mkv", "b/e2.MP4", "a.png", "notes.txt", "song.mp3", "e.srt")
    write(tmp_path, ".hidden.mkv", ".git/a.mkv", "a.mkv.part", "c.mkv.vidsr-job/1.mkv")
    write(tmp_path, "late.mkv.crdownload")
    write(tmp_path, "code.ts", content=b"export const a = 1;\n" * 50)
    write(tmp_path, "real.ts", content=(b"\x47" + bytes(187)) * 6)
    write(tmp_path, "noname", content=b"\x1a\x45\xdf\xa3" + bytes(50))
    names = [os.path.relpath(name, tmp_path) for name in found(tmp_path)]
    assert names == ["a.png", "b/e2.MP4", "b/e10.mkv", "noname", "real.ts"]


@pytest.mark.parametrize(
    ("head", "media"),
    [
        (b"\0\0\0\x18ftypmp42", True),
        (b"RIFF\0\0\0\0AVI LIST", True),
        (b"RIFF\0\0\0\0WAVEfmt ", False),
        (b"OggS" + bytes(30) + b"theora", True),
        (b"OggS" + bytes(30) + b"vorbis", False),
        ((b"\0\0\0\0\x47" + bytes(187)) * 5, True),
        (b"plain text", False),
        (b"", False),
    ],
)
def test_first_bytes(head: bytes, media: bool) -> None:
    assert begins_as_media(head) == media


@pytest.mark.parametrize("name", ODD)
def test_odd_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in", name)
    stem = Path(name).stem
    assert planned(tmp_path / "in", to=tmp_path / "out") == {name: f"{stem}_4x.mkv"}
    monkeypatch.chdir(tmp_path / "in")
    assert planned(f"./{name}", to=tmp_path / "out") == {name: f"{stem}_4x.mkv"}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mkv")
    write(tmp_path / "in", name)
    listed = tmp_path / "list"
    listed.write_bytes(os.fsencode(tmp_path) + b"/in/caf\xe9.mkv\n")
    for given in (tmp_path / "in", f"@{listed}"):
        targets = planned(given, to=tmp_path / "out")
        assert targets == {name: os.fsdecode(b"caf\xe9_4x.mkv")}


def test_links(tmp_path: Path) -> None:
    write(tmp_path, "real/a.mkv", "in/b.mkv")
    (tmp_path / "in" / "link.mkv").symlink_to(tmp_path / "real" / "a.mkv")
    (tmp_path / "in" / "broken.mkv").symlink_to(tmp_path / "absent.mkv")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    (tmp_path / "way").symlink_to(tmp_path / "real")
    assert [Path(n).name for n in found(tmp_path / "in")] == ["b.mkv", "link.mkv"]
    assert [Path(n).name for n in found(tmp_path / "way")] == ["a.mkv"]


def test_a_pattern_keeps_the_folders_behind_its_fixed_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "clips/a.mov", "clips/s1/b.mov", "clips/s1/c.mkv", "clips/.d.mov")
    monkeypatch.chdir(tmp_path)
    assert planned("clips/*.mov", to=Path("out")) == {"a.mov": "a_4x.mov"}
    assert planned("clips/**/*.mov", to=Path("out")) == {
        "a.mov": "a_4x.mov",
        "b.mov": "s1/b_4x.mov",
    }
    with pytest.raises(NoInputError, match="no file has a name like this"):
        found("clips/*.avi")


def test_any_depth_enters_no_links_and_nothing_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "in/a.mkv", "in/s1/b.mkv", "in/s1/.old/c.mkv", "in/a.mkv.vidsr-job/d.mkv")
    (tmp_path / "in" / "s1" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "s1" / "up2").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    both = ["in/a.mkv", "in/s1/b.mkv"]
    assert [found(text) for text in ("in/**/*.mkv", "**/**/?.mkv", "in/**")] == [both] * 3
    assert found("in/*/*/a.mkv") == ["in/s1/up/a.mkv"]
    assert found("in/**/.old/*") == ["in/s1/.old/c.mkv"]
    assert found("in/**/**b.mkv") == ["in/s1/b.mkv"]


def test_a_list_has_blanks_and_comments(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes(b"\xef\xbb\xbfa b.mkv\r\n\n   \n# a comment\n  # another\n./#1.mkv\n-x.mkv")
    assert names_in(listed) == ["a b.mkv", "./#1.mkv", "-x.mkv"]
    listed.write_bytes(b"a\nb.mkv\0# c.mkv\0")
    assert names_in(listed) == ["a\nb.mkv", "# c.mkv"]


def test_a_list_names_files_folders_and_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.mkv", "f/b.mkv", "c1.mov", "c2.mov", "@d.mkv")
    (tmp_path / "list.txt").write_text("f\nc*.mov\na.mkv\n@d.mkv\na.mkv\n")
    monkeypatch.chdir(tmp_path)
    assert found("@list.txt") == ["f/b.mkv", "c1.mov", "c2.mov", "a.mkv", "@d.mkv"]
    (tmp_path / "outer.txt").write_text("@list.txt\n")
    with pytest.raises(InputError, match="names another list"):
        found("@outer.txt")
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="no names"):
        found("@none.txt")


def test_the_same_file_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path, "a.mkv", "b.mkv")
    names = found(tmp_path / "a.mkv", tmp_path, f"{tmp_path}/./a.mkv")
    assert [Path(n).name for n in names] == ["a.mkv", "b.mkv"]


def test_earlier_targets_are_no_inputs(tmp_path: Path) -> None:
    write(tmp_path, "a.mkv", "a_4x.mkv", "a_4x_4x.mkv", "out/a_4x.mkv")
    assert planned(tmp_path, to=tmp_path / "out").keys() == {"a.mkv", "a_4x.mkv", "a_4x_4x.mkv"}
    write(tmp_path / "in", "a.mkv", "a_4x.mkv", "a_4x_4x.mkv")
    assert planned(tmp_path / "in", to=tmp_path / "in") == {"a.mkv": "a_4x.mkv"}


def test_two_inputs_with_one_target_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "s1/a.mkv", "s2/a.mkv", "a.flv", "a.wmv")
    with pytest.raises(OptionError, match=r"have one target.*Hint: .*\{parent\}"):
        planned(tmp_path / "s1", tmp_path / "s2", to=tmp_path / "out")
    with pytest.raises(OptionError, match="have one target"):
        planned(tmp_path / "a.flv", tmp_path / "a.wmv", to=tmp_path / "out")
    found_names = find_inputs([tmp_path / "s1", tmp_path / "s2"])
    pattern = NamePattern.of("{parent}_{stem}{suffix}", RunOptions())
    items = plan_items(found_names, tmp_path / "out", pattern)
    assert [i.target.path.name for i in items] == ["s1_a.mkv", "s2_a.mkv"]


def test_a_target_that_is_an_input_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.mkv", "a_4x.mkv")
    with pytest.raises(OptionError, match="and an input as well"):
        planned(tmp_path / "a.mkv", tmp_path / "a_4x.mkv", to=tmp_path)


@pytest.mark.parametrize(
    ("options", "text", "name"),
    [
        (RunOptions(), None, "clip_4x.mkv"),
        (RunOptions(scale=2), None, "clip_2x.mkv"),
        (RunOptions(height=1080), None, "clip_1080p.mkv"),
        (RunOptions(size=Size(640, 480)), None, "clip_640x480.mkv"),
        (RunOptions(model="lite-x2"), None, "clip_2x.mkv"),
        (RunOptions(), "{{{stem}}}.mp4", "{clip}.mp4"),
        (RunOptions(), "{parent}/{stem}{suffix}", "folder/clip.mkv"),
    ],
)
def test_names_of_targets(options: RunOptions, text: str | None, name: str) -> None:
    pattern = NamePattern.of(text, options)
    assert pattern.name_of(Locator.of("folder/clip.wmv")) == name


@pytest.mark.parametrize("text", ["{stemm}.mkv", "{height}.mkv", "../a.mkv", "/a.mkv", " ", "{}"])
def test_patterns_that_are_wrong(text: str) -> None:
    with pytest.raises(OptionError, match="name = "):
        NamePattern.of(text, RunOptions())


def test_a_sequence_stays_one(tmp_path: Path) -> None:
    write(tmp_path, "%05d.mkv", "frames/00001.png")
    items: list[Item] = plan_items(
        find_inputs([tmp_path / "%05d.mkv", tmp_path / "frames" / "%05d.png"]),
        tmp_path / "out",
        NamePattern.of(None, RunOptions()),
    )
    assert [i.target.kind for i in items] == ["file", "sequence"]
    assert items[1].target.path.name == "%05d_4x.png"
