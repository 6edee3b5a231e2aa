"""Real files that break naive tools: each keeps its times, sound and tags, or fails cleanly."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

import vidsr
from tests.makers.small_network import small_network
from tests.paths import find_data
from vidsr import VidsrError

BUDGET_PIXELS = 600_000  # of input a file: the whole corpus in about a minute and a half
LEAST_FRAMES = 3
# Matroska counts milliseconds: each of two times is rounded by half of one.
TOLERANCE_S = Fraction(1001, 1_000_000)
# MP4's edit lists count milliseconds too, rounded down, and the track itself in its own ticks.
OFFSET_TOLERANCE_S = Fraction(1500, 1_000_000)
UNSPECIFIED = 2
FASTEST: dict[str, Any] = {"device": "cpu", "precision": "fp32", "preset": "ultrafast"}

CLIPS = find_data() / "clips"
FILES = sorted(p for p in CLIPS.rglob("*") if p.is_file()) if CLIPS.is_dir() else []
IN_MP4 = ("sample_with_srt", "hdr10-av1", "video_90", "non_zero_start", "torchcodec_bt601")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.slow,
    pytest.mark.skipif(not FILES, reason=f"no clips at {CLIPS}; VIDSR_DATA names another folder"),
]


@dataclass
class Seen:
    """What plain PyAV finds in a file."""

    times: list[Fraction | None] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    audio: dict[int, list[bytes]] = field(default_factory=dict)
    first_sound: Fraction | None = None
    matrix: int = UNSPECIFIED
    value_range: int = 0
    rotation: int = 0
    depth: int = 8
    aspect: Fraction = Fraction(1)
    damaged: bool = False
    whole: bool = True

    @property
    def in_order(self) -> bool:
        known = [t for t in self.times if t is not None]
        return len(known) == len(self.times) and all(a < b for a, b in pairwise(known))

    @property
    def sound_offset(self) -> Fraction | None:
        """From the first packet of sound to the first picture."""
        if self.first_sound is None or not self.times or self.times[0] is None:
            return None
        return self.times[0] - self.first_sound


def look(path: Path, pixels: int | None = None) -> Seen:
    """Decode a file, the first ``pixels`` of it where that is given."""
    seen = Seen()
    try:
        container = av.open(str(path))
    except (av.FFmpegError, ValueError, OSError):
        return seen
    with container:
        videos = [s for s in container.streams.video if s.codec_context is not None]
        if not videos:
            return seen
        best = container.streams.best("video")
        video = best if best in videos else videos[0]
        video.thread_type = "SLICE"
        seen.aspect = Fraction(video.sample_aspect_ratio or 1) or Fraction(1)
        # A track that names no codec cannot be copied; vidsr says so and drops it.
        known = [s for s in container.streams.audio if s.codec_context is not None]
        seen.audio = {s.index: [] for s in known}
        for packet in container.demux():
            if packet.stream.index in seen.audio and packet.size:
                seen.audio[packet.stream.index].append(bytes(packet))
                if seen.first_sound is None and packet.pts is not None:
                    seen.first_sound = packet.pts * packet.time_base
            if packet.stream.index == video.index:
                try:
                    images = packet.decode()
                except av.FFmpegError:
                    seen.damaged = True
                    continue
                for image in images:
                    assert isinstance(image, av.VideoFrame)
                    note(seen, image)
                if pixels is not None and budget_spent(seen, pixels):
                    seen.whole = False
                    break
    return seen


def note(seen: Seen, image: av.VideoFrame) -> None:
    base = image.time_base
    seen.times.append(None if image.pts is None or base is None else image.pts * base)
    seen.sizes.add((image.width, image.height))
    seen.damaged = seen.damaged or image.is_corrupt
    seen.depth = max(c.bits for c in image.format.components)
    seen.matrix, seen.value_range = int(image.colorspace), int(image.color_range)
    seen.rotation = image.rotation


def frames_within(seen: Seen, pixels: int) -> int:
    width, height = next(iter(seen.sizes))
    return max(LEAST_FRAMES, pixels // (width * height))


def budget_spent(seen: Seen, pixels: int) -> bool:
    return bool(seen.sizes) and len(seen.times) > frames_within(seen, pixels)


def enlarge(source: Path, target: Path, seen: Seen) -> int:
    """Enlarge the part of the file that was looked at. Returns how many frames must come out."""
    if seen.whole:  # nothing to cut, or nothing that decodes
        vidsr.upscale(source, target, model=small_network(), **FASTEST)
        return len(seen.times)
    count = len(seen.times) - 1
    first, last, beyond = (seen.times[i] for i in (0, count - 1, count))
    if first is None or last is None or beyond is None:  # a raw stream: 25 frames a second
        length = Fraction(2 * count - 1, 50)
    else:
        length = (last + beyond) / 2 - first
    vidsr.upscale(source, target, model=small_network(), **FASTEST, duration=float(length))
    return count


def assert_times(before: Seen, after: Seen) -> None:
    """Every picture as long after the first, and the first as long after the sound, as it was."""
    if not before.in_order:
        # Times that stand still are moved by a tick, which Matroska may round away again.
        known = [t for t in after.times if t is not None]
        assert known == sorted(known)
        assert len(known) == len(after.times)
        return
    old = [t - before.times[0] for t in before.times]  # type: ignore[operator]
    new = [t - after.times[0] for t in after.times]  # type: ignore[operator]
    for number, (one, other) in enumerate(zip(old, new, strict=False)):
        assert abs(one - other) <= TOLERANCE_S, f"frame {number}"
    if before.sound_offset is not None and after.sound_offset is not None:
        assert abs(before.sound_offset - after.sound_offset) <= OFFSET_TOLERANCE_S
    elif before.first_sound is None and before.times[0] >= 0:  # type: ignore[operator]
        assert abs(before.times[0] - after.times[0]) <= TOLERANCE_S  # type: ignore[operator]


def assert_sound(before: Seen, after: Seen) -> None:
    """Packet for packet the same bytes; a transport stream's ADTS headers stay behind."""
    assert len(before.audio) == len(after.audio)
    if not before.whole:
        return
    for old, new in zip(before.audio.values(), after.audio.values(), strict=True):
        assert len(old) == len(new)
        for one, other in zip(old, new, strict=True):
            assert one == other or (one[:1] == b"\xff" and one[7:] == other)


def assert_picture(before: Seen, after: Seen) -> None:
    width, height = next(iter(before.sizes))
    assert after.sizes == {(2 * width, 2 * height)}
    assert after.depth >= before.depth
    if before.matrix != UNSPECIFIED:
        assert after.matrix == before.matrix
    if before.value_range:
        assert after.value_range == before.value_range
    assert after.rotation == before.rotation
    assert abs(after.aspect / before.aspect - 1) < Fraction(1, 1000)


def assert_clean_failure(failure: VidsrError, target: Path) -> None:
    assert "\n" not in str(failure)
    assert list(target.parent.iterdir()) == []


def hold(source: Path, target: Path) -> None:
    before = look(source, BUDGET_PIXELS)
    if not before.times:
        with pytest.raises(VidsrError) as caught:
            enlarge(source, target, before)
        assert_clean_failure(caught.value, target)
        return
    try:
        count = enlarge(source, target, before)
    except VidsrError as error:
        if not before.damaged and len(before.sizes) == 1:
            raise
        assert_clean_failure(error, target)
        return
    assert [p.name for p in target.parent.iterdir()] == [target.name]
    after = look(target)
    # Without usable times (AVI, raw streams) the end of a cut may fall some frames apart: B-frames.
    slack = 0 if before.whole or before.in_order else 3
    assert abs(len(after.times) - count) <= slack
    before.times = before.times[:count]
    assert_times(before, after)
    assert_sound(before, after)
    if len(before.sizes) == 1:
        assert_picture(before, after)


@pytest.mark.parametrize("source", FILES, ids=lambda p: p.name)
def test_the_contract_holds(source: Path, tmp_path: Path) -> None:
    hold(source, tmp_path / "large.mkv")


@pytest.mark.parametrize(
    "source",
    [p for p in FILES if any(part in p.name for part in IN_MP4)],
    ids=lambda p: p.name,
)
def test_the_contract_holds_in_mp4(source: Path, tmp_path: Path) -> None:
    hold(source, tmp_path / "large.mp4")


def test_the_corpus_is_the_one_these_tests_were_written_for() -> None:
    """An empty folder would pass everything."""
    assert len(FILES) >= 30
