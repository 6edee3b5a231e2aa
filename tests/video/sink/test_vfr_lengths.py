"""Lengths of files whose frames are shown unequally long are the source's, in every box."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from tests.makers.boxes import box_lengths_s
from tests.makers.clips import FAST, MS_BASE, picture
from tests.makers.containers import enlarge
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource

STEADY = tuple(range(0, 400, 40))
# Times in milliseconds, the end of the last frame behind them.
CASES = {
    "pause before the last frame": (*STEADY, 9000, 9040),
    "pause before the last two": (*STEADY, 9000, 9033, 9066),
    "pause before the last three": (*STEADY, 9000, 9020, 9040, 9100),
    "pause before the last four": (*STEADY, 9000, 9020, 9040, 9060, 9100),
    "last frame is shown long": (*STEADY, 400, 4000),
    "pause after the first": (0, 6000, 6040, 6080, 6120, 6160, 6200, 6240),
    "pauses everywhere": (0, 33, 34, 500, 501, 1500, 1501, 1502, 9000, 9001, 12000, 12500),
    "two frames": (0, 5000, 5040),
    "one frame": (0, 3000),
    "steady": (*STEADY, 400, 440),
}


def make_source(path: Path, times: tuple[int, ...], codec: str = "ffv1") -> Path:
    """Write frames without reordering, each packet with the length that its frame is shown."""
    *stamps, _ = times
    lengths = dict(zip(stamps, (b - a for a, b in pairwise(times)), strict=True))
    options = FAST.get(codec, {}) | ({"bf": "0"} if codec == "libx264" else {})
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.time_base = stream.codec_context.time_base = MS_BASE
        images = [picture(32, 32, index=index) for index in range(len(stamps))]
        packets = []
        for image, stamp in zip(images, stamps, strict=True):
            image.pts, image.time_base = stamp, MS_BASE
            packets += stream.encode(image)
        for packet in packets + stream.encode(None):
            assert packet.pts is not None
            packet.duration = lengths[packet.pts]
            container.mux(packet)
    return path


def check_boxes(path: Path, length_s: float) -> None:
    for box, stated in box_lengths_s(path).items():
        assert stated == pytest.approx(length_s, abs=1.5e-3), box


def pts_ms(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [round(float(image.time or 0) * 1000) for image in container.decode(video=0)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", "mp4"), ("hevc", "mp4"), ("h264", "mov"), ("vp9", "mp4")]
)
def test_every_box_has_the_length_of_the_source(
    tmp_path: Path, case: str, codec: str, suffix: str
) -> None:
    source = make_source(tmp_path / "a.mkv", CASES[case])
    target = tmp_path / f"b.{suffix}"
    enlarge(source, target, codec=codec)
    check_boxes(target, CASES[case][-1] / 1000)
    assert pts_ms(target) == list(CASES[case][:-1])


@pytest.mark.parametrize("case", ["pause before the last two", "last frame is shown long"])
@pytest.mark.parametrize("codec", ["av1", "prores", "ffv1"])
def test_other_codecs(tmp_path: Path, case: str, codec: str) -> None:
    source = make_source(tmp_path / "a.mkv", CASES[case])
    target = tmp_path / ("b.mp4" if codec == "av1" else "b.mov" if codec == "prores" else "b.mkv")
    enlarge(source, target, codec=codec)
    if codec != "ffv1":
        check_boxes(target, CASES[case][-1] / 1000)
    assert pts_ms(target) == list(CASES[case][:-1])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_matroska_has_the_length_of_the_source(tmp_path: Path, case: str, suffix: str) -> None:
    source = make_source(tmp_path / "a.mp4", CASES[case], "libx264")
    target = tmp_path / f"b.{suffix}"
    enlarge(source, target)
    with av.open(str(target)) as container:
        assert container.duration is not None
        assert container.duration / av.time_base == pytest.approx(CASES[case][-1] / 1000, abs=2e-3)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_a_source_with_b_frames_is_read_as_long_as_it_says(
    tmp_path: Path, case: str, suffix: str
) -> None:
    """Its own target, upscaled again: with frames out of order, durations are no frame's own."""
    source = make_source(tmp_path / "a.mkv", CASES[case])
    middle, target = tmp_path / f"b.{suffix}", tmp_path / "c.mp4"
    enlarge(source, middle)
    enlarge(middle, target)
    check_boxes(target, CASES[case][-1] / 1000)


@pytest.mark.parametrize("case", CASES)
def test_a_transport_stream_keeps_every_time(tmp_path: Path, case: str) -> None:
    source = make_source(tmp_path / "a.mkv", CASES[case])
    target = tmp_path / "b.ts"
    enlarge(source, target)
    shown = pts_ms(target)
    assert [time - shown[0] for time in shown] == list(CASES[case][:-1])


def durations_ms(path: Path, **part: Any) -> list[int]:
    with FileSource(path, **part) as source:
        base = source.time_base
        return [round((f.duration or 0) * base * 1000) for f in source if isinstance(f, Frame)]


def test_a_frame_is_shown_until_the_next(tmp_path: Path) -> None:
    times = CASES["pauses everywhere"]
    wanted = [b - a for a, b in pairwise(times)]
    for suffix, codec in (("mkv", "ffv1"), ("mp4", "libx264"), ("mov", "libx264")):
        assert durations_ms(make_source(tmp_path / f"a.{suffix}", times, codec)) == wanted


@pytest.mark.parametrize(
    ("start_s", "duration_s", "wanted"),
    [
        (None, 0.4, [40] * 10),
        (None, 0.35, [40] * 9),  # a whole frame, as ever
        (None, 2, [40] * 9 + [1640]),  # in the pause: as long as was asked for
        (0.2, 2, [40] * 4 + [1840]),
        (0.2, None, [40] * 4 + [8640, 33, 33]),
    ],
)
def test_a_part_ends_where_it_was_to_end(
    tmp_path: Path, start_s: float | None, duration_s: float | None, wanted: list[int]
) -> None:
    source = make_source(tmp_path / "a.mkv", CASES["pause before the last two"])
    assert durations_ms(source, start_s=start_s, duration_s=duration_s) == wanted


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "ffv1"), ("mp4", "libx264")])
def test_a_file_without_its_end_does_not_stretch_its_last_frame(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    """What the header announces belongs to frames that are not there."""
    times = (*range(0, 4000, 40), 4000)
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    whole = make_source(tmp_path / f"a.{suffix}", times, codec)
    if options:
        with (
            av.open(str(whole)) as old,
            av.open(str(tmp_path / "f.mp4"), "w", options=options) as new,
        ):
            copy = new.add_stream_from_template(old.streams.video[0])
            for packet in old.demux(video=0):
                if packet.size:
                    packet.stream = copy
                    new.mux(packet)
        whole = tmp_path / "f.mp4"
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    shown = durations_ms(cut)
    assert 10 < len(shown) < 100
    assert shown[-1] == 40
