"""Previews: where they look, what they show, and where they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.makers.clips import decode, make_clip, picture
from vidsr import cli
from vidsr.preview.command import sheet_path
from vidsr.preview.places import cut, times_of
from vidsr.preview.preview import clock
from vidsr.upscaling.picture_kinds import planar
from vidsr.video.locator import Locator

FAST = ("--model", "lite-x2", "--device", "cpu", "-q")


@pytest.mark.parametrize(
    ("start_s", "length_s", "times_s"),
    [(0.0, 62.0, (10.0, 30.0, 50.0)), (5.0, 14.0, (7.0, 11.0, 15.0)), (3.0, 1.0, (3.0,))],
)
def test_places_lie_apart(start_s: float, length_s: float, times_s: tuple[float, ...]) -> None:
    assert times_of(start_s, length_s, 2.0) == pytest.approx(times_s)
    assert times_of(start_s, None, 2.0) == (start_s,)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p", "gray"])
def test_a_part_has_the_samples_of_the_whole(name: str) -> None:
    whole = planar(picture(65, 49, name))
    part = cut(whole, (8, 4, 21, 31))
    assert [tuple(plane.shape) for plane in part.planes] == part.format.plane_sizes
    assert part.planes[0].equal(whole.planes[0][8:29, 4:35])
    if name == "yuv420p":
        assert part.planes[1].equal(whole.planes[1][4:15, 2:18])


def test_a_preview_from_end_to_end(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "film.mkv", frames=75, size=(64, 48)).path
    report = tmp_path / "a.json"
    assert cli.main([str(clip), "--preview", *FAST, "--report", str(report)]) == 0
    sheet, shown = tmp_path / "film_preview.png", tmp_path / "film_preview.mp4"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        p.name for p in (clip, report, sheet, shown)
    )
    facts = json.loads(report.read_text())
    assert len(facts["times_s"]) == 3
    (image,) = decode(sheet)
    assert image.width == 6 + 2 * (128 + 6)
    frames = decode(shown)
    assert len(frames) == facts["clip_frames"] > 40
    assert (frames[0].width, frames[0].height) == (256, 96)


def test_a_picture_has_a_sheet_alone(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.png", frames=1, codec="png", pix_fmt="rgb24").path
    target = tmp_path / "sheet.png"
    assert cli.main([str(clip), "--preview", "-o", str(target), *FAST]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "sheet.png"]
    assert cli.main([str(clip), "--preview", "-o", str(target), *FAST]) == 4


def test_one_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["a.mkv", "b.mkv", "--preview"]) == 2
    assert cli.main([str(tmp_path / "no.mkv"), "--preview"]) == 3
    assert "--preview with several inputs" in capsys.readouterr().err


def test_names_of_sheets(tmp_path: Path) -> None:
    source = Locator.of("in/film.mkv")
    assert sheet_path(source, None) == Path("in/film_preview.png")
    assert sheet_path(source, Path("a/b.mkv")) == Path("a/b_preview.png")
    assert sheet_path(source, Path("a/b.PNG")) == Path("a/b.PNG")
    assert sheet_path(source, tmp_path) == tmp_path / "film_preview.png"


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.96, 3723.5)] == ["0:00:00.0", "0:01:00.0", "1:02:03.5"]
