"""Fields as frames, chosen streams, rates and settings of encoders, timecode."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.makers.clips import (
    decode,
    interlaced_pictures,
    make_clip,
    noise,
    packet_times,
    picture,
    samples,
    weave,
)
from tests.makers.containers import Attachment, Sound, Subtitles, enlarge, make_file, read_streams
from vidsr.errors import ContainerError, OptionError
from vidsr.picture.frame import Frame
from vidsr.video.header import SideStream
from vidsr.video.source.file_source import FileSource
from vidsr.video.streams.choice import is_choice, kept_indices


def interlaced(path: Path, rate: Fraction | int = 25, **settings: Any) -> Path:
    pictures = interlaced_pictures(6)
    return make_clip(path, pictures=pictures, rate=rate, interlaced=True, **settings).path


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001), 50])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_each_field_becomes_a_frame(tmp_path: Path, rate: Fraction | int, suffix: str) -> None:
    source = interlaced(tmp_path / "a.mp4", rate)
    report = enlarge(source, tmp_path / f"b{suffix}", deinterlace="field")
    found = sorted(packet_times(tmp_path / f"b{suffix}", "video"))
    assert len(found) == 12
    for number, time in enumerate(found):
        assert abs(time - found[0] - number / Fraction(rate) / 2) <= Fraction(1, 1000)
    assert any("each field becomes a frame" in note for note in report.notes)
    assert not any("no frame is interlaced" in note for note in report.notes)
    assert report.frames == 12


def test_fields_show_the_picture_at_their_own_time(tmp_path: Path) -> None:
    shown = [picture(64, 48, index=number, speed=4) for number in range(12)]
    # Bottom field first, as FFmpeg's encoder flags what says nothing.
    woven = [weave(shown[n + 1], shown[n]) for n in range(0, 12, 2)]
    options = {"q": "1", "flags": "+ildct+ilme"}
    source = make_clip(
        tmp_path / "a.mkv", pictures=woven, codec="mpeg2video", options=options, interlaced=True
    ).path
    with FileSource(source, deinterlace="field") as fields:
        info = fields.info
        found = [f.planes[0].numpy().astype(int) for f in fields if isinstance(f, Frame)]
    assert info.rate == 50
    drawn = [samples(image)[0].astype(int) for image in shown]
    for number in range(2, 10):
        off = [abs(found[number] - other).mean() for other in drawn]
        assert min(range(12), key=off.__getitem__) == number


@pytest.mark.parametrize("pts", [[0, 1, 2, 3], [0, 2, 3, 9], [5, 6, 7, 8]])
def test_progressive_frames_stay_one_each(tmp_path: Path, pts: list[int]) -> None:
    clip = make_clip(tmp_path / "a.mkv", pts=pts, time_base=Fraction(1, 25))
    report = enlarge(clip.path, tmp_path / "b.mkv", deinterlace="field")
    given = sorted(packet_times(clip.path, "video"))
    assert sorted(packet_times(tmp_path / "b.mkv", "video")) == given
    assert report.frames == len(pts)
    assert any("no frame is interlaced" in note for note in report.notes)


STREAMS = [
    SideStream(0, "video", "h264"),
    SideStream(1, "audio", "aac", {"language": "ger"}),
    SideStream(2, "audio", "ac3", {"language": "eng"}),
    SideStream(3, "subtitle", "subrip", {"language": "ger"}),
    SideStream(4, "attachment", "ttf"),
]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("audio", {1, 2}),
        ("audio:1", {2}),
        ("audio:ger, subtitle", {1, 3}),
        ("3,4", {3, 4}),
        ("none", set()),
        ("data,attachment", {4}),
        ("AUDIO:ENG", {2}),
    ],
)
def test_names_of_streams(text: str, kept: set[int]) -> None:
    assert is_choice(text)
    assert kept_indices(text, STREAMS) == kept


@pytest.mark.parametrize(
    "text", ["", "sound", "audio:", "audio:0:1", "-1", "audio;video", "audio:english"]
)
def test_what_names_no_stream_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionError, match="streams = "):
        enlarge(tmp_path / "a.mkv", tmp_path / "b.mkv", streams=text)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("audio:eng", ["video", "audio"]),
        ("subtitle,attachment", ["video", "subtitle", "attachment"]),
        ("none", ["video"]),
        ("1,2", ["video", "audio", "audio"]),
    ],
)
def test_chosen_streams_are_kept_and_no_other(tmp_path: Path, text: str, kinds: list[str]) -> None:
    source = make_file(
        tmp_path / "a.mkv",
        sounds=[Sound(tags={"language": "ger"}), Sound("ac3", tags={"language": "eng"})],
        subtitles=[Subtitles()],
        attachments=[Attachment("a.ttf", "font/ttf", b"font")],
    )
    report = enlarge(source, tmp_path / "b.mkv", streams=text)
    assert [track.kind for track in read_streams(tmp_path / "b.mkv")] == kinds
    assert not any("dropped" in note for note in report.notes)


def test_what_is_not_chosen_does_not_stop_a_run(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound("wavpack"), Sound("aac")])
    enlarge(source, tmp_path / "b.mp4", streams="audio:1")
    assert [track.codec for track in read_streams(tmp_path / "b.mp4")] == ["h264", "aac"]


def size(path: Path, target: str, **choices: Any) -> int:
    enlarge(path, path.with_name(target), overwrite=True, **choices)
    return path.with_name(target).stat().st_size


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
def test_a_rate_takes_the_place_of_the_quality(tmp_path: Path, codec: str) -> None:
    pictures = [noise(64, 64, seed=seed, legal=True) for seed in range(50)]
    clip = make_clip(tmp_path / "a.mkv", pictures=pictures).path
    large, small = (size(clip, "b.mkv", codec=codec, bitrate=rate) for rate in ("4M", "400k"))
    assert large > 3 * small
    assert small < size(clip, "b.mkv", codec=codec)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_limit_bounds_the_quality(tmp_path: Path, codec: str) -> None:
    pictures = [noise(64, 64, seed=seed, legal=True) for seed in range(75)]
    clip = make_clip(tmp_path / "a.mkv", pictures=pictures).path
    assert size(clip, "b.mkv", codec=codec, maxrate="300k") < size(clip, "b.mkv", codec=codec) / 2


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"bitrate": "8M", "crf": 20}, "both given"),
        ({"bitrate": "fast"}, "bitrate = 'fast'"),
        ({"maxrate": 5}, "maxrate = 5"),
        ({"bitrate": "8M", "codec": "ffv1"}, "bitrate = 8000000 with ffv1"),
        ({"encoder_option": "g"}, "encoder_option"),
        ({"encoder_option": ["=5"]}, "encoder_option"),
        ({"encoder_option": 5}, "encoder_option"),
        ({"encoder_option": "no-such-thing=1"}, "no such setting"),
        ({"encoder_option": {"preset": "no-such-preset"}}, "refuses"),
    ],
)
def test_wrong_rates_and_settings(tmp_path: Path, choices: dict[str, Any], message: str) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=2).path
    with pytest.raises(OptionError, match=message):
        enlarge(clip, tmp_path / "b.mkv", **choices)
    assert not (tmp_path / "b.mkv").exists()


@pytest.mark.parametrize("given", ["g=2", ["g=2"], {"g": 2}, ("g=2", "sc_threshold=0")])
def test_settings_reach_the_encoder(tmp_path: Path, given: Any) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=6).path
    enlarge(clip, tmp_path / "b.mkv", codec="h264", encoder_option=given)
    with av.open(str(tmp_path / "b.mkv")) as file:
        keys = [packet.is_keyframe for packet in file.demux(video=0) if packet.size]
    assert keys == [True, False] * 3


def test_parameters_of_x265_are_added_to(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=4).path
    enlarge(clip, tmp_path / "b.mkv", codec="hevc", encoder_option="x265-params=keyint=2")
    assert len(decode(tmp_path / "b.mkv")) == 4


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
@pytest.mark.parametrize("start", ["01:00:00:00", "10:59:59:24", "00:00:00:00"])
def test_timecode_comes_out_again_and_is_not_called_dropped(
    tmp_path: Path, suffix: str, start: str
) -> None:
    source = make_clip(tmp_path / "a.mov", frames=4, metadata={"timecode": start}).path
    report = enlarge(source, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as file:
        assert file.streams.video[0].metadata["timecode"] == start
        assert sum(stream.type == "data" for stream in file.streams) == 1
    assert not any("dropped" in note for note in report.notes)


def test_lost_timecode_is_named(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mov", frames=4, metadata={"timecode": "01:00:00:00"}).path
    report = enlarge(source, tmp_path / "b.ts")
    assert any("data stream 1" in note and "dropped" in note for note in report.notes)
    assert any("timecode of stream 0" in note for note in report.notes)


@pytest.mark.parametrize("text", ["audio:9", "subtitle:xyz", "99", "audio,data:3", "none,video:1"])
def test_a_stream_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="the source has no"):
        kept_indices(text, STREAMS)


def test_timecode_stays_in_matroska_without_a_word(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mov", frames=4, metadata={"timecode": "01:00:00:00"}).path
    report = enlarge(source, tmp_path / "b.mkv")
    with av.open(str(tmp_path / "b.mkv")) as file:
        tags = {k.lower(): v for k, v in file.streams.video[0].metadata.items()}
    assert tags["timecode"] == "01:00:00:00"
    assert not any("dropped" in note for note in report.notes)


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_a_part_begins_with_the_timecode_of_its_first_frame(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "a.mov", frames=40, metadata={"timecode": "10:59:59:20"})
    target = tmp_path / f"b{suffix}"
    enlarge(clip.path, target, start=0.6)
    with av.open(str(target)) as file:
        tags = {k.lower(): v for k, v in file.streams.video[0].metadata.items()}
    assert tags["timecode"] == "11:00:00:10"


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".ts"])
def test_a_second_video_is_copied_or_the_run_is_refused(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / "a.mkv", tmp_path / f"b{suffix}"
    with av.open(str(source), "w") as file:
        streams = [file.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(8):
            for stream in streams:
                image = picture(64, 48, index=index)
                image.pts = index
                file.mux(stream.encode(image))
        for stream in streams:
            file.mux(stream.encode(None))
    if suffix == ".avi":
        with pytest.raises(ContainerError, match=r"cannot hold video stream 1 \(h264\)"):
            enlarge(source, target)
        return
    report = enlarge(source, target)
    assert "2 video streams: stream 0 is upscaled, the others are not" in report.notes
    with av.open(str(target)) as file:
        assert [s.width for s in file.streams.video] == [128, 64]
        assert sum(bool(p.size) for p in file.demux(video=1)) == 8
