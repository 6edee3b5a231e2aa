"""Sound, subtitles, chapters, attachments, cover art and tags come through, or it is said."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition

from tests.makers.clips import decode
from tests.makers.containers import (
    Attachment,
    Line,
    Sound,
    Subtitles,
    Track,
    enlarge,
    jpeg_bytes,
    make_file,
    read_lines,
    read_streams,
)
from vidsr.errors import ContainerError
from vidsr.video.sink import passthrough
from vidsr.video.source.side_streams import side_streams
from vidsr.video.streams.holding import fits
from vidsr.video.streams.tags import copy_tags

TWO_LINES = (Line(0, 100, "Hello\nworld"), Line(120, 90, "<i>Ünï</i> 漢字 \U0001f600"))
FONT = Attachment("Ünïcode.ttf", "font/ttf", bytes(range(256)) * 40)
COVER = Attachment("cover.jpg", "image/jpeg", jpeg_bytes())
GERMAN = Sound("aac", tags={"language": "ger", "title": "Eins"}, disposition=Disposition.default)
ENGLISH = Sound(
    "ac3", tags={"language": "eng", "title": "Two"}, disposition=Disposition.comment, start_s=0.05
)


def of_kind(path: Path, kind: str) -> list[Track]:
    return [track for track in read_streams(path) if track.kind == kind]


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_every_sound_is_copied_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[GERMAN, ENGLISH, Sound("flac"), Sound("alac")])
    target = tmp_path / f"b.{suffix}"
    enlarge(source, target, drop_incompatible=suffix == "mov")
    before, after = of_kind(source, "audio"), of_kind(target, "audio")
    before = [track for track in before if suffix != "mov" or track.codec != "flac"]
    assert [track.codec for track in after] == [track.codec for track in before]
    shift = read_streams(target)[0].times[0] - read_streams(source)[0].times[0]
    for old, new in zip(before, after, strict=True):
        assert new.payloads == old.payloads
        distances = [abs(b - a - shift) for a, b in zip(old.times, new.times, strict=True)]
        assert max(distances) <= Fraction(1, 1000)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_languages_titles_and_dispositions_are_kept(tmp_path: Path, suffix: str) -> None:
    source = make_file(
        tmp_path / "a.mkv",
        sounds=[GERMAN, ENGLISH],
        subtitles=[Subtitles(tags={"language": "fre"}, disposition=Disposition.forced)],
        video_tags={"language": "jpn", "title": "Film", "BPS": "9", "NUMBER_OF_FRAMES-eng": "9"},
    )
    enlarge(source, tmp_path / f"b.{suffix}")
    video, first, second, text = read_streams(tmp_path / f"b.{suffix}")
    assert [t.tags["language"] for t in (video, first, second, text)] == [
        "jpn",
        "ger",
        "eng",
        "fre",
    ]
    titles = [t.tags.get("title", t.tags.get("name")) for t in (video, first, second)]
    assert titles == ["Film", "Eins", "Two"]
    assert first.disposition & Disposition.default
    assert second.disposition & Disposition.comment
    assert not second.disposition & Disposition.default
    assert text.disposition & Disposition.forced
    assert not {"BPS", "NUMBER_OF_FRAMES-eng"} & video.tags.keys()


def test_titles_survive_a_second_trip_through_mp4(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[GERMAN])
    enlarge(source, tmp_path / "b.mp4")
    enlarge(tmp_path / "b.mp4", tmp_path / "c.mp4")
    enlarge(tmp_path / "c.mp4", tmp_path / "d.mkv")
    assert of_kind(tmp_path / "d.mkv", "audio")[0].tags["title"] == "Eins"


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "webm"])
def test_the_files_own_tags_are_kept(tmp_path: Path, suffix: str) -> None:
    tags = {"title": "Tïtle", "artist": "Somebody", "comment": "a\nb"}
    source = make_file(tmp_path / "a.mkv", tags=tags)
    enlarge(source, tmp_path / f"b.{suffix}")
    with av.open(str(tmp_path / f"b.{suffix}")) as file:
        kept = {k.lower(): v for k, v in file.metadata.items()}
    assert tags.items() <= kept.items()


def test_tags_that_describe_the_source_file_are_left_out() -> None:
    tags = {"title": "T", "BPS-eng": "1", "_STATISTICS_TAGS": "x", "DURATION": "1", "encoder": "e"}
    assert copy_tags(tags | {"major_brand": "isom"}) == {"title": "T"}
    assert copy_tags({"name": "N"}) == {"title": "N"}
    assert copy_tags({"name": "N", "title": "T"}) == {"name": "N", "title": "T"}


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "webm"])
def test_chapters_are_kept(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.mkv", chapters=[(0, 150, "One"), (150, 320, "Zwei ü")])
    enlarge(source, tmp_path / f"b.{suffix}")
    with av.open(str(tmp_path / f"b.{suffix}")) as file:
        chapters = [
            (c["start"] * base, c["end"] * base, c["metadata"]["title"])
            for c in file.chapters()
            if (base := c["time_base"]) is not None
        ]
    ms = Fraction(1, 1000)
    assert chapters == [(0, 150 * ms, "One"), (150 * ms, 320 * ms, "Zwei ü")]


def test_matroska_subtitles_are_copied_byte_for_byte(tmp_path: Path) -> None:
    tracks = [Subtitles(TWO_LINES), Subtitles((Line(40, 60, "0,0,Default,,0,0,0,,x"),), "ass")]
    source = make_file(tmp_path / "a.mkv", subtitles=tracks)
    enlarge(source, tmp_path / "b.mkv")
    before, after = (of_kind(tmp_path / name, "subtitle") for name in ("a.mkv", "b.mkv"))
    assert [t.codec for t in after] == ["subrip", "ass"]
    assert [(t.payloads, t.times, t.lengths) for t in after] == [
        (t.payloads, t.times, t.lengths) for t in before
    ]


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "mov_text"), ("mov", "mov_text"), ("webm", "webvtt")]
)
def test_srt_becomes_what_the_container_holds(tmp_path: Path, suffix: str, codec: str) -> None:
    source = make_file(tmp_path / "a.mkv", subtitles=[Subtitles(TWO_LINES)])
    report = enlarge(source, tmp_path / f"b.{suffix}")
    assert any(f"become {codec}" in note for note in report.notes)
    assert [t.codec for t in of_kind(tmp_path / f"b.{suffix}", "subtitle")] == [codec]
    check_lines(read_lines(tmp_path / f"b.{suffix}"))


def check_lines(lines: list[tuple[int, int, str]]) -> None:
    assert [line[:2] for line in lines] == [(0, 100), (120, 90)]
    assert lines[0][2] == r"Hello\Nworld"
    assert lines[1][2].replace(r"{\r}", r"{\i0}") == r"{\i1}Ünï{\i0} 漢字 😀"


@pytest.mark.parametrize("again", ["mp4", "mkv", "webm", "mov"])
def test_mov_text_goes_on_to_every_container(tmp_path: Path, again: str) -> None:
    source = make_file(tmp_path / "a.mkv", subtitles=[Subtitles(TWO_LINES)])
    enlarge(source, tmp_path / "b.mp4")
    enlarge(tmp_path / "b.mp4", tmp_path / f"c.{again}")
    check_lines([line for line in read_lines(tmp_path / f"c.{again}") if line[2]])
    # The pauses between lines are the muxer's own: they must not pile up.
    counts = [len(of_kind(tmp_path / n, "subtitle")[0].times) for n in ("b.mp4", f"c.{again}")]
    assert counts[1] <= counts[0]


def test_a_subtitle_line_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", subtitles=[Subtitles(TWO_LINES)])
    data = source.read_bytes()
    source.write_bytes(data.replace("漢".encode(), b"\xff\xfe\xfd"))  # no longer UTF-8
    report = enlarge(source, tmp_path / "b.mp4")
    assert any("1 subtitles are damaged" in note for note in report.notes)
    assert [line[2] for line in read_lines(tmp_path / "b.mp4") if line[2]] == [r"Hello\Nworld"]


def test_attachments_are_copied_byte_for_byte(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", attachments=[FONT, COVER], sounds=[Sound()])
    enlarge(source, tmp_path / "b.mkv")
    (font,) = of_kind(tmp_path / "b.mkv", "attachment")
    assert font.payloads == [FONT.data]
    assert (font.tags["filename"], font.tags["mimetype"]) == (FONT.name, FONT.mimetype)
    assert cover_of(tmp_path / "b.mkv") == COVER.data


@pytest.mark.parametrize(("before", "after"), [("mp4", "mp4"), ("mp4", "mkv"), ("mkv", "mp4")])
def test_cover_art_is_kept(tmp_path: Path, before: str, after: str) -> None:
    held = {"cover": COVER.data} if before == "mp4" else {"attachments": [COVER]}
    source = make_file(tmp_path / f"a.{before}", sounds=[Sound()], **held)
    assert cover_of(source) == COVER.data
    report = enlarge(source, tmp_path / f"b.{after}")
    assert cover_of(tmp_path / f"b.{after}") == COVER.data
    assert report.frames == 8
    assert len(decode(tmp_path / f"b.{after}")) == 8


def cover_of(path: Path) -> bytes:
    with av.open(str(path)) as file:
        stream = next(s for s in file.streams if s.disposition & Disposition.attached_pic)
        return bytes(next(file.demux(stream)))


def test_a_second_video_is_copied(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", second_video=True)
    report = enlarge(source, tmp_path / "b.mkv")
    before, after = (of_kind(tmp_path / name, "video") for name in ("a.mkv", "b.mkv"))
    assert after[1].payloads == before[1].payloads
    assert after[1].times == before[1].times
    assert any("2 video streams" in note for note in report.notes)


def test_data_streams_are_dropped_with_a_note(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.ts", data=b"\x06\x0e\x2b\x34" + bytes(28), sounds=[Sound()])
    assert of_kind(source, "data")
    report = enlarge(source, tmp_path / "b.mkv")
    assert any(note.startswith("data stream") for note in report.notes)
    assert not of_kind(tmp_path / "b.mkv", "data")


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("mp4", {"attachments": [FONT]}, "attachment stream 1"),
    ("mp4", {"sounds": [Sound("wavpack")]}, r"audio stream 1 \(wavpack\)"),
    ("webm", {"sounds": [Sound("aac")]}, r"audio stream 1 \(aac\)"),
    ("ts", {"sounds": [Sound("flac")]}, r"audio stream 1 \(flac\)"),
    ("ts", {"subtitles": [Subtitles()]}, r"subtitle stream 1 \(subrip\)"),
    ("mov", {"sounds": [Sound("flac")]}, r"audio stream 1 \(flac\)"),
    ("mp4", {"subtitles": [Subtitles(codec="hdmv_pgs_subtitle", lines=())]}, "hdmv_pgs"),
)


@pytest.mark.parametrize(("suffix", "held", "named"), REFUSED)
def test_what_cannot_be_held_is_refused_before_a_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, held: Any, named: str
) -> None:
    source, target = make_file(tmp_path / "a.mkv", **held), tmp_path / f"b.{suffix}"
    with monkeypatch.context() as patch:
        patch.setattr("vidsr.upscaling.upscaler.load_model", lambda *_: pytest.fail("too late"))
        with pytest.raises(ContainerError, match=named) as refusal:
            enlarge(source, target)
    assert ".mkv" in refusal.value.hint
    assert "`drop_incompatible`" in refusal.value.hint
    assert not target.exists()
    report = enlarge(source, target, drop_incompatible=True)
    assert any("is dropped" in note for note in report.notes)
    assert len(read_streams(target)) == 1


AUDIO = "aac ac3 eac3 libopus flac alac pcm_s16le pcm_s24le pcm_s16be libmp3lame mp2 wavpack tta"


@pytest.mark.parametrize("container", ["matroska", "webm", "mp4", "mov", "mpegts"])
@pytest.mark.parametrize("codec", AUDIO.split())
def test_what_fits_comes_out_again(tmp_path: Path, codec: str, container: str) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound(codec)])
    with av.open(str(source)) as file:
        stream = next(s for s in side_streams(file) if s.kind == "audio")
        name, accepted = stream.codec, fits(container, stream)
    suffix = {"matroska": "mkv", "mpegts": "ts"}.get(container, container)
    report = enlarge(source, tmp_path / f"b.{suffix}", drop_incompatible=True)
    tracks = of_kind(tmp_path / f"b.{suffix}", "audio")
    assert len(tracks) == accepted
    assert accepted == (not any("is dropped" in note for note in report.notes))
    for track in tracks:
        assert track.codec == name or {track.codec, name} == {"mp2", "mp3"}  # one object type
        assert len(track.payloads) == len(of_kind(source, "audio")[0].payloads)


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        *(("matroska", "hdmv_pgs_subtitle", True), ("mp4", "hdmv_pgs_subtitle", False)),
        *(("matroska", "dvd_subtitle", True), ("webm", "dvd_subtitle", False)),
        *(("mpegts", "dvb_subtitle", True), ("mpegts", "hdmv_pgs_subtitle", False)),
        *(("webm", "webvtt", True), ("mp4", "webvtt", False), ("matroska", "ass", True)),
    ],
)
def test_which_subtitles_fit(tmp_path: Path, container: str, codec: str, expected: bool) -> None:
    source = make_file(tmp_path / "a.mkv", subtitles=[Subtitles(codec=codec, lines=())])
    with av.open(str(source)) as file:
        stream = next(s for s in side_streams(file) if s.kind == "subtitle")
        assert fits(container, stream) == expected


def stamp(change: Callable[[Any, int], None]) -> Callable[..., Any]:
    """A ``Passthrough._prepare`` that spoils packets first."""
    original, count = passthrough.Passthrough._prepare, [0]

    def spoil(self: Any, packet: Any, index: int) -> Any:
        change(packet, count[0])
        count[0] += 1
        return original(self, packet, index)

    return spoil


@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv"])
def test_packets_that_go_back_in_time_are_moved_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound()])

    def back(packet: Any, number: int) -> None:
        if number == 7:
            packet.dts = packet.pts = packet.dts - 60

    monkeypatch.setattr(passthrough.Passthrough, "_prepare", stamp(back))
    report = enlarge(source, tmp_path / f"b.{suffix}")
    assert any("went back in time" in note for note in report.notes)
    after = of_kind(tmp_path / f"b.{suffix}", "audio")[0]
    assert len(after.payloads) == len(of_kind(source, "audio")[0].payloads)
    assert after.times == sorted(after.times)
