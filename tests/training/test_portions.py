"""Portions of videos: as typed, and by name in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidsr.errors import OptionError
from vidsr.training.portions import FILE, Portion, parse_portion, portions_of


@pytest.mark.parametrize(
    ("text", "portion"),
    [
        ("0-50%", Portion(0, 0.5)),
        ("12.5-100%", Portion(0.125, 1)),
        ("50% - 75%", Portion(0.5, 0.75)),
    ],
)
def test_shares_of_the_length(text: str, portion: Portion) -> None:
    assert parse_portion(text) == portion
    assert parse_portion(str(portion)) == portion


@pytest.mark.parametrize("text", ["", "50", "0-50", "50-50%", "60-40%", "0-120%", "a-b%"])
def test_what_is_no_portion(text: str) -> None:
    with pytest.raises(OptionError, match=r"portion = .*Hint: such as 0-50%"):
        parse_portion(text)


def test_a_file_names_portions_of_its_own(tmp_path: Path) -> None:
    videos = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for video in videos:
        video.touch()
    (tmp_path / FILE).write_text('"b.mp4" = "25-75%"\n')
    assert portions_of(videos, "0-100%") == {
        videos[0]: Portion(0, 1),
        videos[1]: Portion(0.25, 0.75),
    }


@pytest.mark.parametrize("text", ['"c.mp4" = "0-50%"', '"a.mp4" = 3', "= no TOML"])
def test_a_file_with_a_mistake(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / FILE).write_text(text)
    with pytest.raises(OptionError):
        portions_of([tmp_path / "a.mp4"], "0-100%")
