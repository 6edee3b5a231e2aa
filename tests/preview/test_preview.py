"""Previews: where they look, what they show, and where they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.makers.clips import decode, make_clip, picture
from vidsr import cli
from vidsr.preview.names import sheet_path
from vidsr.preview.places import clip_of, cut, times_of
from vidsr.preview.preview import clock
from vidsr.upscaling.picture_kinds import planar
from vidsr.video.locator import Locator

FAST = ("--model", "lite-x2", "--device", "cpu", "-q")


@pytest.mark.parametrize(
    ("start_s", "length_s", "times_s"),
    [(0.0, 60.0, (10.0, 30.0, 50.0)), (5.0, 12.0, (7.0, 11.0, 15.0)), (3.0, 0.6, (3.1, 3.3, 3.5))],
)
def test_places_lie_apart(start_s: float, length_s: float, times_s: tuple[float, ...]) -> None:
    assert times_of(start_s, length_s) == pytest.approx(times_s)
    assert times_of(start_s, None) == (start_s,)


def test_a_clip_lies_in_the_part_that_was_asked_for() -> None:
    assert clip_of(5.0, 12.0, 2.0) == (10.0, 2.0)
    assert clip_of(5.0, 0.1, 2.0) == (5.0, 0.1)
    assert clip_of(5.0, None, 2.0) == (5.0, 2.0)


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


def test_the_source_and_strange_files_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "film.mp4", frames=2).path
    before = clip.read_bytes()
    link = tmp_path / "other.mp4"
    link.symlink_to(clip)
    for sheet in ("film.png", "other.png"):
        command = [str(clip), "--preview", "--overwrite", "-o", str(tmp_path / sheet), *FAST]
        assert cli.main(command) == 4
    assert capsys.readouterr().err.count("is the source itself") == 2
    (tmp_path / "mine.mp4").write_text("mine")
    named = [str(clip), "--preview", "-o", str(tmp_path / "mine.png"), *FAST]
    assert cli.main(named) == 4
    assert cli.main([str(clip), "--preview", "--report", str(clip), *FAST]) == 4
    assert (clip.read_bytes(), (tmp_path / "mine.mp4").read_text()) == (before, "mine")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "mine.mp4", "other.mp4"]


@pytest.mark.parametrize("other", ["--dry-run", "--estimate", "--watch"])
def test_a_preview_comes_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    clip = make_clip(tmp_path / "film.mp4", frames=2).path
    assert cli.main([str(clip), "--preview", other, *FAST]) == 2
    assert f"--preview with {other}" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize(("frames", "places"), [(1, 1), (2, 1), (12, 3)])
def test_short_films_show_each_frame_once(tmp_path: Path, frames: int, places: int) -> None:
    clip = make_clip(tmp_path / "film.mkv", frames=frames, size=(32, 24)).path
    report = tmp_path / "a.json"
    command = [str(clip), "--preview", "--report", str(report), *FAST]
    assert cli.main(command) == 0
    facts = json.loads(report.read_text())
    assert len(facts["times_s"]) == places
    assert facts["clip_frames"] == (frames if frames > 1 else 0)


def test_notes_of_a_preview_are_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "film.mkv", frames=9, size=(32, 24)).path
    assert cli.main([str(clip), "--preview", *FAST[:-1]]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(set(lines))


def test_names_of_sheets(tmp_path: Path) -> None:
    source = Locator.of("in/film.mkv")
    assert sheet_path(source, None) == Path("in/film_preview.png")
    assert sheet_path(source, Path("a/b.mkv")) == Path("a/b_preview.png")
    assert sheet_path(source, Path("a/b.PNG")) == Path("a/b.PNG")
    assert sheet_path(source, tmp_path) == tmp_path / "film_preview.png"


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.96, 3723.5)] == ["0:00:00.0", "0:01:00.0", "1:02:03.5"]
