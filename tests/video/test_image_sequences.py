"""Numbered pictures and single ones, in and out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.makers.clips import decode, make_clip, picture, seconds
from tests.makers.containers import enlarge
from vidsr.errors import OptionError, OutputError
from vidsr.video.image_sequences import numbered_files
from vidsr.video.locator import Locator
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.presence import check_source


def make_pictures(
    folder: Path, suffix: str, *, first: int = 1, count: int = 3, pix_fmt: str = "rgb24"
) -> Path:
    """``folder/%03d.suffix``, 32x24."""
    folder.mkdir(exist_ok=True)
    codec = {"png": "png", "jpg": "mjpeg", "tiff": "tiff"}[suffix]
    native = pix_fmt.replace("be", "le")  # what clips can draw
    pictures = [picture(32, 24, native, index=n).reformat(format=pix_fmt) for n in range(count)]
    make_clip(
        folder / f"%03d.{suffix}",
        pictures=pictures,
        codec=codec,
        container="image2",
        container_options={"start_number": str(first)},
    )
    return folder / f"%03d.{suffix}"


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(
    ("suffix", "pix_fmt", "expected"),
    [
        ("png", "rgb24", "rgb24"),
        ("png", "rgb48be", "rgb48be"),
        ("png", "gray", "gray"),
        ("png", "gray16be", "gray16be"),
        ("jpg", "yuvj420p", "yuvj420p"),
        ("jpg", "yuvj444p", "yuvj444p"),
        ("tiff", "rgb24", "rgb24"),
        ("tiff", "rgb48le", "rgb48le"),
        ("tiff", "gray", "gray"),
    ],
)
def test_numbers_and_depth_are_kept(
    tmp_path: Path, suffix: str, pix_fmt: str, expected: str
) -> None:
    source = make_pictures(tmp_path / "in", suffix, first=7, pix_fmt=pix_fmt)
    (tmp_path / "out").mkdir()
    report = enlarge(source, tmp_path / "out" / f"%03d.{suffix}")
    assert names(tmp_path / "out") == [f"{n:03}.{suffix}" for n in (7, 8, 9)]
    assert report.frames == 3
    for path in (tmp_path / "out").iterdir():
        (image,) = decode(path)
        assert (image.width, image.height, image.format.name) == (64, 48, expected)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
def test_a_video_becomes_pictures(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=5)
    (tmp_path / "out").mkdir()
    enlarge(source.path, tmp_path / "out" / f"f_%d.{suffix}")
    assert names(tmp_path / "out") == [f"f_{n}.{suffix}" for n in range(1, 6)]


def test_pictures_become_a_video_at_the_rate_asked_for(tmp_path: Path) -> None:
    source = make_pictures(tmp_path / "in", "png", count=4)
    enlarge(source, tmp_path / "b.mp4", framerate=Fraction(30000, 1001))
    images = decode(tmp_path / "b.mp4")
    assert [seconds(i) for i in images] == [n * Fraction(1001, 30000) for n in range(4)]
    enlarge(source, tmp_path / "c.mp4")
    assert [seconds(i) for i in decode(tmp_path / "c.mp4")] == [Fraction(n, 25) for n in range(4)]


@pytest.mark.parametrize(("before", "after"), [("png", "png"), ("jpg", "png"), ("png", "jpg")])
def test_a_single_picture_becomes_a_single_picture(tmp_path: Path, before: str, after: str) -> None:
    pix_fmt = "yuvj420p" if before == "jpg" else "rgb24"
    make_pictures(tmp_path / "in", before, count=1, pix_fmt=pix_fmt)
    enlarge(tmp_path / "in" / f"001.{before}", tmp_path / f"b.{after}")
    (image,) = decode(tmp_path / f"b.{after}")
    assert (image.width, image.height) == (64, 48)
    assert names(tmp_path) == [f"b.{after}", "in"]


def test_a_single_picture_cannot_hold_a_video(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=3)
    with pytest.raises(OutputError, match="cannot hold 3 frames") as error:
        enlarge(source.path, tmp_path / "b.png")
    assert "%05d" in error.value.hint
    assert names(tmp_path) == ["a.mp4"]


def test_pictures_are_replaced_only_on_demand_and_older_ones_left_alone(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=2)
    target = tmp_path / "f%d.png"
    for number in (2, 3, 4):
        (tmp_path / f"f{number}.png").write_bytes(b"old")
    (tmp_path / "f007.png").write_bytes(b"not of this sequence")
    with pytest.raises(OutputError, match="exists already"):
        enlarge(source.path, target)
    report = enlarge(source.path, target, overwrite=True)
    assert any(note.startswith("2 older pictures") for note in report.notes)
    assert len(decode(tmp_path / "f2.png")) == 1
    for name, data in (("f3.png", b"old"), ("f4.png", b"old"), ("f007.png", b"not of this")):
        assert (tmp_path / name).read_bytes().startswith(data)
    assert names(tmp_path) == ["a.mp4", "f007.png", *(f"f{n}.png" for n in (1, 2, 3, 4))]


def test_a_sequence_is_never_written_over_itself(tmp_path: Path) -> None:
    source = make_pictures(tmp_path / "in", "png")
    before = [p.read_bytes() for p in sorted((tmp_path / "in").iterdir())]
    for target in (source, tmp_path / "in" / "002.png"):
        with pytest.raises(OutputError, match="is the source itself"):
            enlarge(source, target, overwrite=True)
    assert [p.read_bytes() for p in sorted((tmp_path / "in").iterdir())] == before


def test_a_failed_sequence_leaves_the_old_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=3)
    (tmp_path / "f1.png").write_bytes(b"old")
    stale = tmp_path / "fd.png.part"
    stale.mkdir()
    (stale / "f9.png").write_bytes(b"of a killed run")
    with monkeypatch.context() as patch:
        patch.setattr(
            "vidsr.video.sink.encoder_images.to_image",
            lambda _: (_ for _ in ()).throw(OSError("x")),
        )
        with pytest.raises(OSError, match="x"):
            enlarge(source.path, tmp_path / "f%d.png", overwrite=True)
    assert names(tmp_path) == ["a.mp4", "f1.png"]
    assert (tmp_path / "f1.png").read_bytes() == b"old"
    enlarge(source.path, tmp_path / "f%d.png", overwrite=True)
    assert names(tmp_path) == ["a.mp4", "f1.png", "f2.png", "f3.png"]


@pytest.mark.parametrize("name", ["100%/f%02d.png", "100%/b.png", "%d/f%02d.png"])
def test_percent_signs_in_folders(tmp_path: Path, name: str) -> None:
    frames = 1 if name.endswith("b.png") else 2
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=frames)
    (tmp_path / name).parent.mkdir()
    enlarge(source.path, tmp_path / name)
    assert len(names((tmp_path / name).parent)) == frames


def test_a_picture_with_the_wrong_codec_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=1)
    with pytest.raises(OptionError, match=r"\.jpg pictures are jpeg"):
        enlarge(source.path, tmp_path / "b.jpg", codec="png")
    with av.open(str(enlarge(source.path, tmp_path / "c.jpg", codec="jpeg").target)) as file:
        assert file.streams.video[0].codec_context.name == "mjpeg"


@pytest.mark.parametrize("name", ["a.png", "no folder/a.png", "a%s.png"])
def test_a_sequence_without_a_numbers_place_is_a_wrong_option(tmp_path: Path, name: str) -> None:
    """Such a locator comes from a record edited by hand."""
    locator = Locator("sequence", str(tmp_path / name))
    for refuse in (check_source, FileSource):
        with pytest.raises(OptionError, match="a name without a number's place") as error:
            refuse(locator)
        assert "%05d" in error.value.hint
    with pytest.raises(OptionError):
        numbered_files(locator.path)
