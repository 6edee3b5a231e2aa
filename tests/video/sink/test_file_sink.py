"""What comes out is what went in, but larger: frames, times, shape, colour, depth, HDR."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.sidedata.sidedata import Type

import vidsr
from tests.makers.clips import Clip, Tags, Tone, decode, make_clip, packet_times, seconds
from tests.makers.containers import enlarge
from vidsr.errors import OptionError, OutputError
from vidsr.video.sink.file_sink import Sink
from vidsr.video.sink.passthrough import Passthrough

UNEVEN = (0, 3600, 5000, 12000, 12100, 20000, 30000, 31000)
BASE = Fraction(1, 90000)
PAIRS = (
    *(("h264", "mp4"), ("h264", "mkv"), ("h264", "mov"), ("h264", "ts")),
    *(("hevc", "mp4"), ("hevc", "mkv"), ("hevc", "mov"), ("hevc", "ts")),
    *(("av1", "mp4"), ("av1", "mkv"), ("av1", "webm")),
    *(("vp9", "mp4"), ("vp9", "mkv"), ("vp9", "webm")),
    *(("prores", "mov"), ("prores", "mkv"), ("ffv1", "mkv")),
)
IMPOSSIBLE = (
    *(("h264", "webm"), ("hevc", "webm"), ("prores", "webm"), ("ffv1", "webm")),
    *(("av1", "ts"), ("vp9", "ts"), ("prores", "ts"), ("ffv1", "ts")),
    *(("prores", "mp4"), ("ffv1", "mov"), ("h264", "png"), ("png", "jpg"), ("tiff", "png")),
)
LESS = (
    *(("bgr0", "yuv444p"), ("yuv422p", "yuv420p"), ("yuv422p10le", "yuv420p10le")),
    ("yuv444p16le", "yuv444p12le"),
)
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"


def times(path: Path) -> list[Fraction]:
    return [seconds(image) for image in decode(path)]


def uneven_clip(path: Path, start: int = 0, **choices: Any) -> Clip:
    """Variable frame rate on a fine clock."""
    return make_clip(
        path, size=(32, 24), pts=[start + t for t in UNEVEN], time_base=BASE, **choices
    )


def assert_same_times(target: Path, want: list[Fraction]) -> None:
    """Exact, in Matroska to its millisecond; a transport stream may start later as a whole."""
    got = times(target)
    assert len(got) == len(want)
    if target.suffix == ".ts":
        got = [t - got[0] + want[0] for t in got]
    slack = Fraction(1, 2000) if target.suffix in (".mkv", ".webm") else 0
    assert max(abs(a - b) for a, b in zip(got, want, strict=True)) <= slack


@pytest.mark.parametrize(("codec", "suffix"), PAIRS)
def test_every_codec_in_every_container_keeps_every_timestamp(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    source, target = uneven_clip(tmp_path / "a.mp4"), tmp_path / f"b.{suffix}"
    report = enlarge(source.path, target, codec=codec)
    assert report.frames == len(UNEVEN)
    assert_same_times(target, source.times)
    with av.open(str(target)) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height) == (64, 48)
        assert stream.codec_context.codec.canonical_name == codec
        assert stream.codec_context.pix_fmt == ("yuv422p10le" if codec == "prores" else "yuv420p")


@pytest.mark.parametrize(("codec", "suffix"), IMPOSSIBLE)
def test_a_codec_the_container_cannot_hold_is_refused(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=1)
    with pytest.raises(OptionError, match=codec):
        enlarge(source.path, tmp_path / f"b.{suffix}", codec=codec)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4"]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts"])
def test_reordered_frames_keep_uneven_times(tmp_path: Path, codec: str, suffix: str) -> None:
    source = uneven_clip(tmp_path / "a.mkv")
    want = times(source.path)
    target = tmp_path / f"b.{suffix}"
    vidsr.upscale(source.path, target, model="lite-x2", codec=codec, preset="medium")
    assert_same_times(target, want)


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_videos_have_sane_decoding_times(
    tmp_path: Path, codec: str, frames: int
) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=frames).path
    for _ in range(5):  # x265 leaves them uninitialised now and then
        enlarge(source, tmp_path / "b.mp4", codec=codec, overwrite=True)
        with av.open(str(tmp_path / "b.mp4")) as file:
            packets = [p for p in file.demux(file.streams.video[0]) if p.size]
            assert len(packets) == frames
            for p in packets:
                assert p.pts is not None
                assert p.dts is not None
                assert 0 <= (p.pts - p.dts) * p.time_base < 1
        assert times(tmp_path / "b.mp4") == times(source)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_a_start_other_than_zero_stays_to_the_tick(tmp_path: Path, suffix: str) -> None:
    source = uneven_clip(tmp_path / "a.ts", start=126001)
    enlarge(source.path, tmp_path / f"b.{suffix}")
    assert_same_times(tmp_path / f"b.{suffix}", times(source.path))


@pytest.mark.parametrize(
    ("before", "after"), [("mp4", "mkv"), ("mkv", "mp4"), ("ts", "mp4"), ("mp4", "ts")]
)
@pytest.mark.parametrize("late_s", [0.0, 0.25, -0.06])
def test_the_sound_keeps_its_distance_to_the_picture(
    tmp_path: Path, before: str, after: str, late_s: float
) -> None:
    source = make_clip(
        tmp_path / f"a.{before}",
        size=(32, 24),
        frames=6,
        pts=range(2, 8),
        audio=Tone(start_s=0.08 + late_s),
    ).path
    target = tmp_path / f"b.{after}"
    enlarge(source, target)
    offsets = [packet_times(path)[0] - times(path)[0] for path in (source, target)]
    assert abs(offsets[0] - offsets[1]) <= Fraction(1, 1000)
    assert len(packet_times(source)) == len(packet_times(target))


def test_a_nominal_rate_beyond_the_encoder_is_no_obstacle(tmp_path: Path) -> None:
    source = uneven_clip(tmp_path / "a.ts", start=126000)
    with av.open(str(source.path)) as file:
        assert (file.streams.video[0].guessed_rate or 0) > 240
    enlarge(source.path, tmp_path / "b.mp4", codec="av1")
    assert_same_times(tmp_path / "b.mp4", times(source.path))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts"])
def test_the_sample_aspect_ratio_is_kept(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(36, 24), frames=6, sar=Fraction(4, 3))
    enlarge(source.path, tmp_path / f"b.{suffix}")
    with av.open(str(tmp_path / f"b.{suffix}")) as file:
        assert file.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_size_of_other_proportions_keeps_the_shape_on_screen(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=2)
    enlarge(source.path, tmp_path / f"b.{suffix}", size=(48, 64))
    with av.open(str(tmp_path / f"b.{suffix}")) as file:
        stream = file.streams.video[0]
        assert stream.sample_aspect_ratio is not None
        shape = stream.sample_aspect_ratio * Fraction(stream.width, stream.height)
    assert abs(shape / Fraction(4, 3) - 1) < 0.02  # Matroska stores whole pixels


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(("angle", "hflip"), [(90, False), (180, False), (270, False), (0, True)])
def test_rotation_and_mirroring_are_kept(
    tmp_path: Path, suffix: str, angle: int, hflip: bool
) -> None:
    source = make_clip(
        tmp_path / "a.mp4", size=(32, 24), frames=2, rotation=angle, hflip=hflip
    ).path
    target = tmp_path / f"b.{suffix}"
    enlarge(source, target)
    matrices = [side_data(decode(path)[0], Type.DISPLAYMATRIX) for path in (source, target)]
    # The last column and row hold the offset, in pixels of the picture.
    numbers = [struct.unpack_from("=9i", m)[:6] for m in matrices if m]
    assert len(numbers) == 2
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("suffix", ["ts", "png"])
def test_a_target_without_a_matrix_gets_upright_pictures(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=1, rotation=90)
    report = enlarge(source.path, tmp_path / f"b.{suffix}")
    image = decode(tmp_path / f"b.{suffix}")[0]
    assert (image.width, image.height) == (48, 64)
    assert any("upright" in note for note in report.notes)


BT601 = Tags(matrix=6, primaries=6, transfer=6, range=1)
BT709 = Tags(matrix=1, primaries=1, transfer=1, range=1)
PQ = Tags(matrix=9, primaries=9, transfer=16, range=1)
FULL = Tags(matrix=1, primaries=1, transfer=13, range=2)


@pytest.mark.parametrize("tags", [BT601, BT709, PQ, FULL], ids=["601", "709", "pq", "full"])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", "mp4"), ("hevc", "mkv"), ("av1", "mp4"), ("vp9", "webm"), ("ffv1", "mkv")],
)
def test_colour_tags_are_kept(tmp_path: Path, tags: Tags, codec: str, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=2, tags=tags)
    enlarge(source.path, tmp_path / f"b.{suffix}", codec=codec)
    image = decode(tmp_path / f"b.{suffix}")[0]
    got = Tags(image.colorspace, image.color_primaries, image.color_trc, image.color_range)
    assert got == tags


@pytest.mark.parametrize(
    ("codec", "source", "expected"),
    [
        ("h264", "yuv422p", "yuv422p"),
        ("h264", "yuv444p", "yuv444p"),
        ("h264", "gray", "gray"),
        ("h264", "yuv420p10le", "yuv420p10le"),
        ("hevc", "yuv420p10le", "yuv420p10le"),
        ("hevc", "yuv422p12le", "yuv422p12le"),
        ("hevc", "yuv444p10le", "yuv444p10le"),
        ("hevc", "gray12le", "gray12le"),
        ("av1", "yuv420p10le", "yuv420p10le"),
        ("prores", "yuv444p10le", "yuv444p10le"),
        ("ffv1", "yuv420p12le", "yuv420p12le"),
        ("ffv1", "yuv444p16le", "yuv444p16le"),
        ("ffv1", "gray16le", "gray16le"),
        ("ffv1", "gbrp10le", "gbrp10le"),
        ("ffv1", "bgr0", "bgr0"),
        ("h264", "bgr0", "yuv444p"),
        ("vp9", "bgr0", "gbrp"),
        # What the encoder lacks becomes the next better, or it is said.
        ("av1", "yuv422p", "yuv420p"),
        ("av1", "yuv422p10le", "yuv420p10le"),
        ("vp9", "gray", "yuv420p"),
        ("hevc", "yuv444p16le", "yuv444p12le"),
    ],
)
def test_depth_and_chroma_are_kept_where_the_encoder_can(
    tmp_path: Path, codec: str, source: str, expected: str
) -> None:
    clip = make_clip(tmp_path / "a.mkv", size=(32, 24), frames=2, codec="ffv1", pix_fmt=source)
    report = enlarge(clip.path, tmp_path / "b.mkv", codec=codec)
    assert report.pixel_format == expected
    decoded = decode(tmp_path / "b.mkv")[0].format
    wanted = av.VideoFormat(expected)
    assert decoded.components[0].bits >= wanted.components[0].bits
    assert (decoded.is_rgb, decoded.chroma_width(16), decoded.chroma_height(16)) == (
        *(wanted.is_rgb, wanted.chroma_width(16), wanted.chroma_height(16)),
    ) or (codec == "h264" and expected == "gray")  # FFmpeg decodes grey H.264 as yuv420p
    less = (source, expected) in LESS
    assert any("keeps less" in note for note in report.notes) == less


def side_data(image: av.VideoFrame, kind: Type) -> bytes:
    return bytes(image.side_data[kind]) if kind in image.side_data else b""


def mastering_numbers(image: av.VideoFrame) -> list[float]:
    numbers = struct.unpack_from("=20i", side_data(image, Type.MASTERING_DISPLAY_METADATA))
    return [a / b for a, b in zip(numbers[0::2], numbers[1::2], strict=True)]


@pytest.mark.parametrize(
    ("codec", "suffix"), [("hevc", "mp4"), ("hevc", "ts"), ("av1", "mkv"), ("h264", "mkv")]
)
def test_hdr10_metadata_survive_to_the_number(tmp_path: Path, codec: str, suffix: str) -> None:
    source = hdr_clip(tmp_path / "a.mkv")
    enlarge(source, tmp_path / f"b.{suffix}", codec=codec)
    before, after = decode(source)[0], decode(tmp_path / f"b.{suffix}")[0]
    slack = 1 / 256 if codec == "av1" else 1e-9  # AV1 stores 16.16, 24.8 and 18.14 fixed point
    assert mastering_numbers(after) == pytest.approx(mastering_numbers(before), rel=slack, abs=1e-4)
    light = struct.unpack_from("=2I", side_data(after, Type.CONTENT_LIGHT_LEVEL))
    assert light == (1000, 400)


def hdr_clip(path: Path) -> Path:
    return make_clip(
        path,
        size=(64, 48),
        frames=2,
        codec="libx265",
        pix_fmt="yuv420p10le",
        tags=PQ,
        mastering=MASTERING,
        light=(1000, 400),
    ).path


@pytest.mark.parametrize("codec", ["ffv1", "vp9"])
def test_hdr10_metadata_that_cannot_be_carried_are_mentioned(tmp_path: Path, codec: str) -> None:
    report = enlarge(hdr_clip(tmp_path / "a.mkv"), tmp_path / "b.mkv", codec=codec)
    assert any("mastering" in note for note in report.notes)


class BrokenEncoder:
    def encode(self, image: object) -> list[Any]:
        raise av.error.ExternalError(542398533, "Generic error in an external library")


def test_an_encoder_that_dies_is_an_output_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=5)
    add_streams = Sink._add_streams

    def broken(sink: Sink, source: Any) -> None:
        add_streams(sink, source)
        sink.stream = BrokenEncoder()  # type: ignore[assignment]

    monkeypatch.setattr(Sink, "_add_streams", broken)
    with pytest.raises(OutputError, match=r"frame 0: Generic error.*nothing was kept"):
        enlarge(source.path, tmp_path / "b.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4"]


def test_a_disk_that_fills_while_sound_is_copied_is_an_output_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=5, audio=Tone())

    def full(*_: object) -> None:
        raise av.error.OSError(28, "No space left on device")

    monkeypatch.setattr(Passthrough, "write", full)
    with pytest.raises(OutputError, match=r"No space left.*the disk is full"):
        enlarge(source.path, tmp_path / "b.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4"]
