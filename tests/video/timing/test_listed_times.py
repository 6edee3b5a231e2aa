"""A part's frames are counted before they are read, where the container lists every frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from tests.makers.clips import Tone, make_clip
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource
from vidsr.video.timing.listed_times import count_between, listed_times

REORDERED = {"preset": "medium"}
UNEVEN = [0, 1, 5, 6, 7, 20, 21, 22]
PARTS = [(None, 0.3), (None, 0.31), (0.25, None), (0.25, 0.3), (0.5, 0.5), (0.6, 5), (0.1, 0.02)]


def told_and_given(path: Path, start_s: float | None, duration_s: float | None) -> tuple[Any, ...]:
    with FileSource(path, start_s=start_s, duration_s=duration_s) as source:
        given = sum(isinstance(item, Frame) for item in source)
        return source.info.frames, given, source.info.frames_about


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "shape",
    [
        {"frames": 25},
        {"frames": 25, "bframes": 2, "options": REORDERED},
        {"frames": 25, "rate": Fraction(24000, 1001), "audio": Tone()},
        {"pts": UNEVEN, "bframes": 0},
        {"pts": range(5, 30), "audio": Tone(duration_s=1.2)},
    ],
    ids=["plain", "reordered", "ntsc", "uneven", "late"],
)
def test_parts_of_an_mp4_are_exact(
    shape: dict[str, Any], part: tuple[float | None, float | None], tmp_path: Path
) -> None:
    make_clip(tmp_path / "in.mp4", **shape)
    told, given, about = told_and_given(tmp_path / "in.mp4", *part)
    assert (told, about) == (given, False)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["in.mkv", "in.ts"])
def test_where_no_frames_are_listed_a_steady_part_comes_true_and_is_about(
    name: str, part: tuple[float | None, float | None], tmp_path: Path
) -> None:
    make_clip(tmp_path / name, frames=25, audio=Tone())
    told, given, about = told_and_given(tmp_path / name, *part)
    assert (told, about) == (given, True)


@pytest.mark.parametrize("part", [(None, 0.1), (0.1, None), (0.1, 0.1), (0.1, 5)])
def test_parts_of_numbered_pictures_are_exact(
    part: tuple[float | None, float | None], tmp_path: Path
) -> None:
    for number in range(3, 12):
        make_clip(tmp_path / f"{number:02}.png", frames=1, codec="png", pix_fmt="rgb24")
    told, given, about = told_and_given(tmp_path / "%02d.png", *part)
    assert (told, about) == (given, False)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("in.mkv", {"frames": 5}),
        ("in.mp4", {"pts": UNEVEN, "bframes": 2, "options": REORDERED}),
        ("in.mp4", {"pts": range(-2, 5)}),
        ("in.mp4", {"frames": 5, "container_options": {"movflags": "frag_keyframe+empty_moov"}}),
    ],
    ids=["key frames alone", "times of decoding", "edit list", "fragments"],
)
def test_lists_that_do_not_tell(name: str, shape: dict[str, Any], tmp_path: Path) -> None:
    make_clip(tmp_path / name, **shape)
    with av.open(str(tmp_path / name)) as container:
        assert listed_times(container, container.streams.video[0]) is None


def test_frames_listed_at_one_time_do_not_tell() -> None:
    container: Any = SimpleNamespace(format=SimpleNamespace(name="mov,mp4,m4a"))
    entries = [SimpleNamespace(timestamp=time, is_discard=False) for time in (0, 0, 0)]
    stream: Any = SimpleNamespace(start_time=0, frames=3, index_entries=entries)
    assert listed_times(container, stream) is None


@pytest.mark.parametrize(
    ("first", "end", "count"), [(0, None, 3), (10, Fraction(41, 2), 2), (10, 10, 0), (5, 9, None)]
)
def test_counts_between(first: int, end: Fraction | None, count: int | None) -> None:
    assert count_between((0, 10, 20), first, end) == count
    assert count_between((0, 10, 20), 30, None) is None
