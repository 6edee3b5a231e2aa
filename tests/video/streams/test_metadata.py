"""Tags, marks of the picture, programmes and data: carried where it can be, said where not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.makers.clips import decode, make_clip, picture
from tests.makers.containers import (
    Line,
    Sound,
    Subtitles,
    enlarge,
    jpeg_bytes,
    make_file,
    read_streams,
)
from vidsr.video.info import PictureMarks
from vidsr.video.source.file_source import FileSource
from vidsr.video.streams.ebml import element, elements, find
from vidsr.video.streams.picture_marks import hand_on
from vidsr.video.streams.services import find_service

PHONE = {
    "com.apple.quicktime.make": "Maker",
    "com.apple.quicktime.model": "Phone X",
    "com.apple.quicktime.creationdate": "2024-01-02T03:04:05+0200",
    "com.apple.quicktime.location.ISO6709": "+12.3000-045.6000/",
}
SECONDS = len("2024-01-02T03:04:05")  # fractions of them are not kept
USUAL = {"title": "Tïtle", "artist": "Somebody", "comment": "line"}
SPHERE = element(0x7671, 1) + element(0x7672, bytes(20))


def tags_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as file:
        return {name.lower(): value for name, value in file.metadata.items()}


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".m4v", ".mkv", ".webm"])
@pytest.mark.parametrize(
    "tags",
    [
        PHONE,
        PHONE | USUAL,
        {"com.android.version": "14", "com.android.capture.fps": "30.0"},
        {"director": "Somebody", "title": "T", "x-ünknown": "value"},
        {"make": "Maker", "album_artist": "Band", "creation_time": "2024-01-02T03:04:05.000000Z"},
    ],
)
def test_tags_of_phones_and_cameras_are_kept(
    tmp_path: Path, tags: dict[str, str], suffix: str
) -> None:
    options = {"movflags": "use_metadata_tags"}
    source = make_file(tmp_path / "a.mov", tags=tags, options=options, frames=4)
    report = enlarge(source, tmp_path / f"b{suffix}")
    kept, given = tags_of(tmp_path / f"b{suffix}"), tags_of(source)
    for name, value in tags.items():
        assert given[name.lower()] == value
        assert (
            kept[name.lower()][: len("2024-01-02T03:04:05")] == value[: len("2024-01-02T03:04:05")]
        )
    assert not any("cannot hold these tags" in note for note in report.notes)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_usual_tags_stay_where_players_look(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.mkv", tags=USUAL, frames=4)
    enlarge(source, tmp_path / f"b{suffix}")
    assert b"\xa9nam" in (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("tags", [PHONE, USUAL, {"x": "y"}])
def test_lost_tags_are_named(tmp_path: Path, tags: dict[str, str]) -> None:
    source = make_file(tmp_path / "a.mkv", tags=tags, frames=4)
    report = enlarge(source, tmp_path / "b.ts")
    (note,) = (note for note in report.notes if "cannot hold these tags" in note)
    assert all(name in note.lower() for name in (tag.lower() for tag in tags))


@pytest.mark.parametrize("tags", [{}, {"title": "T"}, {"director": "D"}])
def test_covers_are_kept_in_mp4_and_their_loss_is_said_in_mov(
    tmp_path: Path, tags: dict[str, str]
) -> None:
    source = make_file(tmp_path / "a.mp4", cover=jpeg_bytes(), tags=tags, frames=4)
    enlarge(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert bytes(next(file.demux(file.streams[1]))) == jpeg_bytes()
    report = enlarge(source, tmp_path / "b.mov")
    assert len(read_streams(tmp_path / "b.mov")) == 1
    assert any("takes no cover art" in note for note in report.notes)


def marked(path: Path, marks: PictureMarks) -> Path:
    options = {"strict": "unofficial"}
    with av.open(str(path), "w", container_options=options) as target:
        stream: Any = target.add_stream("libx264", rate=25)
        hand_on(marks, "h264", stream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        stream.codec_context.framerate = Fraction(25)
        for index in range(4):
            image = picture(64, 48, index=index)
            image.pts, image.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(image))
        target.mux(stream.encode(None))
    return path


def marks(path: Path) -> PictureMarks:
    with FileSource(path) as source:
        found = source.info.marks
    kind = find(found.projection, 0x7671) or b""
    return PictureMarks(found.crop, found.stereo, kind)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mkv", "h264"), (".mp4", "h264"), (".mp4", "hevc"), (".webm", "vp9"), (".mkv", "ffv1")],
)
@pytest.mark.parametrize(
    "given",
    [
        PictureMarks((4, 2, 6, 8)),
        PictureMarks((16, 10, 16, 10)),
        PictureMarks(stereo=1),
        PictureMarks(stereo=3),
        PictureMarks(projection=SPHERE),
        PictureMarks((2, 2, 2, 2), 1, SPHERE),
    ],
)
def test_marks_of_the_picture_are_carried_at_its_new_size(
    tmp_path: Path, given: PictureMarks, suffix: str, codec: str
) -> None:
    source = marked(tmp_path / "a.mkv", given)
    report = enlarge(source, tmp_path / f"b{suffix}", codec=codec)
    assert len(decode(tmp_path / f"b{suffix}")) == 4
    wanted = given.scaled(Fraction(2), Fraction(2))
    expected = PictureMarks(wanted.crop, wanted.stereo, b"\1" if wanted.projection else b"")
    assert marks(tmp_path / f"b{suffix}") == expected
    assert not any("carried over" in note for note in report.notes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (PictureMarks((4, 2, 6, 8)), "crop of 4, 2, 6, 8 pixels"),
        (PictureMarks(stereo=1), "stereo"),
        (PictureMarks(projection=SPHERE), "360°"),
    ],
)
def test_marks_that_a_container_cannot_hold_are_named(
    tmp_path: Path, given: PictureMarks, said: str
) -> None:
    report = enlarge(marked(tmp_path / "a.mkv", given), tmp_path / "b.ts")
    assert any(said in note and "not carried over" in note for note in report.notes)


def test_stereo_in_mov_is_named_and_the_sphere_kept(tmp_path: Path) -> None:
    source = marked(tmp_path / "a.mkv", PictureMarks(stereo=3, projection=SPHERE))
    report = enlarge(source, tmp_path / "b.mov")
    assert any("stereo arrangement is not carried" in note for note in report.notes)
    assert marks(tmp_path / "b.mov") == PictureMarks(projection=b"\1")


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_rotation_is_no_mark(tmp_path: Path, degrees: int) -> None:
    source = make_clip(tmp_path / "a.mp4", frames=3, rotation=degrees).path
    assert not marks(source)


def test_elements_of_matroska() -> None:
    data = element(0xAE, element(0xB0, 640) + element(0x86, b"V"))
    assert find(data, 0xAE, 0xB0) == b"\x02\x80"
    assert find(data, 0xAE, 0x86) == b"V"
    assert find(data, 0xAE, 0x83) is None
    assert list(elements(b"")) == []


SERVICE = {"service_name": "Kanal Ü", "service_provider": "Somebody"}
NUMBERS = {
    "mpegts_service_id": "77",
    "mpegts_pmt_start_pid": "0x500",
    "mpegts_start_pid": "0x600",
}


@pytest.mark.parametrize("container_options", [{}, {"mpegts_m2ts_mode": "1"}])
@pytest.mark.parametrize("names", [SERVICE, {"service_name": "One", "service_provider": "1"}])
def test_programmes_keep_their_names_and_numbers(
    tmp_path: Path, container_options: dict[str, str], names: dict[str, str]
) -> None:
    options = NUMBERS | container_options
    source = make_file(
        tmp_path / "a.ts", sounds=[Sound("ac3"), Sound("ac3")], tags=names, options=options
    )
    enlarge(source, tmp_path / "b.ts")
    with av.open(str(source)) as before, av.open(str(tmp_path / "b.ts")) as after:
        pids = [stream.id for stream in before.streams]
        assert [stream.id for stream in after.streams] == pids
    service = find_service(tmp_path / "b.ts", pids[0])
    assert service == find_service(source, pids[0])
    assert service is not None
    assert (service.number, service.table_pid) == (77, 0x100 if container_options else 0x500)
    assert (service.name, service.provider) == tuple(names.values())


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_names_of_programmes_become_tags(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.ts", tags=SERVICE, frames=4)
    enlarge(source, tmp_path / f"b{suffix}")
    assert SERVICE.items() <= tags_of(tmp_path / f"b{suffix}").items()


def test_no_programme_is_found_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"G" + bytes(187) + b"\x47\x40")
    assert find_service(tmp_path / "a", 256) is None
    assert find_service(tmp_path / "b", 256) is None


KLV = b"\x06\x0e+4" + bytes(30)


def test_data_is_copied_where_it_comes_out_again(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.ts", data=KLV)
    report = enlarge(source, tmp_path / "b.ts")
    assert [track.payloads for track in read_streams(tmp_path / "b.ts")][1:] == [[KLV]]
    assert not any("dropped" in note for note in report.notes)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".m2ts", ".webm"])
def test_data_that_would_not_come_out_is_dropped_and_named(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.ts", data=KLV)
    report = enlarge(source, tmp_path / f"b{suffix}")
    assert len(read_streams(tmp_path / f"b{suffix}")) == 1
    assert any("data stream 1 (klv) is dropped" in note for note in report.notes)


def gopro(path: Path) -> Path:
    """Write a track of telemetry as action cameras do: a track of texts under another name."""
    lines = tuple(Line(40 * number, 40, f"DEVC{number}") for number in range(4))
    make_file(path, subtitles=[Subtitles(lines, "mov_text")], container="mp4")
    path.write_bytes(path.read_bytes().replace(b"tx3g", b"gpmd").replace(b"sbtl", b"meta"))
    return path


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_telemetry_of_cameras_is_copied(tmp_path: Path, suffix: str) -> None:
    source = gopro(tmp_path / "a.mov")
    given = [track for track in read_streams(source) if track.kind == "data"]
    assert len(given[0].payloads) >= 4
    report = enlarge(source, tmp_path / f"b{suffix}")
    kept = [track for track in read_streams(tmp_path / f"b{suffix}") if track.kind == "data"]
    assert [track.payloads for track in kept] == [track.payloads for track in given]
    assert not any("dropped" in note for note in report.notes)


@pytest.mark.parametrize(("suffix", "mode"), [(".mp4", 2), (".mp4", 11), (".mov", 1)])
def test_arrangements_that_mp4_has_no_number_for_are_named(
    tmp_path: Path, suffix: str, mode: int
) -> None:
    source = marked(tmp_path / "a.mkv", PictureMarks(stereo=mode))
    report = enlarge(source, tmp_path / f"b{suffix}")
    assert any("stereo arrangement is not carried" in note for note in report.notes)
