"""The names of the files of a preview."""

from __future__ import annotations

from pathlib import Path

from vidsr.video.locator import Locator

ENDING = "_preview.png"


def sheet_path(source: Locator, output: Path | str | None) -> Path:
    """Return the picture to write: the target itself if it is a PNG, else one named after it."""
    if output is None:
        place = source.path if source.local else Path(source.name)
    else:
        place = Path(output)
        if place.suffix.lower() == ".png":
            return place
        if place.is_dir() or str(output).endswith("/"):
            place = place / source.name
    return place.with_name(place.stem.replace("%", "") + ENDING)


def clip_path(sheet: Path) -> Path:
    """Return the clip that lies beside a picture."""
    return sheet.with_suffix(".mp4")
