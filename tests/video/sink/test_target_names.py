"""Any name that a file system takes is a target: colons, 255 bytes, links; suffixes decide."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.makers.clips import Tone, decode, make_clip
from tests.makers.containers import enlarge
from vidsr.errors import OutputError
from vidsr.files import working_name, write_text
from vidsr.video.sink.target_file import Target

OLD = b"what was there before"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # FFmpeg does not recognise transport streams of 10 packets, as 32x32 pixels give.
    return make_clip(tmp_path_factory.mktemp("source") / "a.mp4", frames=3, size=(96, 64)).path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "out12:30.mp4",
        "2024-05-01T12:30:05.mkv",
        "file:x.mp4",
        "pipe:1.mp4",
        "concat:a|b.ts",
        "data:,x.mov",
        "C:x.webm",
        "::.mp4",
        "http:x.mkv",
        "-x.mp4",
        "tee:[f=null].mkv",
    ],
)
def test_a_relative_name_is_never_a_protocol(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    enlarge(clip, Path(name), drop_incompatible=True)
    assert names(tmp_path) == [name]
    assert len(decode(tmp_path / name)) == 3


@pytest.mark.parametrize("name", ["f:x/%03d.png", "cache:a/%d.jpg", "file:b/12:30-%02d.tif"])
def test_pictures_in_a_folder_with_a_colon(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / Path(name).parent
    folder.mkdir()
    enlarge(clip, Path(name))
    assert names(folder) == sorted(Path(name).name % number for number in (1, 2, 3))


@pytest.mark.parametrize(
    "name",
    ["n" * 246 + ".mp4", "n" * 251 + ".mkv", "ü" * 125 + ".webm", "日" * 83 + "x.mov", "n" * 252],
)
def test_a_name_of_up_to_255_bytes(clip: Path, tmp_path: Path, name: str) -> None:
    name = name if "." in name else name[:-1] + ".ts"
    assert len(os.fsencode(working_name(tmp_path / name).name)) <= 255
    enlarge(clip, tmp_path / name)
    assert names(tmp_path) == [name]
    assert len(decode(tmp_path / name)) == 3


def test_long_names_of_one_beginning_have_working_names_of_their_own() -> None:
    first, second = (working_name(Path("n" * 250 + ending)) for ending in ("1.mp4", "2.mp4"))
    assert first != second
    assert working_name(Path("n" * 250)).name == "n" * 250 + ".part"


def test_pictures_of_long_names(clip: Path, tmp_path: Path) -> None:
    enlarge(clip, tmp_path / ("n" * 248 + "%03d.png"))
    assert names(tmp_path) == [f"{'n' * 248}00{number}.png" for number in (1, 2, 3)]


@pytest.mark.parametrize("name", ["n" * 252 + ".mp4", "n" * 249 + "%03d.png", "日" * 84 + ".mkv"])
def test_a_name_beyond_255_bytes_is_refused_before_anything_is_loaded(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(OutputError, match="too long"):
        Target.of(tmp_path / name).check(tmp_path / "source.mp4", overwrite=False)


def test_the_file_behind_a_link_is_replaced(clip: Path, tmp_path: Path) -> None:
    there, link = tmp_path / "there", tmp_path / "b.mp4"
    there.mkdir()
    (there / "real.mp4").write_bytes(OLD)
    link.symlink_to(there / "real.mp4")
    with pytest.raises(OutputError, match="exists already"):
        enlarge(clip, link)
    assert (there / "real.mp4").read_bytes() == OLD
    enlarge(clip, link, overwrite=True)
    assert link.is_symlink()
    assert len(decode(there / "real.mp4")) == 3
    assert names(there) == ["real.mp4"]


@pytest.mark.parametrize("how", ["absolute", "relative", "chain", "other suffix"])
def test_a_dangling_link_is_written_through(clip: Path, tmp_path: Path, how: str) -> None:
    there, link = tmp_path / "there", tmp_path / "b.mp4"
    there.mkdir()
    behind = there / ("real.bin" if how == "other suffix" else "real.mp4")
    if how == "relative":
        link.symlink_to(Path("there", "real.mp4"))
    elif how == "chain":
        (tmp_path / "second").symlink_to(behind)
        link.symlink_to("second")
    else:
        link.symlink_to(behind)
    enlarge(clip, link)
    assert link.is_symlink()
    assert len(decode(behind)) == 3
    assert names(there) == [behind.name]


def test_links_that_lead_nowhere_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    with pytest.raises(OutputError, match=r"loop\.mp4: cannot be written"):
        Target.of(tmp_path / "loop.mp4").check(source, overwrite=True)
    (tmp_path / "far.mp4").symlink_to(tmp_path / "missing" / "real.mp4")
    with pytest.raises(OutputError, match="missing: no such folder"):
        Target.of(tmp_path / "far.mp4").check(source, overwrite=True)
    (tmp_path / "null.mkv").symlink_to("/dev/null")
    with pytest.raises(OutputError, match="a device or a pipe"):
        Target.of(tmp_path / "null.mkv").check(source, overwrite=True)
    os.mkfifo(tmp_path / "pipe.mkv")
    with pytest.raises(OutputError, match="a device or a pipe"):
        Target.of(tmp_path / "pipe.mkv").check(source, overwrite=True)


def test_a_link_to_the_source_is_refused(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "b.mp4").symlink_to(clip)
    with pytest.raises(OutputError, match="the source itself"):
        enlarge(clip, tmp_path / "b.mp4", overwrite=True)


def test_pictures_behind_links_are_replaced(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "real.png").write_bytes(OLD)
    (folder / "2.png").symlink_to("../real.png")
    enlarge(clip, folder / "%d.png", overwrite=True)
    assert names(folder) == ["1.png", "2.png", "3.png"]
    assert (folder / "2.png").is_symlink()
    assert len(decode(tmp_path / "real.png")) == 1


def test_texts_keep_links_and_long_names(tmp_path: Path) -> None:
    (tmp_path / "report.json").symlink_to("real.json")
    write_text(tmp_path / "report.json", "{}")
    assert (tmp_path / "real.json").read_text() == "{}"
    write_text(tmp_path / ("r" * 250 + ".json"), "{}")
    assert len(names(tmp_path)) == 3
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "loop", "{}")


@pytest.mark.parametrize("suffix", [".m2ts", ".mts", ".MTS", ".M2TS"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_cameras_and_discs_have_packets_of_192_bytes(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    source = make_clip(tmp_path / "a.ts", frames=5, audio=Tone(codec="ac3")).path
    target = tmp_path / f"b{suffix}"
    enlarge(source, target, codec=codec)
    data = target.read_bytes()
    assert len(data) % 192 == 0
    assert set(data[4::192]) == {0x47}
    assert len(decode(target)) == 5


def test_a_transport_stream_has_packets_of_188_bytes(clip: Path, tmp_path: Path) -> None:
    enlarge(clip, tmp_path / "b.ts")
    assert set((tmp_path / "b.ts").read_bytes()[::188]) == {0x47}


@pytest.mark.parametrize(
    ("suffix", "brand"),
    [(".mp4", b"isom"), (".m4v", b"M4V "), (".M4V", b"M4V "), (".mov", b"qt  ")],
)
def test_brands_follow_the_suffix(clip: Path, tmp_path: Path, suffix: str, brand: bytes) -> None:
    enlarge(clip, tmp_path / f"b{suffix}")
    assert (tmp_path / f"b{suffix}").read_bytes()[4:12] == b"ftyp" + brand
