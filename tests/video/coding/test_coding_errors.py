"""Frames carry the expected error of their codec: near the truth, and of themselves alone."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from tests.makers.clips import make_clip, noise, picture, samples
from tests.makers.coded import ONE_QP, coded, frames, quantised, textured, true_levels
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame
from vidsr.video.coding import codecs
from vidsr.video.coding.activity import differences
from vidsr.video.coding.blocking import blocking, grid_levels
from vidsr.video.coding.coding_errors import CodingErrors
from vidsr.video.source.file_source import FileSource

QUALITIES: dict[str, list[dict[str, str]]] = {
    "libx264": [ONE_QP | {"qp": qp} for qp in ("12", "22", "32", "42")],
    "libx265": [
        {"x265-params": f"log-level=none:pools=none:qp={qp}"} for qp in ("12", "22", "32", "42")
    ],
    "libvpx-vp9": [{"qmin": q, "qmax": q, "b": "1000000"} for q in ("4", "16", "36", "60")],
    "libvpx": [{"qmin": q, "qmax": q, "b": "1000000"} for q in ("4", "16", "36", "60")],
    "libsvtav1": [{"crf": crf} for crf in ("10", "25", "40", "60")],
}


def errors(path: Path, **wishes: Any) -> list[CodingError]:
    found = [frame.coding_error for frame in frames(path, **wishes)]
    return [each for each in found if each is not None]


def check_order(told: list[float]) -> None:
    """Coarser is worse, but for the coarsest, of which little of a cloud is left to be seen."""
    assert told[:3] == sorted(told[:3])
    assert told[3] > 0.75 * told[2]


@pytest.mark.parametrize("codec", QUALITIES)
def test_more_is_expected_of_coarser_quantisers_about_as_much_as_is_true(
    tmp_path: Path, codec: str
) -> None:
    told: list[float] = []
    true: list[float] = []
    for number, options in enumerate(QUALITIES[codec]):
        clip = coded(tmp_path / f"{number}.mkv", codec, options, size=(160, 96), frames=5)
        found = errors(clip.path)
        assert [each.basis for each in found] == ["quantiser"] * 5
        told.append(float(np.mean([each.levels for each in found])))
        true.append(float(np.mean(list(true_levels(clip)))))
    check_order(told)
    octaves = np.log2(np.array(told) / np.array(true))
    assert np.abs(octaves).max() < 2.5  # clouds are no photographs
    assert abs(np.median(octaves)) < 1.5


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4", "mjpeg"])
def test_the_same_of_ffmpegs_own_encoders(tmp_path: Path, codec: str) -> None:
    kind = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    told: list[float] = []
    true: list[float] = []
    for q in (2, 6, 16, 30):
        clip = quantised(tmp_path / f"{q}.mkv", codec, q, pix_fmt=kind, size=(160, 96))
        found = errors(clip.path)
        assert {each.basis for each in found} == {"tables" if codec == "mjpeg" else "quantiser"}
        assert len(found) == len(clip.pictures)
        told.append(float(np.mean([each.levels for each in found])))
        true.append(float(np.mean(list(true_levels(clip)))))
    check_order(told)
    assert np.abs(np.log2(np.array(told) / np.array(true))).max() < 1.6


@pytest.mark.parametrize(
    ("codec", "suffix", "pix_fmt"),
    [
        ("ffv1", "mkv", "yuv420p"),
        ("rawvideo", "mkv", "yuv420p"),
        ("ffv1", "mkv", "yuv420p10le"),
        ("png", "mov", "rgb24"),
    ],
)
def test_a_lossless_source_is_clean(tmp_path: Path, codec: str, suffix: str, pix_fmt: str) -> None:
    for draw in (textured, picture):
        pictures = [draw(160, 96, "yuv420p", index=i).reformat(format=pix_fmt) for i in range(3)]
        clip = make_clip(tmp_path / f"a.{suffix}", codec=codec, pictures=pictures)
        assert errors(clip.path) == [CodingError(0.0, "picture")] * 3


def test_a_numbered_sequence_of_png_is_clean_and_one_of_jpeg_is_not(tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        for i in range(3):
            Image.fromarray(samples(textured(160, 96, index=i))[0]).save(
                tmp_path / f"{i:03}.{suffix}", quality=50
            )
    assert [each.levels for each in errors(tmp_path / "%03d.png")] == [0.0] * 3
    jpeg = errors(tmp_path / "%03d.jpg")
    assert [each.basis for each in jpeg] == ["tables"] * 3
    assert all(1 < each.levels < 12 for each in jpeg)


def test_a_lossless_copy_of_a_blocky_clip_is_seen(tmp_path: Path) -> None:
    clip = quantised(tmp_path / "a.mkv", "mjpeg", 24, pix_fmt="yuvj420p", size=(160, 96))
    with av.open(str(clip.path)) as file:
        pictures = list(file.decode(video=0))
    plain = [image.reformat(format="yuv420p") for image in pictures]
    copy = make_clip(tmp_path / "b.mkv", codec="ffv1", pictures=plain)
    found = errors(copy.path)
    assert {each.basis for each in found} == {"picture"}
    assert np.median([each.levels for each in found]) > 0.3


@pytest.mark.parametrize("draw", [noise, picture, textured])
def test_pictures_that_were_never_coded_show_no_grid(draw: Any) -> None:
    steps = differences(samples(draw(320, 180))[0])
    assert grid_levels(steps) == 0
    assert blocking(steps[:, :8]) == 0
    assert blocking(steps[:0]) == 0


def test_blocks_say_where_quantisers_differ(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.mkv", "mpeg4", {"b": "60000", "mpv_flags": "+naq"}, size=(98, 66))
    for each in errors(clip.path):
        assert each.blocks is not None
        assert each.blocks.shape == (5, 7)
        assert each.blocks.dtype == np.float32
        assert each.blocks.min() > 0
        assert each.blocks.mean() == pytest.approx(each.levels, rel=0.2)


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"crf": "27", "preset": "fast", "x264-params": "keyint=8:scenecut=0"}),
        ("libx265", {"x265-params": "log-level=none:pools=none:crf=30:keyint=8:scenecut=0"}),
        ("libsvtav1", {"crf": "40", "g": "7"}),
        ("libvpx-vp9", {"crf": "40", "b": "0", "g": "8"}),
        ("mpeg4", {"b": "90000", "bf": "2", "g": "8"}),
    ],
)
def test_a_frame_has_the_same_error_wherever_decoding_starts(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    clip = coded(tmp_path / "a.mkv", codec, options, frames=24)
    whole = errors(clip.path)
    for start in (3, 8, 9, 13, 17):
        part = errors(clip.path, start_s=start / 25, duration_s=5 / 25)
        assert part[:5] == whole[start : start + 5]


RAW = [
    ("libx264", "h264", {"crf": "26", "x264-params": "keyint=10:b-adapt=0:bframes=3:threads=1"}),
    ("libx264", "mpg", {"crf": "26", "x264-params": "keyint=10:b-adapt=0:bframes=3:threads=1"}),
    ("libx264", "avi", {"crf": "26", "x264-params": "keyint=10:b-adapt=0:bframes=3:threads=1"}),
    ("libx265", "hevc", {"x265-params": "log-level=none:pools=none:crf=28:keyint=10"}),
]


@pytest.mark.parametrize(("codec", "suffix", "options"), RAW)
def test_streams_without_times_say_what_the_same_ones_with_times_say(
    tmp_path: Path, codec: str, suffix: str, options: dict[str, str]
) -> None:
    timed = coded(tmp_path / "a.mkv", codec, options, frames=24)
    raw = coded(tmp_path / f"a.{suffix}", codec, options, frames=24)
    found = errors(raw.path)
    assert found == errors(timed.path)
    assert {each.basis for each in found} == {"quantiser"}
    assert errors(raw.path, start_s=0.4, duration_s=0.4) == found[10:20]


def test_numbers_of_packets_without_times_leave_the_pictures(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.h264", "libx264", {"crf": "26"}, frames=12)
    with FileSource(clip.path) as source:
        times = [item.pts or 0 for item in source if isinstance(item, Frame)]
        assert source.counts.synthesised_pts == 12
    assert np.ptp(np.diff(times)) <= 1


@pytest.mark.parametrize("suffix", ["mkv", "h264"])
def test_threads_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    clip = coded(tmp_path / f"a.{suffix}", "libx264", {"crf": "27", "preset": "fast"}, frames=24)
    many = errors(clip.path)
    prepare = FileSource._prepare

    def alone(self: FileSource) -> None:
        prepare(self)
        self.stream.thread_count = 1

    monkeypatch.setattr(FileSource, "_prepare", alone)
    assert errors(clip.path) == many


@pytest.mark.parametrize("codec", ["libvpx-vp9", "mpeg2video", "mpeg4"])
def test_pixels_are_the_same_without_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    clip = coded(tmp_path / "a.mkv", codec, {}, size=(98, 66))
    asked = frames(clip.path)
    monkeypatch.setattr(codecs, "_EXPORTING", frozenset())
    for one, other in zip(asked, frames(clip.path), strict=True):
        assert one.coding_error is not None
        assert one.coding_error.basis == "quantiser"
        assert other.coding_error is None or other.coding_error.basis != "quantiser"
        assert all(map(torch.equal, one.planes, other.planes))


def test_interlaced_frames_keep_their_error_through_the_deinterlacer(tmp_path: Path) -> None:
    clip = quantised(tmp_path / "a.mkv", "mpeg2video", 8, interlaced=True)
    found = errors(clip.path)
    assert len(found) == 6
    assert {each.basis for each in found} == {"quantiser"}


def test_a_turned_picture_has_no_blocks(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.mp4", "mpeg4", {"b": "60000"}, rotation=90)
    turned, plain = errors(clip.path, upright=True), errors(clip.path)
    assert all(each.blocks is None for each in turned)
    assert all(each.blocks is not None for each in plain)
    assert [each.levels for each in turned] == [each.levels for each in plain]


def test_ten_bits_are_told_in_levels_of_eight(tmp_path: Path) -> None:
    told = []
    for kind, qp in (("yuv420p", "30"), ("yuv420p10le", "42")):
        clip = coded(
            tmp_path / f"{kind}.mkv", "libx264", ONE_QP | {"qp": qp}, pix_fmt=kind, size=(160, 96)
        )
        told.append(np.mean([each.levels for each in errors(clip.path)]))
    assert told[1] == pytest.approx(told[0], rel=0.1)


def test_a_decoder_that_exports_nothing_is_judged_by_bytes(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.mkv", "mpeg4", {"b": "90000"})
    with av.open(str(clip.path)) as file:
        stream = file.streams.video[0]
        coding = CodingErrors("mpeg4", exported=False)
        for packet in file.demux(stream):
            coding.packet(packet)
            for image in packet.decode():
                coding.picture(image)
                on_gpu = coding.of(None, 8)
                assert on_gpu is not None
                assert on_gpu.basis == "bytes"
                assert 0 < on_gpu.levels <= 16


def test_the_option_is_for_decoders_that_know_it() -> None:
    for name in ("h264", "vp9", "mpeg2video", "hevc", "png", "libdav1d"):
        context = av.CodecContext.create(name, "r")
        assert isinstance(context, av.VideoCodecContext)
        codecs.export_quantisers(context)
        asked = "export_side_data" in context.options
        assert asked == (name in ("vp9", "mpeg2video"))


def test_reading_leaves_nothing_to_the_collector_of_cycles(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.mkv", "libx264", {"crf": "27"}, frames=60)
    with FileSource(clip.path) as source:
        items = iter(source)
        for _ in range(10):
            next(items)
        gc.collect()
        gc.disable()
        try:
            seen = sum(isinstance(item, Frame) for item in items)
            assert seen == 50
            assert gc.collect() < 20
        finally:
            gc.enable()


LONG: list[tuple[str, dict[str, str]]] = [
    ("libx264", {"b": "60000", "x264-params": "keyint=40:scenecut=0:bframes=3:open-gop=1"}),
    ("libvpx-vp9", {"b": "50000", "g": "40", "lag-in-frames": "8", "auto-alt-ref": "1"}),
    ("mpeg2video", {"b": "120000", "bf": "2", "g": "15"}),
]


@pytest.mark.parametrize(("codec", "options"), LONG)
def test_values_that_fade_into_the_next_group_are_the_same_wherever_decoding_starts(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    clip = coded(tmp_path / "a.mkv", codec, options, frames=100)
    whole = errors(clip.path)
    assert len({each.levels for each in whole}) > 10
    for start in (20, 45, 78):
        assert errors(clip.path, start_s=start / 25)[:-1] == whole[start:-1]
        part = errors(clip.path, start_s=start / 25, duration_s=5 / 25)
        assert part == whole[start : start + 5]


def test_neighbours_in_a_steady_scene_differ_by_less_than_5_percent(tmp_path: Path) -> None:
    options = {"crf": "24", "preset": "veryfast", "x264-params": "keyint=30:scenecut=0"}
    clip = coded(tmp_path / "a.mkv", "libx264", options, size=(160, 96), frames=80)
    levels = np.log([each.levels for each in errors(clip.path)])
    assert np.abs(np.diff(levels)).max() < np.log(1.05)
