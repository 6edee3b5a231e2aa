"""Transport streams begin when their source does, however far ahead encoders decode."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

import vidsr
from tests.makers.clips import Tone, make_clip
from tests.video.sink.test_vfr_lengths import CASES, make_source


def times_ms(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [1000 * frame.time for frame in container.decode(video=0) if frame.time is not None]


def decoding_times(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        packets = container.demux(video=0)
        return [packet.dts for packet in packets if packet.size and packet.dts is not None]


def begins_ms(path: Path, kind: str) -> float:
    with av.open(str(path)) as container:
        packet = next(p for p in container.demux() if p.stream.type == kind)
        assert packet.pts is not None
        return float(1000 * packet.pts * packet.time_base)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("case", ["pauses everywhere", "pause after the first", "two frames"])
def test_every_frame_is_shown_when_the_source_shows_it(
    tmp_path: Path, case: str, codec: str
) -> None:
    source = make_source(tmp_path / "in.mkv", CASES[case])
    target = tmp_path / "out.ts"
    vidsr.upscale(source, target, model="lite-x2", codec=codec, preset="medium")
    assert times_ms(target) == pytest.approx(CASES[case][:-1], abs=0.1)
    decoded = decoding_times(target)
    assert decoded == sorted(set(decoded))
    assert decoded[0] == 0


def test_a_source_that_begins_late_begins_as_late(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in.mkv", tuple(20 + 40 * n for n in range(12)))
    vidsr.upscale(source, tmp_path / "out.ts", model="lite-x2", preset="medium")
    assert times_ms(tmp_path / "out.ts")[:3] == pytest.approx([20, 60, 100], abs=0.1)


def test_sound_and_picture_keep_their_own_times(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=25, audio=Tone(codec="mp2", start_s=0.2))
    target = tmp_path / "out.ts"
    vidsr.upscale(clip.path, target, model="lite-x2", preset="medium")
    assert begins_ms(target, "audio") == pytest.approx(begins_ms(clip.path, "audio"), abs=1)
    assert begins_ms(target, "video") == 0
