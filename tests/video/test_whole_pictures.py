"""Pictures cut short are refused by name; sound ones of every make are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.makers.clips import make_clip, picture
from vidsr.cli import main
from vidsr.errors import InputError
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource
from vidsr.video.still_images import read_picture

FORMATS = {"jpg": ("mjpeg", "yuvj420p"), "qoi": ("qoi", "rgb24")}


def encoded(suffix: str) -> bytes:
    """A picture of 160x120."""
    codec, pix_fmt = FORMATS[suffix]
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, pix_fmt
    if codec == "mjpeg":
        encoder.color_range = av.video.reformatter.ColorRange.JPEG
    frame = picture(160, 120, pix_fmt)
    return b"".join(bytes(p) for p in (*encoder.encode(frame), *encoder.encode(None)))


def count(name: Path) -> int:
    with FileSource(name) as source:
        return sum(isinstance(item, Frame) for item in source)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_sequence_names_the_picture_that_is_cut_short(
    tmp_path: Path, suffix: str, part: float
) -> None:
    data = encoded(suffix)
    for number in range(1, 6):
        (tmp_path / f"{number}.{suffix}").write_bytes(data)
    assert count(tmp_path / f"%d.{suffix}") == 5
    bad = tmp_path / f"3.{suffix}"
    bad.write_bytes(data[: int(part * len(data))])
    with pytest.raises(InputError, match="got a damaged one") as error:
        count(tmp_path / f"%d.{suffix}")
    assert str(error.value).startswith(f"{bad}: ")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_single_picture_that_is_cut_short_is_refused(
    tmp_path: Path, suffix: str, part: float, capsys: pytest.CaptureFixture[str]
) -> None:
    data = encoded(suffix)
    for name in (f"a.{suffix}", "no_suffix"):
        path = tmp_path / name
        path.write_bytes(data[: int(part * len(data))])
        with pytest.raises(InputError) as error:
            count(path)
        assert str(error.value).startswith(f"{path}: ")
    words = [str(tmp_path / f"a.{suffix}"), "-o", str(tmp_path / "o.png"), "--model", "lite-x2"]
    assert main([*words, "-q"]) == 3
    assert f"a.{suffix}: " in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()


SOUND: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "bytes after it": lambda data: data + b"written by a camera" * 20,
    "zeros after it": lambda data: data + bytes(512),
    "comment": lambda data: data[:2] + b"\xff\xfe\0\x06abcd" + data[2:],
    "Exif": lambda data: data[:2] + b"\xff\xe1\0\x10Exif\0\0MM\0*\0\0\0\x08" + data[2:],
    "without its end marker": lambda data: data.removesuffix(b"\xff\xd9"),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("make", SOUND)
def test_sound_pictures_are_read(tmp_path: Path, suffix: str, make: str) -> None:
    if suffix == "qoi" and make in ("comment", "Exif"):  # the format has neither
        make = "plain"
    for number in (1, 2):
        (tmp_path / f"{number}.{suffix}").write_bytes(SOUND[make](encoded(suffix)))
    assert count(tmp_path / f"%d.{suffix}") == 2
    assert count(tmp_path / f"1.{suffix}") == 1


def test_jpegs_of_other_encoders_are_read(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    drawn = image.fromarray(picture(160, 120, "rgb24").to_ndarray())
    drawn.save(tmp_path / "1.jpg", progressive=True)
    drawn.convert("CMYK").save(tmp_path / "2.jpg")
    drawn.convert("L").save(tmp_path / "3.jpg")
    drawn.save(tmp_path / "4.jpg", restart_marker_blocks=3)
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg"):
        assert count(tmp_path / name) == 1
        assert read_picture(tmp_path / name).shape[1:] == (120, 160)


def test_jpeg_inside_tiff_is_refused_since_it_would_be_black(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    drawn = image.fromarray(picture(160, 120, "rgb24").to_ndarray())
    drawn.save(tmp_path / "jpeg.tif", compression="jpeg")
    with pytest.raises(InputError, match="JPEG inside"):
        read_picture(tmp_path / "jpeg.tif")


def test_a_film_of_jpegs_goes_on_after_a_damaged_frame(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.avi", codec="mjpeg", pix_fmt="yuvj420p", frames=5).path
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 100] = bytes(100)
    clip.write_bytes(data)
    assert count(clip) == 5
