"""Static HDR metadata and display matrices out of real streams, exactly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.makers.clips import Tags, decode, make_clip, noise
from vidsr.picture.frame import Frame
from vidsr.video.hdr import HdrMetadata, find_display_matrix, find_hdr
from vidsr.video.side_data import side_data
from vidsr.video.source.file_source import FileSource

# Display P3 primaries and D65 in units of 0.00002, 0.0005 to 1000 cd/m2 in units of 0.0001.
P3 = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,5)"
PQ = Tags(matrix=9, primaries=9, transfer=16, range=1)


def read(path: Path, **choices: Any) -> FileSource:
    with FileSource(path, **choices) as source:
        assert any(isinstance(item, Frame) for item in source)
    return source


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hdr") / "a.mkv"
    make_clip(
        path,
        codec="libx265",
        pix_fmt="yuv420p10le",
        frames=6,
        tags=PQ,
        mastering=P3,
        light=(1000, 400),
    )
    return path


def test_mastering_and_light_levels_are_read_exactly(clip: Path) -> None:
    hdr = read(clip).info.hdr
    assert hdr.primaries == ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329))
    assert hdr.luminance == (0.0005, 1000.0)
    assert hdr.light_levels == (1000, 400)
    assert not hdr.empty


def test_the_colour_tags_come_along(clip: Path) -> None:
    color = read(clip).info.format.color
    assert (color.matrix, color.primaries, color.transfer, color.range) == (9, 9, 16, 1)
    assert color.siting == "topleft"
    assert color.describe() == "BT.2020 limited PQ"


def test_metadata_is_seen_from_a_start_in_the_middle(clip: Path) -> None:
    assert read(clip, start_s=0.12).info.hdr.light_levels == (1000, 400)


def test_the_text_for_x265_is_what_x265_took(clip: Path) -> None:
    hdr = read(clip).info.hdr
    assert hdr.mastering_text(0.00002, 0.0001) == P3


def test_the_text_round_trips(clip: Path, tmp_path: Path) -> None:
    hdr = read(clip).info.hdr
    again = make_clip(
        tmp_path / "b.mkv",
        codec="libx265",
        pix_fmt="yuv420p10le",
        frames=4,
        mastering=hdr.mastering_text(0.00002, 0.0001),
        light=hdr.light_levels,
    )
    assert read(again.path).info.hdr == hdr


def test_the_text_for_svt_is_in_plain_units(clip: Path) -> None:
    assert read(clip).info.hdr.mastering_text(1, 1) == (
        "G(0.265000,0.690000)B(0.150000,0.060000)R(0.680000,0.320000)"
        "WP(0.312700,0.329000)L(1000,0.000500)"
    )


def test_a_stream_without_metadata_is_empty(tmp_path: Path) -> None:
    hdr = read(make_clip(tmp_path / "a.mp4", frames=1).path).info.hdr
    assert hdr == HdrMetadata()
    assert hdr.empty
    assert hdr.mastering_text(1, 1) == ""
    assert HdrMetadata(light_levels=(1, 1)).mastering_text(1, 1) == ""
    assert not HdrMetadata(light_levels=(1, 1)).empty


def test_light_levels_may_come_alone(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "a.mkv", codec="libx265", pix_fmt="yuv420p10le", frames=3, light=(600, 200)
    )  # of one frame x265 gives decoding times by chance
    hdr = read(clip.path).info.hdr
    assert hdr.primaries is None
    assert hdr.light_levels == (600, 200)


def read_display_matrix(image: av.VideoFrame) -> tuple[int, ...] | None:
    """Return the display matrix of a picture, as the source looks for it."""
    return find_display_matrix(side_data(image), image.rotation)


@pytest.mark.parametrize(
    ("degrees", "signs"),
    [(90, (0, -1, 1, 0)), (180, (-1, 0, 0, -1)), (270, (0, 1, -1, 0)), (-90, (0, 1, -1, 0))],
)
def test_rotations_are_read(tmp_path: Path, degrees: float, signs: tuple[int, ...]) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=1, rotation=degrees)
    (image,) = decode(clip.path)
    a, b, c, d = (sign << 16 for sign in signs)
    assert read_display_matrix(image) == (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    # Where side data cannot be listed, PyAV still tells the angle.
    assert find_display_matrix((), image.rotation) == (a, b, 0, c, d, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize("rotation", [None, 0, 360])
def test_no_rotation_is_none(tmp_path: Path, rotation: float | None) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=1, rotation=rotation)
    assert read_display_matrix(decode(clip.path)[0]) is None


def test_a_shift_in_the_matrix_is_left_out(tmp_path: Path) -> None:
    one = 1 << 16
    moved = (0, one, 0, -one, 0, 0, 48 * one, 7 * one, 1 << 30)
    clip = make_clip(tmp_path / "a.mp4", frames=1, matrix=moved)
    matrix = read_display_matrix(decode(clip.path)[0])
    assert matrix == (0, one, 0, -one, 0, 0, 0, 0, 1 << 30)


def test_a_frame_made_in_memory_has_neither() -> None:
    image = noise(16, 16)
    assert find_hdr(side_data(image)).empty
    assert read_display_matrix(image) is None
    assert Fraction(image.rotation) == 0
