"""A start in the middle shows what a decode from the beginning shows, whatever is called a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.makers.clips import make_clip, picture
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource

FRAMES = 48
STARTS = (1, 13, 24, 25, 31, 40, 47)
NOTE = "key frames near the start build on earlier pictures"
X265 = "log-level=none:pools=none:"


def planes(path: Path, notes: Notes, **part: Any) -> tuple[list[list[np.ndarray[Any, Any]]], int]:
    """Return the planes of every frame, and how many frames were decoded."""
    with FileSource(path, notes=notes, **part) as source:
        frames = [f for f in source if isinstance(f, Frame)]
        shown = [[plane.numpy().copy() for plane in frame.planes] for frame in frames]
        return shown, source.counts.decoded


def check_starts(path: Path, rate: int = 25) -> tuple[set[str], list[int]]:
    """Compare starts with a decode of the whole; return the notes and frames decoded in vain."""
    whole, _ = planes(path, Notes())
    assert len(whole) == FRAMES
    said: set[str] = set()
    vain = []
    for number in STARTS:
        notes = Notes()
        shown, decoded = planes(path, notes, start_s=number / rate)
        assert len(shown) == FRAMES - number
        for frame, wanted in zip(shown, whole[number:], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(frame, wanted, strict=True))
        said.update(notes.said)
        vain.append(decoded - len(shown))
    return {text for text in said if text.startswith(NOTE)}, vain


def with_key_flags(source: Path, target: Path, every: int) -> Path:
    """Write a copy whose container calls every so many packets a key, as careless muxers do."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0], opaque=True)
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size:
                packet.is_keyframe = packet.is_keyframe or number % every == 0
                packet.stream = copy
                new.mux(packet)
    return target


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "flv"])
def test_an_intra_refresh_of_h264(tmp_path: Path, suffix: str) -> None:
    options = {"g": "12", "bf": "0", "x264-params": "intra-refresh=1"}
    clip = make_clip(tmp_path / f"a.{suffix}", frames=FRAMES, size=(160, 96), options=options)
    said, _ = check_starts(clip.path)
    assert said == {f"{NOTE}: decoding begins with the file"}


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_an_intra_refresh_of_hevc(tmp_path: Path, suffix: str) -> None:
    options = {"x265-params": X265 + "intra-refresh=1:keyint=12:bframes=0"}
    path = tmp_path / f"a.{suffix}"
    check_starts(make_clip(path, frames=FRAMES, codec="libx265", options=options).path)


@pytest.mark.parametrize(
    ("codec", "options", "suffix"),
    [
        ("libx264", {"g": "999", "bf": "0"}, "mp4"),
        ("libx264", {"g": "999", "bf": "2"}, "mkv"),
        ("libx265", {"x265-params": X265 + "keyint=999"}, "mp4"),
        ("libx265", {"x265-params": X265 + "keyint=999"}, "mkv"),
        ("mpeg2video", {"g": "600", "bf": "0"}, "mp4"),
        ("mpeg2video", {"g": "600", "bf": "0"}, "mkv"),
        ("mpeg1video", {"g": "600", "bf": "0"}, "mkv"),
        ("mpeg4", {"g": "600", "bf": "0"}, "mp4"),
        ("mpeg4", {"g": "600", "bf": "0"}, "avi"),
        ("libvpx", {"g": "999", "error-resilient": "1"}, "webm"),
        ("libvpx-vp9", {"g": "999", "error-resilient": "1"}, "webm"),
        ("libvpx-vp9", {"g": "999", "error-resilient": "1"}, "mp4"),
        ("libsvtav1", {"g": "999", "svtav1-params": "pred-struct=1"}, "mkv"),
        ("libsvtav1", {"g": "999"}, "mp4"),
        ("wmv2", {"g": "600"}, "avi"),
        ("flv1", {"g": "600"}, "flv"),
    ],
)
def test_a_container_that_calls_inter_pictures_keys(
    tmp_path: Path, codec: str, options: dict[str, str], suffix: str
) -> None:
    """Gradual refresh (MPEG-2), resilient frames (VP9, AV1): keys by the container's word alone."""
    clip = make_clip(tmp_path / f"a.{suffix}", frames=FRAMES, codec=codec, options=options)
    said, vain = check_starts(with_key_flags(clip.path, tmp_path / f"flagged.{suffix}", 12))
    # FFmpeg's own parsers contradict some of these containers: then no key frame is met at all.
    assert said in (set(), {f"{NOTE}: decoding begins with the file"})
    assert vain == list(STARTS)


@pytest.mark.parametrize(
    ("codec", "options", "suffix"),
    [
        ("libx264", {"g": "12", "bf": "2"}, "mp4"),
        ("libx264", {"g": "12", "bf": "2", "x264-params": "open-gop=1"}, "mkv"),
        ("libx265", {"x265-params": X265 + "keyint=12:min-keyint=12:open-gop=1"}, "mkv"),
        ("mpeg2video", {"g": "12", "bf": "2"}, "mkv"),
        ("mpeg1video", {"g": "12", "bf": "2"}, "mkv"),
        ("mpeg4", {"g": "12", "bf": "2"}, "mkv"),
        ("libvpx", {"g": "12"}, "webm"),
        ("libvpx-vp9", {"g": "12", "error-resilient": "1"}, "webm"),
        ("libsvtav1", {"g": "12"}, "mp4"),
        ("flv1", {"g": "12"}, "flv"),
        ("ffv1", {"g": "12"}, "mkv"),
    ],
)
def test_sound_key_frames_are_begun_at(
    tmp_path: Path, codec: str, options: dict[str, str], suffix: str
) -> None:
    """A proof that refused everything would be exact too, and slow."""
    clip = make_clip(tmp_path / f"a.{suffix}", frames=FRAMES, codec=codec, options=options)
    said, vain = check_starts(clip.path)
    assert not said
    assert max(vain) < 14


def beheaded(path: Path, target: Path) -> Path:
    """Write a clip without the packets of its first four frames."""
    with av.open(str(path)) as old, av.open(str(target), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size and number >= 4:
                packet.stream = copy
                new.mux(packet)
    return target


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
@pytest.mark.parametrize(
    ("start_s", "late_s", "lost"),
    [(None, 0.0, 8), (0, 0.32, 8), (0.1, 0.22, 5), (0.3, 0.0, 0), (0.5, 0.0, 0)],
)
def test_a_start_before_the_first_frame_that_can_be_decoded(
    start_s: float | None, late_s: float, lost: int, suffix: str, tmp_path: Path
) -> None:
    options = {"g": "12", "bf": "0"}
    clip = make_clip(tmp_path / f"a.{suffix}", frames=24, size=(160, 96), options=options)
    cut = beheaded(clip.path, tmp_path / f"b.{suffix}")
    with FileSource(cut, start_s=start_s) as source:
        told = source.info.frames
        frames = [item for item in source if isinstance(item, Frame)]
    assert (told, len(frames)) == ((12, 12) if start_s != 0.5 else (7, 7))
    assert source.counts.before_key == lost
    begins = f"the part begins {late_s:.2f} s late, with the first frame that can be decoded"
    assert (begins in source.notes.said) == (late_s > 0)
    if start_s is not None:
        assert 0 <= float((frames[0].pts or 0) * source.time_base) - late_s < 0.04


def test_further_back_lies_a_key_frame_that_is_one(tmp_path: Path) -> None:
    """An IDR picture every 20 seconds and a recovery point every 2: from the IDR, as is said."""
    options = {"g": "2", "bf": "0", "x264-params": "intra-refresh=1:keyint=2", "forced-idr": "1"}
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(FRAMES):
            image = picture(160, 96, index=number)
            image.pts = number
            if number in (0, 20):
                image.pict_type = av.video.frame.PictureType.I
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    said, vain = check_starts(path, rate=1)
    assert f"{NOTE}: decoding begins further back" in said
    assert vain[-1] < FRAMES - 20
