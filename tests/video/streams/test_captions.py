"""Closed captions inside pictures come out with the pictures that they came in with."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.sidedata.sidedata import Type

import vidsr
from tests.makers.sei import CAPTION, raw_clip
from tests.makers.small_network import small_network
from vidsr.video.side_data import SideData
from vidsr.video.streams.captions import add_captions

FRAMES = 12


def message(number: int) -> bytes:
    """Return a message of three constructs, with zeros in a row that have to be kept apart."""
    data = bytes((0xFC, 0x80 | number, 0)) + bytes(3) + bytes((0xFF, 0, number))
    return b"\xb5\x00\x31GA94\x03\x43\xff" + data + b"\xff"


def captioned(path: Path, codec: str = "libx264") -> Path:
    """Write a raw stream whose every picture has captions of its own."""
    parts = [
        raw_clip(path.with_name(f"{n}.raw"), message(n), (0,), frames=1, codec=codec).read_bytes()
        for n in range(FRAMES)
    ]
    path.write_bytes(b"".join(parts))
    return path


def captions_of(path: Path) -> list[bytes]:
    """Return the captions of each picture that a plain decode shows, in the order of showing."""
    reader = SideData(frozenset({Type.A53_CC}))
    with av.open(str(path)) as container:
        pictures = container.decode(video=0)
        return [b"".join(item.data for item in reader.read(image)) for image in pictures]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts", ".mov"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_every_picture_keeps_its_captions(tmp_path: Path, suffix: str, codec: str) -> None:
    source = captioned(tmp_path / "in.264")
    wanted = captions_of(source)
    assert len(set(wanted)) == FRAMES
    target = tmp_path / f"out{suffix}"
    vidsr.upscale(source, target, model=small_network(), codec=codec, preset="medium")
    assert captions_of(target) == wanted


def test_captions_of_hevc_are_read_as_well(tmp_path: Path) -> None:
    source = captioned(tmp_path / "in.265", "libx265")
    vidsr.upscale(source, tmp_path / "out.mkv", model=small_network())
    assert captions_of(tmp_path / "out.mkv") == captions_of(source)


def test_a_part_begins_with_the_captions_of_its_first_picture(tmp_path: Path) -> None:
    source, target = captioned(tmp_path / "in.264"), tmp_path / "out.mkv"
    vidsr.upscale(source, target, model=small_network(), start=0.2)
    assert captions_of(target) == captions_of(source)[5:]


@pytest.mark.parametrize("codec", ["av1", "vp9", "ffv1"])
def test_their_loss_is_said_where_a_codec_holds_none(tmp_path: Path, codec: str) -> None:
    source = raw_clip(tmp_path / "in.264", CAPTION, range(3), frames=3)
    report = vidsr.upscale(source, tmp_path / "out.mkv", model=small_network(), codec=codec)
    assert any("closed captions" in note and "not carried" in note for note in report.notes)


def test_nothing_is_said_where_they_are_carried(tmp_path: Path) -> None:
    source = raw_clip(tmp_path / "in.264", CAPTION, range(3), frames=3)
    report = vidsr.upscale(source, tmp_path / "out.mkv", model=small_network())
    assert not any("captions" in note for note in report.notes)


@pytest.mark.parametrize("data", [b"", b"\0\0\1", b"\0\0\0\1\x09", b"\0\0\1\x67abc\0\0\1\x68"])
def test_a_packet_without_a_slice_stays_as_it_is(data: bytes) -> None:
    assert add_captions(data, b"\xfc\x94\x2c", "h264") == data


def test_more_than_a_message_holds_is_cut() -> None:
    data = add_captions(b"\0\0\1\x65abc", b"\xfc\x94\x2c" * 40, "h264")
    assert data.count(b"\xfc\x94\x2c") == 31
    assert data.endswith(b"\0\0\1\x65abc")
