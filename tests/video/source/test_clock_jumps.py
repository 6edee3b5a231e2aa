"""Clocks that start again, and times before zero."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

import vidsr
from tests.makers.clips import Tone, make_clip, seconds
from tests.makers.small_network import small_network


def times(path: Path, kind: str) -> list[float]:
    """Presentation times in seconds of what decodes."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        frames = [f for p in container.demux(stream) for f in p.decode()]
        return [float(seconds(f)) for f in frames if isinstance(f, av.VideoFrame | av.AudioFrame)]


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_clock_that_starts_again_goes_on(tmp_path: Path, suffix: str) -> None:
    part = make_clip(tmp_path / "a.ts", frames=50, audio=Tone(duration_s=2)).path
    twice = tmp_path / "twice.ts"
    twice.write_bytes(part.read_bytes() * 2)
    target = tmp_path / f"out.{suffix}"
    report = vidsr.upscale(twice, target, model=small_network(), preset="ultrafast")
    assert any("jumps back" in note for note in report.notes)
    video, audio = times(target, "video"), times(target, "audio")
    assert len(video) == 100
    steps = [b - a for a, b in pairwise(video)]
    # The last frame before the seam may be shown a little longer, where the sound went on.
    assert all(0.035 < step < 0.12 for step in steps)
    gaps = [b - a for a, b in pairwise(audio)]
    assert all(0 < gap < 0.12 for gap in gaps)
    assert abs((video[-1] - video[0]) - (audio[-1] - audio[0])) < 0.2


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_frames_before_zero_are_shown(tmp_path: Path, suffix: str) -> None:
    wrap = 2**33 - 90000
    clip = make_clip(
        tmp_path / "wrap.ts",
        pts=[wrap + i * 3600 for i in range(50)],
        time_base=Fraction(1, 90000),
        audio=Tone(start_s=wrap / 90000, duration_s=2),
    )
    target = tmp_path / f"out.{suffix}"
    vidsr.upscale(clip.path, target, model=small_network(), preset="ultrafast")
    video, before = times(target, "video"), times(clip.path, "video")
    assert len(video) == 50
    assert [v - video[0] for v in video] == pytest.approx([b - before[0] for b in before], abs=1e-3)
    sound, sound_before = times(target, "audio"), times(clip.path, "audio")
    assert sound[0] - video[0] == pytest.approx(sound_before[0] - before[0], abs=1.5e-3)
