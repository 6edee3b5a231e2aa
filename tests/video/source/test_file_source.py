"""Reading video: timing, windows, interlacing, rotation, damage, and what is refused."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from tests.makers.clips import (
    Clip,
    Tags,
    Tone,
    damage,
    decode,
    interlaced_pictures,
    make_audio,
    make_clip,
    noise,
    picture,
    samples,
    truncate,
)
from vidsr.errors import InputError, VidsrError
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource

# x264's "medium" has three B-frames, reorders, and looks ahead: many frames are held back.
REORDERED = {"preset": "medium", "x264-params": "keyint=12:scenecut=0:open-gop=1"}


def read(path: Path, **choices: Any) -> tuple[FileSource, list[Frame], list[Any]]:
    """The closed source, its frames and the packets of other streams."""
    with FileSource(path, **choices) as source:
        items = list(source)
    frames = [item for item in items if isinstance(item, Frame)]
    return source, frames, [item for item in items if not isinstance(item, Frame)]


def times(source: FileSource, frames: list[Frame]) -> list[Fraction]:
    return [(frame.pts or 0) * source.time_base for frame in frames]


def arrays(frame: Frame) -> list[np.ndarray[Any, Any]]:
    return [plane.numpy() for plane in frame.planes]


def same(frame: Frame, image: av.VideoFrame | Frame) -> bool:
    """Whether all planes are equal, bit for bit."""
    other = arrays(image) if isinstance(image, Frame) else samples(image)
    return all(np.array_equal(a, b) for a, b in zip(arrays(frame), other, strict=True))


# --- timing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_uneven_times_are_kept_exactly(tmp_path: Path, suffix: str) -> None:
    pts = [0, 33, 34, 100, 101, 500, 507, 1000]
    clip = make_clip(
        tmp_path / f"a.{suffix}", pts=pts, time_base=Fraction(1, 1000), options=REORDERED
    )
    source, frames, _ = read(clip.path)
    assert times(source, frames) == clip.times
    assert source.counts.retimed == source.counts.synthesised_pts == 0


def test_a_start_that_is_not_zero_is_kept(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", pts=range(50, 58), options=REORDERED)
    source, frames, _ = read(clip.path)
    assert times(source, frames) == clip.times


def test_an_mpeg_ts_keeps_its_own_clock(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.ts", frames=12, options=REORDERED)
    source, frames, _ = read(clip.path)
    plain = decode(clip.path)
    assert [f.pts for f in frames] == [p.pts for p in plain]
    assert times(source, frames)[0] > 0


def test_frames_before_an_edit_list_are_not_shown(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=[-5, 0, 3, 9], time_base=Fraction(1, 25))
    source, frames, _ = read(clip.path)
    assert times(source, frames) == [Fraction(n, 25) for n in (0, 3, 9)]


def test_a_raw_bitstream_gets_the_nominal_rate(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    clip = make_clip(tmp_path / "a.264", frames=31, rate=rate, options=REORDERED)
    source, frames, _ = read(clip.path)
    assert source.counts.synthesised_pts == len(frames) == 31
    # The stream's clock does not hold 1001/30000 s: each time is right to one tick, without drift.
    for number, time in enumerate(times(source, frames)):
        assert abs(time - number / rate) <= source.time_base
    assert f"31 frames have no timestamp: {float(rate):g} fps assumed" in source.notes.said


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_an_avi_with_b_frames_is_put_in_order(tmp_path: Path, codec: str) -> None:
    options = REORDERED if codec == "libx264" else {}
    clip = make_clip(tmp_path / "a.avi", frames=24, codec=codec, bframes=2, options=options)
    source, frames, _ = read(clip.path)
    assert source.stream.codec_context.has_b_frames
    assert times(source, frames) == [Fraction(n, 25) for n in range(24)]
    assert source.counts.retimed == 0


def test_times_that_repeat_are_moved_and_counted(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.ts", frames=6)
    twice = tmp_path / "b.ts"
    twice.write_bytes(first.path.read_bytes() * 2)
    source, frames, _ = read(twice)
    stamps = times(source, frames)
    assert len(frames) == 12
    assert stamps == sorted(set(stamps))
    assert source.counts.retimed == 6
    assert "6 timestamps did not increase and were moved" in source.notes.said


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_held_back_frames_all_come_out(tmp_path: Path, count: int) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=count, options=REORDERED)
    source, frames, _ = read(clip.path)
    assert len(frames) == source.counts.decoded == count
    assert all(same(f, p) for f, p in zip(frames, decode(clip.path), strict=True))


# --- windows ---------------------------------------------------------------------------------

CONTAINERS = [
    ("mp4", "libx264"),
    ("mkv", "libx264"),
    ("ts", "libx264"),
    ("flv", "libx264"),
    ("avi", "libx264"),
    ("mp4", "mpeg4"),
    ("avi", "mpeg4"),
    ("mpg", "mpeg2video"),
    ("264", "libx264"),
]


@pytest.mark.parametrize(("suffix", "codec"), CONTAINERS)
def test_any_start_finds_the_frame_it_names(tmp_path: Path, suffix: str, codec: str) -> None:
    """Demuxers seek by decoding time or bit rate: the open GOPs and B-frames here lost frames."""
    options = REORDERED if codec == "libx264" else {}
    clip = make_clip(
        tmp_path / f"a.{suffix}", frames=40, codec=codec, gop=12, bframes=2, options=options
    )
    _, whole, _ = read(clip.path)
    assert len(whole) == 40
    for number in (1, 11, 12, 13, 22, 23, 24, 25, 35, 38, 39):
        source, frames, _ = read(clip.path, start_s=number / 25)
        assert len(frames) == 40 - number
        assert all(same(a, b) for a, b in zip(frames, whole[number:], strict=True))
        # From zero, to one tick of the container's clock.
        for shown, time in enumerate(times(source, frames)):
            assert abs(time - Fraction(shown, 25)) <= Fraction(1, 1000)


@pytest.mark.parametrize(
    ("start_s", "duration_s", "first", "count"),
    [(None, 0.1, 0, 1), (0.1, 0.1, 1, 1), (0.3, 0.3, 3, 3), (0.7, 0.7, 7, 7), (1.1, 0.01, 11, 1)],
)
def test_decimals_are_exact(
    tmp_path: Path, start_s: float | None, duration_s: float, first: int, count: int
) -> None:
    """0.1 in binary is a little more than a tenth, 0.3 a little less: neither may matter."""
    clip = make_clip(tmp_path / "a.mp4", frames=20, rate=10)
    _, whole, _ = read(clip.path)
    source, frames, _ = read(clip.path, start_s=start_s, duration_s=duration_s)
    assert len(frames) == count
    assert same(frames[0], whole[first])
    assert times(source, frames)[0] == 0


@pytest.mark.parametrize("kind", [("mp4", "aac"), ("mkv", "flac"), ("ts", "aac")])
def test_sound_is_cut_and_shifted_with_the_picture(tmp_path: Path, kind: tuple[str, str]) -> None:
    suffix, codec = kind
    clip = make_clip(tmp_path / f"a.{suffix}", frames=60, gop=10, audio=Tone(codec))
    all_source, all_frames, all_packets = read(clip.path)
    origin = all_source.window.origin
    source, frames, packets = read(clip.path, start_s=1, duration_s=0.5)
    begin, end = origin + 1, source.window.end
    assert end is not None
    kept = [p for p in all_packets if begin <= p.pts * p.time_base < end]
    assert kept
    # The target's zero is the tick of the video nearest to the start.
    moved = [p.pts * p.time_base for p in packets]
    tick = packets[0].time_base
    assert len(moved) == len(kept)
    shift = source.window.start
    assert shift is not None
    assert abs(shift - begin) <= source.time_base / 2
    for packet, time in zip(kept, moved, strict=True):
        assert abs(packet.pts * packet.time_base - shift - time) <= tick
    expected = [t - shift for t in times(all_source, all_frames) if shift <= t < end]
    assert times(source, frames) == expected


def test_a_coarse_video_clock_does_not_part_sound_from_picture(tmp_path: Path) -> None:
    """An AVI counts whole frames: a start between two of them must shift both by the same."""
    clip = make_clip(tmp_path / "a.avi", frames=50, codec="mpeg4", audio=Tone("pcm_s16le"))
    _, _, all_packets = read(clip.path)
    source, frames, packets = read(clip.path, start_s=0.45)
    shift = source.window.start
    assert shift in (Fraction(11, 25), Fraction(12, 25))
    later = [p.pts * p.time_base for p in all_packets if p.pts * p.time_base >= shift]
    assert abs(packets[0].pts * packets[0].time_base - (later[0] - shift)) <= Fraction(1, 48000)
    assert times(source, frames)[0] == 0


def test_sound_read_before_the_first_frame_is_cut_too(tmp_path: Path) -> None:
    """The decoder holds back many frames: meanwhile sound from after the end passes by."""
    clip = make_clip(tmp_path / "a.mkv", frames=60, options=REORDERED, audio=Tone("flac"))
    source, frames, packets = read(clip.path, duration_s=0.04)
    assert len(frames) == 1
    assert packets
    assert source.window.end == Fraction(1, 25)
    assert max(p.pts * p.time_base for p in packets) < Fraction(1, 25)


@pytest.mark.parametrize("suffix", ["mp4", "ts", "avi", "264"])
def test_a_start_behind_the_end_is_refused(tmp_path: Path, suffix: str) -> None:
    codec = "mpeg4" if suffix == "avi" else "libx264"
    clip = make_clip(tmp_path / f"a.{suffix}", frames=10, codec=codec)
    with pytest.raises(InputError, match="no frame lies in the part asked for from 9 s on"):
        FileSource(clip.path, start_s=9)


def test_a_window_on_uneven_times(tmp_path: Path) -> None:
    pts = [0, 40, 41, 300, 301, 302, 900]
    clip = make_clip(tmp_path / "a.mkv", pts=pts, time_base=Fraction(1, 1000), options=REORDERED)
    source, frames, _ = read(clip.path, start_s=0.041, duration_s=0.261)
    assert times(source, frames) == [Fraction(n, 1000) for n in (0, 259, 260)]


# --- interlacing -----------------------------------------------------------------------------


def combing(image: np.ndarray[Any, Any]) -> float:
    """Mean energy of what alternates from line to line."""
    lines = image.astype(np.float64)
    return float(np.mean((lines[1:-1] - (lines[:-2] + lines[2:]) / 2) ** 2))


INTERLACED = [("mp4", "libx264", "yuv420p"), ("mpg", "mpeg2video", "yuv420p")]


@pytest.mark.parametrize(("suffix", "codec", "pix_fmt"), INTERLACED)
def test_interlaced_frames_become_progressive(
    tmp_path: Path, suffix: str, codec: str, pix_fmt: str
) -> None:
    drawn = interlaced_pictures(10, pix_fmt=pix_fmt)
    clip = make_clip(tmp_path / f"a.{suffix}", codec=codec, interlaced=True, pictures=drawn)
    plain = decode(clip.path)
    assert all(image.interlaced_frame for image in plain)
    source, frames, _ = read(clip.path)
    assert [f.pts for f in frames] == [image.pts for image in plain]
    assert source.counts.deinterlaced == 10
    assert source.info.interlaced
    before = np.mean([combing(samples(image)[0]) for image in plain])
    after = np.mean([combing(arrays(frame)[0]) for frame in frames])
    # Measured: about a fortieth; a fifth would still be a deinterlacer at work.
    assert after < before / 5


def test_interlaced_frames_keep_uneven_times(tmp_path: Path) -> None:
    """The deinterlacer counts in half ticks and gives each frame a call late."""
    pts = [0, 3, 4, 9, 20, 21, 50, 51]
    clip = make_clip(
        tmp_path / "a.mp4",
        pictures=interlaced_pictures(8),
        pts=pts,
        time_base=Fraction(1, 90),
        interlaced=True,
    )
    source, frames, _ = read(clip.path)
    assert times(source, frames) == clip.times
    source, frames, _ = read(clip.path, start_s=4 / 90, duration_s=17 / 90)
    assert times(source, frames) == [Fraction(n, 90) for n in (0, 5, 16)]


def test_deinterlace_off_changes_no_bit(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", interlaced=True, pictures=interlaced_pictures(6))
    source, frames, _ = read(clip.path, deinterlace="off")
    assert all(same(f, p) for f, p in zip(frames, decode(clip.path), strict=True))
    assert source.counts.deinterlaced == 0


def test_progressive_frames_are_never_touched(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pictures=interlaced_pictures(6))  # combed, not flagged
    source, frames, _ = read(clip.path)
    assert all(same(f, p) for f, p in zip(frames, decode(clip.path), strict=True))
    assert not source.info.interlaced


def test_mixed_material_is_right_frame_by_frame(tmp_path: Path) -> None:
    parts = [
        make_clip(
            tmp_path / f"{number}.264",
            pictures=interlaced_pictures(5),
            interlaced=number == 1,
        )
        for number in range(3)
    ]
    mixed = tmp_path / "mixed.264"
    mixed.write_bytes(b"".join(part.path.read_bytes() for part in parts))
    plain = decode(mixed)
    flags = [image.interlaced_frame for image in plain]
    assert flags == [False] * 5 + [True] * 5 + [False] * 5
    source, frames, _ = read(mixed)
    assert len(frames) == 15
    assert source.counts.deinterlaced == 5
    for frame, image, flag in zip(frames, plain, flags, strict=True):
        assert same(frame, image) != flag
    stamps = [frame.pts or 0 for frame in frames]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize("size", [(16, 4), (2, 2), (8, 8)])
def test_pictures_too_small_to_deinterlace(tmp_path: Path, size: tuple[int, int]) -> None:
    drawn = interlaced_pictures(3, *size)
    clip = make_clip(tmp_path / "a.mkv", codec="mpeg2video", pictures=drawn, interlaced=True)
    assert decode(clip.path)[0].interlaced_frame
    source, frames, _ = read(clip.path)
    assert len(frames) == 3
    left = "interlaced frames of this size or format are left as they are"
    assert (left in source.notes.said) == (size != (8, 8))


# --- rotation --------------------------------------------------------------------------------

ONE = 1 << 16
# Display matrix (a, b, c, d of x' = ax + cy, y' = bx + dy), and the same in numpy.
ORIENTATIONS: dict[str, tuple[tuple[int, int, int, int], Callable[[Any], Any]]] = {
    "180": ((-ONE, 0, 0, -ONE), lambda p: p[::-1, ::-1]),
    "mirror": ((-ONE, 0, 0, ONE), lambda p: p[:, ::-1]),
    "upside down": ((ONE, 0, 0, -ONE), lambda p: p[::-1]),
    "clockwise": ((0, ONE, -ONE, 0), lambda p: np.rot90(p, -1)),
    "counterclockwise": ((0, -ONE, ONE, 0), lambda p: np.rot90(p, 1)),
    "transpose": ((0, ONE, ONE, 0), lambda p: p.T),
    "antitranspose": ((0, -ONE, -ONE, 0), lambda p: np.rot90(p, 2).T),
}


def nine(a: int, b: int, c: int, d: int) -> tuple[int, ...]:
    return (a, b, 0, c, d, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_pictures_are_turned_upright(tmp_path: Path, name: str) -> None:
    numbers, turn = ORIENTATIONS[name]
    # Lossless, so that turning is all that happens to the samples.
    clip = make_clip(
        tmp_path / "a.mp4",
        options={"qp": "0"},
        pictures=[noise(22, 14, seed=i) for i in range(2)],
        matrix=nine(*numbers),
        sar=Fraction(4, 3),
    )
    source, frames, _ = read(clip.path)
    assert source.info.display_matrix == nine(*numbers)
    assert source.info.sample_aspect_ratio == Fraction(4, 3)
    source, frames, _ = read(clip.path, upright=True)
    assert source.info.display_matrix is None
    swapped = numbers[0] == 0
    assert source.info.sample_aspect_ratio == (Fraction(3, 4) if swapped else Fraction(4, 3))
    for frame, image in zip(frames, clip.pictures, strict=True):
        assert (frame.format.width, frame.format.height) == ((14, 22) if swapped else (22, 14))
        for plane, drawn in zip(arrays(frame), samples(image), strict=True):
            assert np.array_equal(plane, turn(drawn))


def test_an_upright_picture_stays(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    source, frames, _ = read(clip.path, upright=True)
    assert source.info.display_matrix is None
    assert all(same(f, p) for f, p in zip(frames, decode(clip.path), strict=True))


@pytest.mark.parametrize("pix_fmt", ["yuv422p", "yuv422p10le"])
def test_422_is_turned_as_444_and_keeps_its_tags(tmp_path: Path, pix_fmt: str) -> None:
    tags = Tags(matrix=9, primaries=9, transfer=16, range=1)
    clip = make_clip(tmp_path / "a.mp4", frames=2, pix_fmt=pix_fmt, rotation=90, tags=tags)
    source, frames, _ = read(clip.path, upright=True)
    layout = source.info.format
    assert layout.pixel.name == pix_fmt.replace("422", "444")
    assert (layout.color.matrix, layout.color.primaries, layout.color.transfer) == (9, 9, 16)
    assert not source.info.matrix_assumed
    luma = samples(decode(clip.path)[0])[0]
    assert any(np.array_equal(arrays(frames[0])[0], np.rot90(luma, k)) for k in (1, 3))
    assert source.counts.conformed == 0


def test_the_rotation_is_seen_from_a_start_in_the_middle(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=20, rotation=90)
    source, _, _ = read(clip.path, start_s=0.4)
    assert source.info.display_matrix is not None
    source, frames, _ = read(clip.path, start_s=0.4, upright=True)
    assert (frames[0].format.width, frames[0].format.height) == (48, 64)


def test_an_odd_angle_is_not_turned_but_said(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=2, rotation=30)
    source, frames, _ = read(clip.path, upright=True)
    assert (frames[0].format.width, frames[0].format.height) == (64, 48)
    assert "the display matrix is no quarter turn and is not carried over" in source.notes.said


# --- changes on the way ----------------------------------------------------------------------


def joined(path: Path, *parts: Clip) -> Path:
    path.write_bytes(b"".join(part.path.read_bytes() for part in parts))
    return path


def test_frames_keep_their_own_size(tmp_path: Path) -> None:
    small = make_clip(tmp_path / "a.264", frames=5)
    large = make_clip(tmp_path / "b.264", frames=4, size=(96, 80))
    source, frames, _ = read(joined(tmp_path / "c.264", small, large))
    assert [(f.format.width, f.format.height) for f in frames] == [(64, 48)] * 5 + [(96, 80)] * 4
    assert [f.planes[0].shape for f in frames[4:6]] == [(48, 64), (80, 96)]
    assert source.counts.resized == 4
    assert "the picture size changes mid-stream from 64x48" in source.notes.said


def test_the_format_of_the_first_frame_holds(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.264", frames=3, tags=Tags(1, 1, 1, 1))
    second = make_clip(tmp_path / "b.264", frames=3, pix_fmt="yuv444p", tags=Tags(1, 1, 1, 1))
    source, frames, _ = read(joined(tmp_path / "c.264", first, second))
    assert {f.format for f in frames} == {source.info.format}
    assert source.counts.conformed == 3
    assert sum("changes mid-stream" in note for note in source.notes.said) == 1


def test_a_change_of_range_is_converted(tmp_path: Path) -> None:
    def grey(level: int) -> av.VideoFrame:
        image = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(image.planes, (level, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        return image

    limited = make_clip(tmp_path / "a.264", pictures=[grey(126)] * 3, tags=Tags(1, 1, 1, 1))
    full = make_clip(tmp_path / "b.264", pictures=[grey(128)] * 3, tags=Tags(1, 1, 1, 2))
    source, frames, _ = read(joined(tmp_path / "c.264", limited, full))
    assert source.counts.conformed == 3
    # 128 of 255 is 16 + 219 * 128/255 = 125.9; one level for x264 and one for rounding.
    assert all(abs(float(f.planes[0].float().mean()) - 126) <= 2 for f in frames)
    assert {f.format for f in frames} == {source.info.format}


# --- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_damage_in_the_middle_is_concealed_and_counted(tmp_path: Path, suffix: str) -> None:
    drawn = [noise(64, 48, seed=i) for i in range(30)]  # 100 kB, so that the flaws hit pictures
    clip = make_clip(tmp_path / f"a.{suffix}", pictures=drawn, gop=10)
    flawed = damage(clip.path, tmp_path / f"b.{suffix}", count=30, part=(0.4, 0.6))
    source, frames, _ = read(flawed)
    counts = source.counts
    assert counts.concealed + counts.failed_packets > 0
    assert 20 <= len(frames) <= 30
    assert any("concealed" in n or "could not be decoded" in n for n in source.notes.said)
    stamps = times(source, frames)
    assert stamps == sorted(set(stamps))


def test_a_garbage_tail_is_an_error_that_names_the_frame(tmp_path: Path) -> None:
    drawn = [noise(64, 48, "gbrp", seed=i).reformat(format="rgb24") for i in range(60)]
    clip = make_clip(tmp_path / "a.mov", pictures=drawn, codec="png")
    with av.open(str(clip.path)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    data = clip.path.read_bytes()
    for packet in packets[20:]:
        assert data.count(packet) == 1
        data = data.replace(packet, bytes(len(packet)))
    (tmp_path / "b.mov").write_bytes(data)
    with pytest.raises(InputError, match=r"decoding died after frame 20: the last \d+ packets"):
        read(tmp_path / "b.mov")
    # The hint's remedy works: what decodes can be had.
    assert len(read(tmp_path / "b.mov", duration_s=0.76)[1]) == 19


@pytest.mark.parametrize("lost", [(57,), (58,), (59,), (56, 58), (30, 59)])
def test_a_flaw_near_the_end_takes_no_other_frame_with_it(
    tmp_path: Path, lost: tuple[int, ...]
) -> None:
    """The decoder's threads are drained in one call, which an error ends."""
    drawn = [noise(64, 48, "gbrp", seed=i).reformat(format="rgb24") for i in range(60)]
    clip = make_clip(tmp_path / "a.mov", pictures=drawn, codec="png")
    with av.open(str(clip.path)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    data = clip.path.read_bytes()
    for number in lost:
        data = data.replace(packets[number], bytes(len(packets[number])))
    (tmp_path / "b.mov").write_bytes(data)
    source, frames, _ = read(tmp_path / "b.mov")
    expected = [Fraction(n, 25) for n in range(60) if n not in lost]
    assert times(source, frames) == expected
    assert source.counts.failed_packets == len(lost)
    assert f"{len(lost)} packets could not be decoded" in source.notes.said


def test_a_flaw_in_a_clip_shorter_than_the_decoder_s_delay(tmp_path: Path) -> None:
    drawn = [noise(64, 48, "gbrp", seed=i).reformat(format="rgb24") for i in range(3)]
    clip = make_clip(tmp_path / "a.mov", pictures=drawn, codec="png")
    with av.open(str(clip.path)) as file:
        first = next(bytes(packet) for packet in file.demux(video=0))
    clip.path.write_bytes(clip.path.read_bytes().replace(first, bytes(len(first))))
    source, frames, _ = read(clip.path)
    assert times(source, frames) == [Fraction(1, 25), Fraction(2, 25)]
    assert source.counts.failed_packets == 1


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", ["mkv", "ts", "mp4"])
def test_a_truncated_file_gives_what_it_holds(tmp_path: Path, suffix: str, part: float) -> None:
    drawn = [noise(64, 48, seed=i) for i in range(20)]
    clip = make_clip(tmp_path / f"a.{suffix}", pictures=drawn)
    cut = truncate(clip.path, tmp_path / f"b.{suffix}", part)
    if suffix == "mp4":  # its index stands at the end
        with pytest.raises(InputError, match="cannot be opened"):
            read(cut)
        return
    _, frames, _ = read(cut)
    # Frames are of equal size: the part of the file is the part of the frames, give or take two.
    assert abs(len(frames) - 20 * part) <= 2


def test_an_mp4_cut_behind_its_index_is_said_to_be_incomplete(tmp_path: Path) -> None:
    drawn = [noise(64, 48, seed=i) for i in range(20)]
    options = {"movflags": "faststart"}
    clip = make_clip(tmp_path / "a.mp4", pictures=drawn, container_options=options)
    source, frames, _ = read(truncate(clip.path, tmp_path / "b.mp4", 0.5))
    assert 7 <= len(frames) <= 11
    assert any("the file announces 20 frames" in note for note in source.notes.said)


def test_mutated_files_fail_cleanly(tmp_path: Path) -> None:
    """Only a VidsrError may come out, and frames that do come have increasing times."""
    clip = make_clip(tmp_path / "a.mp4", frames=12, audio=Tone(), bframes=2, options=REORDERED)
    for seed in range(20):
        flawed = damage(clip.path, tmp_path / "b.mp4", seed=seed, count=1 + 5 * (seed % 4))
        try:
            _, frames, _ = read(flawed, start_s=0.2 if seed % 3 == 0 else None)
        except VidsrError:
            continue
        stamps = [frame.pts or 0 for frame in frames]
        assert stamps == sorted(set(stamps))


# --- what is refused -------------------------------------------------------------------------


def test_refusals_name_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video at all\n" * 50)
    (tmp_path / "text.txt").write_text("hello world\n" * 50)
    (tmp_path / "random.mkv").write_bytes(np.random.default_rng(0).bytes(5000))
    for name, reason in {
        "empty.mp4": "is empty",
        "text.mp4": "cannot be opened",
        "text.txt": "is a text file",
        "random.mkv": "cannot be opened",
        "nothing.mp4": "no such file",
        "x" * 300: "File name too long",
        ".": "is a folder",
    }.items():
        with pytest.raises(InputError, match=reason):
            FileSource(tmp_path / name)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no video stream \(streams: audio\)"):
        FileSource(make_audio(tmp_path / "a.m4a"))


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    still = picture(64, 64, "yuvj420p")
    with av.open(str(path), "w") as target:
        sound = target.add_stream("aac", rate=48000)
        cover: Any = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        quiet.sample_rate = 48000
        target.mux([*cover.encode(still), *cover.encode(None)])
        target.mux([*sound.encode(quiet), *sound.encode(None)])
    with pytest.raises(InputError, match="no video stream"):
        FileSource(path)


def test_an_unknown_codec_has_no_decoder(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=2, codec="ffv1")
    data = clip.path.read_bytes()
    assert data.count(b"V_FFV1") == 1
    clip.path.write_bytes(data.replace(b"V_FFV1", b"V_WHAT"))
    with pytest.raises(InputError, match="no decoder for the video stream"):
        FileSource(clip.path)


# --- what is told, and the end of it ---------------------------------------------------------


def test_notes_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="vidsr")  # what is chosen is no warning
    clip = make_clip(tmp_path / "a.mp4", interlaced=True, pictures=interlaced_pictures(8))
    source, _, _ = read(clip.path, start_s=0.08)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == list(source.notes.said)
    assert len(messages) == len(set(messages)) == 2


def test_info_describes_the_stream(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=25, sar=Fraction(8, 9), tags=Tags(1, 1, 1, 1))
    info = read(clip.path)[0].info
    assert (info.codec, info.container.split(",")[0]) == ("h264", "mov")
    assert (info.format.width, info.format.height, info.format.pixel.name) == (64, 48, "yuv420p")
    assert (info.format.color.matrix, info.format.color.range) == (1, 1)
    assert info.rate == 25
    assert info.sample_aspect_ratio == Fraction(8, 9)
    assert info.duration_s == pytest.approx(1.0)
    assert info.frames == 25
    assert not info.matrix_assumed


def test_sound_that_ends_later_is_no_frame_of_matroska(tmp_path: Path) -> None:
    """A track says how long it is; the file's own length is that of its sound."""
    clip = make_clip(tmp_path / "a.mkv", frames=25, audio=Tone(duration_s=1.2))
    info = read(clip.path)[0].info
    assert info.frames == 25
    assert info.duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (720, 1)])
def test_an_unnamed_matrix_is_assumed_and_said(tmp_path: Path, height: int, matrix: int) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=1, size=(64, height))
    source, _, _ = read(clip.path)
    assert source.info.matrix_assumed
    assert source.info.format.color.matrix == matrix
    assert any("names no colour matrix" in note for note in source.notes.said)


@pytest.mark.parametrize(
    ("size", "level"),
    [((64, 48), "DEBUG"), ((64, 576), "DEBUG"), ((64, 600), "WARNING"), ((1280, 534), "WARNING"),
     ((1280, 720), "DEBUG")],
)  # fmt: skip
def test_an_assumed_matrix_is_warned_of_where_players_assume_another(
    size: tuple[int, int], level: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "vidsr")
    read(make_clip(tmp_path / "a.mp4", frames=1, size=size).path)
    said = [r for r in caplog.records if "no colour matrix" in r.message]
    assert [r.levelname for r in said] == [level]
    assert ("name the matrix in the source" in said[0].message) == (level == "WARNING")


def test_an_alpha_channel_is_left_out_and_said(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "%d.png", frames=1, codec="png", pix_fmt="rgba")
    source, frames, _ = read(clip.path)
    assert frames[0].format.pixel.name == "gbrp"
    assert "the alpha channel (transparency) is not carried over" in source.notes.said


def test_the_context_manager_closes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=4)
    with FileSource(clip.path) as source:
        pass
    with pytest.raises(AssertionError, match="not open"):
        source.container.seek(0)


def test_a_thread_reads_and_leaving_midway_does_not_hang(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=60, options=REORDERED, audio=Tone())
    seen: list[Any] = []

    def work() -> None:
        with FileSource(clip.path) as source:
            for item in source:
                seen.append(item)
                if len(seen) == 10:
                    return

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert len(seen) == 10
    # Frames stay readable when their source is closed.
    assert all(int(f.planes[0].sum()) > 0 for f in seen if isinstance(f, Frame))
