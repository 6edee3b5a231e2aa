"""Colour profiles and EXIF data of pictures go with them, or it is said."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.makers.clips import decode, make_clip
from tests.makers.containers import enlarge
from vidsr.notes import Notes
from vidsr.video.header import PictureTags
from vidsr.video.streams.picture_tags import add_tags, read_tags
from vidsr.video.streams.tiff import tiff_exif

Image = pytest.importorskip("PIL.Image")
ImageCms = pytest.importorskip("PIL.ImageCms")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LONG = PROFILE[:-4] + bytes(150_000)


def exif(orientation: int = 1) -> bytes:
    data = Image.Exif()
    data[0x010F], data[0x0110], data[0x0112] = "Maker", "Camera", orientation
    return bytes(data.tobytes())


def photo(path: Path, mode: str = "RGB", **saved: Any) -> Path:
    image = Image.linear_gradient("L").resize((32, 24)).convert(mode)
    image.save(path, **saved)
    return path


def read(path: Path) -> tuple[bytes, Any]:
    with Image.open(path) as image:
        image.load()
        return image.info.get("icc_profile", b""), image.getexif()


@pytest.mark.parametrize("target", ["b.png", "b.jpg", "b.tif"])
@pytest.mark.parametrize("source", ["a.png", "a.jpg", "a.tif", "a.webp"])
@pytest.mark.parametrize("profile", [PROFILE, LONG], ids=["short", "long"])
def test_profiles_are_kept(tmp_path: Path, source: str, target: str, profile: bytes) -> None:
    photo(tmp_path / source, icc_profile=profile)
    report = enlarge(tmp_path / source, tmp_path / target)
    assert read(tmp_path / target)[0] == profile
    assert len(decode(tmp_path / target)) == 1
    assert not any("profile" in note for note in report.notes)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize(
    ("source", "target"), [("a.jpg", "b.jpg"), ("a.jpg", "b.png"), ("a.png", "b.jpg")]
)
def test_exif_data_are_kept_and_upright(
    tmp_path: Path, source: str, target: str, orientation: int
) -> None:
    photo(tmp_path / source, exif=exif(orientation))
    enlarge(tmp_path / source, tmp_path / target)
    kept = read(tmp_path / target)[1]
    assert (kept[0x010F], kept[0x0110], kept[0x0112]) == ("Maker", "Camera", 1)


def test_what_a_target_cannot_hold_is_said(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.jpg", icc_profile=PROFILE, exif=exif())
    notes = " ".join(enlarge(source, tmp_path / "b.mp4", codec="h264").notes)
    assert "profile (ICC) is not carried over" in notes
    assert "EXIF data are not carried over" in notes
    assert "EXIF" not in " ".join(enlarge(source, tmp_path / "b.tif").notes)


def full_exif(byte_order: str = "<") -> bytes:
    """Return EXIF data with numbers of several widths in directories inside one another."""
    data = Image.Exif()
    data.endian = byte_order
    data[0x010F], data[0x0112], data[0x8298] = "Maker", 6, "Somebody"
    data.get_ifd(0x8769).update({0x829A: 0.004, 0x8827: 400, 0x9003: "2026:11:28 20:00:00"})
    data.get_ifd(0x8769)[0x927C] = bytes(range(40))
    data.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.5)})
    return bytes(data.tobytes())


@pytest.mark.parametrize("source", ["a.jpg", "a.png", "a.webp", "a.tif"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("target", ["b.tif", "b.png"])
def test_exif_data_go_into_tiff_and_out_of_it(
    tmp_path: Path, source: str, target: str, byte_order: str
) -> None:
    photo(tmp_path / source, exif=full_exif(byte_order), icc_profile=PROFILE)
    enlarge(tmp_path / source, tmp_path / target)
    profile, kept = read(tmp_path / target)
    assert profile == PROFILE
    assert (kept[0x010F], kept[0x8298]) == ("Maker", "Somebody")
    assert kept.get(0x0112, 1) == 1
    assert kept.get_ifd(0x8769)[0x829A] == pytest.approx(0.004)
    assert kept.get_ifd(0x8769)[0x8827] == 400
    assert kept.get_ifd(0x8769)[0x927C] == bytes(range(40))
    assert kept.get_ifd(0x8825)[2] == (52.0, 31.0, 12.5)
    assert len(decode(tmp_path / target)) == 1


def test_a_tiff_that_tells_nothing_has_no_exif_data(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.tif")
    assert read_tags(source, Notes()).exif == b""


@pytest.mark.parametrize("cut", [9, 20, 60, 150])
def test_damaged_exif_data_leave_a_tiff_as_it_is(tmp_path: Path, cut: int) -> None:
    data = photo(tmp_path / "a.tif").read_bytes()
    damaged = full_exif().removeprefix(b"Exif\0\0")[:cut]
    written = add_tags(data, PictureTags(exif=damaged), "rgb")
    (tmp_path / "b.tif").write_bytes(written)
    assert len(decode(tmp_path / "b.tif")) == 1


def test_directories_that_lead_into_themselves_end() -> None:
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, 8) for tag in [0x8769, 0x8825, 0xA005] * 500)
    looped = b"II*\0\x08\0\0\0" + struct.pack("<H", 1500) + entries + bytes(4)
    assert len(tiff_exif(looped)) < 10_000
    large = struct.pack("<HHII", 0x927C, 7, 1 << 20, 8)
    overlapping = (
        b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + large + large[:1] + b"\x93" + large[2:]
    )
    with pytest.raises(ValueError, match="lies over others"):
        tiff_exif(overlapping + bytes(1 << 20))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_profile_of_other_samples_is_left_out_and_named(tmp_path: Path, mode: str) -> None:
    other = PROFILE[:16] + b"CMYK" + PROFILE[20:]
    source = photo(tmp_path / "a.png", mode, icc_profile=other)
    report = enlarge(source, tmp_path / "b.png")
    assert read(tmp_path / "b.png")[0] == b""
    assert any("profile" in note for note in report.notes)


def test_sequences_keep_the_profile_of_their_first_picture(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        photo(tmp_path / f"{number}.png", icc_profile=PROFILE)
    (tmp_path / "out").mkdir()
    enlarge(tmp_path / "%d.png", tmp_path / "out" / "%d.jpg")
    assert [read(tmp_path / "out" / f"{n}.jpg")[0] for n in (1, 2, 3)] == [PROFILE] * 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xd8\xff\xe1\xff",
        b"II*\0\xff\xff\xff\0",
        b"RIFF0000WEBPICCP",
    ],
)
def test_damaged_pictures_have_no_tags(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert not read_tags(tmp_path / "a", Notes())


@pytest.mark.parametrize(("size", "kept"), [(16 << 20, True), ((16 << 20) + 1, False)])
def test_a_profile_that_unpacks_to_very_much_is_left_out(
    tmp_path: Path, size: int, kept: bool
) -> None:
    memory = io.BytesIO()
    Image.new("RGB", (8, 8)).save(memory, "PNG")
    profile = bytes(16) + b"RGB " + bytes(size - 20)
    tags = PictureTags(profile, exif().removeprefix(b"Exif\0\0"))
    (tmp_path / "a.png").write_bytes(add_tags(memory.getvalue(), tags, "rgb"))
    notes = Notes()
    tags = read_tags(tmp_path / "a.png", notes)
    assert (tags.profile == profile, bool(tags.exif)) == (kept, True)
    assert ["larger than 16 MiB" in text for text in notes.said] == ([] if kept else [True])


def test_a_profile_cut_short_is_left_out(tmp_path: Path) -> None:
    photo(tmp_path / "a.png", icc_profile=PROFILE)
    data = (tmp_path / "a.png").read_bytes()
    at = data.index(b"iCCP")
    size = int.from_bytes(data[at - 4 : at], "big")
    short = (size - 40).to_bytes(4, "big") + data[at : at + 4 + size - 40] + bytes(4)
    (tmp_path / "a.png").write_bytes(data[: at - 4] + short + data[at + 8 + size :])
    assert read_tags(tmp_path / "a.png", Notes()).profile == b""


def test_big_endian_exif_and_damaged_exif() -> None:
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    big = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    memory = io.BytesIO()
    Image.new("RGB", (8, 8)).save(memory, "PNG")
    tagged = add_tags(memory.getvalue(), PictureTags(exif=big), "rgb")
    with Image.open(io.BytesIO(tagged)) as image:
        assert image.getexif()[0x0112] == 1
    assert add_tags(memory.getvalue(), PictureTags(exif=b"II*\0\xff"), "rgb") == memory.getvalue()


def test_a_film_has_no_picture_tags(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=2, size=(32, 32)).path
    enlarge(clip, tmp_path / "%d.png")
    assert read(tmp_path / "1.png")[0] == b""
