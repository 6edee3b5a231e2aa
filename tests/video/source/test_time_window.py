"""Which frames, packets and chapters lie in the part asked for, and where they land."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers.clips import Tone, make_clip
from vidsr.video.source.file_source import Source
from vidsr.video.source.time_window import Window, nearest_tick

THREE = [(0.0, 0.2, "one"), (0.2, 0.5, "two"), (0.5, 1.0, "three")]


@contextmanager
def window(
    path: Path, start_s: float | None = None, duration_s: float | None = None
) -> Iterator[Window]:
    with av.open(str(path)) as container:
        yield Window(container, container.streams.video[0], start_s, duration_s)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("window") / "a.mkv"
    make_clip(path, frames=25, audio=Tone("flac"), chapters=THREE)
    return path


@given(
    ticks=st.integers(-(10**9), 10**9),
    base=st.sampled_from([Fraction(1, 25), Fraction(1, 1000), Fraction(1001, 30000)]),
    part=st.fractions(Fraction(-49, 100), Fraction(1, 2)),
)
def test_the_nearest_tick(ticks: int, base: Fraction, part: Fraction) -> None:
    assert nearest_tick((ticks + part) * base, base) == ticks


def test_without_a_window_nothing_moves(clip: Path) -> None:
    with window(clip) as whole:
        assert whole.whole
        assert [whole.place_frame(n) for n in (-3, 0, 40)] == [-3, 0, 40]
        assert not whole.over
        assert whole.shift(Fraction(1, 48000)) == 0


@given(start_ms=st.integers(0, 500), length_ms=st.integers(1, 500), pts=st.integers(0, 1000))
def test_frames_of_a_window(clip: Path, start_ms: int, length_ms: int, pts: int) -> None:
    with window(clip, start_ms / 1000, length_ms / 1000) as part:
        assert part.place_frame(start_ms) == 0
        inside = start_ms <= pts < start_ms + length_ms
        assert part.place_frame(pts) == (pts - start_ms if inside else None)
        assert part.video_done == (pts >= start_ms + length_ms)


def test_the_length_counts_from_the_first_frame_kept(clip: Path) -> None:
    with window(clip, 0.1, 0.1) as part:
        assert part.place_frame(99) is None
        assert part.place_frame(150) == 50
        assert part.end == Fraction(1, 4)
        assert part.place_frame(249) == 149
        assert part.place_frame(250) is None


def test_a_length_below_a_tick_keeps_one_frame(clip: Path) -> None:
    with window(clip, None, 1e-6) as part:
        assert part.place_frame(40) == 40
        assert part.place_frame(41) is None


@pytest.mark.parametrize(
    ("start_s", "duration_s", "expected"),
    [
        (None, None, [(0, 200, "one"), (200, 500, "two"), (500, 1000, "three")]),
        (0.1, None, [(0, 100, "one"), (100, 400, "two"), (400, 900, "three")]),
        (0.2, 0.2, [(0, 200, "two")]),
        (0.4, 0.2, [(0, 100, "two"), (100, 200, "three")]),
        (None, 0.3, [(0, 200, "one"), (200, 300, "two")]),
    ],
)
def test_chapters_are_cut(
    clip: Path,
    start_s: float | None,
    duration_s: float | None,
    expected: list[tuple[int, int, str]],
) -> None:
    with Source(clip, start_s=start_s, duration_s=duration_s) as source:
        placed = source.window.place_chapters(source.container.chapters())
    got = [
        (
            c["start"] * c["time_base"] * 1000,
            c["end"] * c["time_base"] * 1000,
            c["metadata"]["title"],
        )
        for c in placed
        if c["time_base"] is not None
    ]
    assert got == [(Fraction(start), Fraction(end), title) for start, end, title in expected]


@pytest.mark.parametrize(
    ("start_s", "duration_s", "length_s"),
    [(None, None, 1.0), (0.25, None, 0.75), (0.25, 0.5, 0.5), (0.9, 0.5, 0.1), (5.0, None, 0.0)],
)
def test_the_estimate_of_the_length(
    clip: Path, start_s: float | None, duration_s: float | None, length_s: float
) -> None:
    with window(clip, start_s, duration_s) as part:
        # Sound may reach past the last frame by a packet of 4608 samples.
        assert part.length_s() == pytest.approx(length_s, abs=0.1)


def test_reading_stops_soon_after_the_end(tmp_path: Path) -> None:
    """Sound that has ended cannot keep a file being read: ten seconds of slack, no more."""
    path = tmp_path / "a.mkv"
    make_clip(path, frames=300, rate=10, size=(16, 16), audio=Tone("flac", duration_s=1.0))
    with Source(path, duration_s=2) as source:
        list(source)
        position = next(source.container.demux(video=0)).pts
    assert position is not None
    assert 12_000 <= position <= 13_000


def test_a_seek_that_fails_is_no_error(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_seek(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr(Window, "seek", no_seek)
    with Source(clip, start_s=0.48) as source:
        list(source)
    assert source.counts.decoded == 25
    assert source.window.start == Fraction(12, 25)
