"""The pictures that a training run is given: photographs, or pairs in ``hr`` and ``lr``."""

from __future__ import annotations

from pathlib import Path

from vidsr.errors import InputError, NoInputError
from vidsr.video.image_sequences import picture_files

VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".ts", ".m2ts", ".mts"),
        *(".mpg", ".mpeg", ".vob", ".wmv", ".flv", ".3gp", ".mxf", ".ogv", ".y4m"),
    }
)
"""Suffixes by which a video is told where pictures are expected."""


def is_paired(folder: Path) -> bool:
    """Return True if ``folder`` holds pairs made before, in ``hr`` and ``lr``."""
    return (folder / "hr").is_dir() and (folder / "lr").is_dir()


def partner(path: Path) -> Path:
    """Return the small picture of ``hr/NAME``."""
    return path.parent.parent / "lr" / path.name


def training_files(folder: Path) -> list[Path]:
    """Return the large pictures to learn from.

    Raises NoInputError where there is no folder, or no picture in it.
    """
    try:
        return picture_files(folder / "hr" if is_paired(folder) else folder)
    except NoInputError as error:
        if not _holds_videos(folder):
            raise
        raise NoInputError(
            f"{folder}: expected pictures, got video",
            hint="vidsr-degrade VIDEO -o small.mkv --pairs FOLDER makes pairs to train on; "
            "give FOLDER then",
        ) from error


def _holds_videos(path: Path) -> bool:
    """Return True for a video, and for a folder that holds one."""
    if path.is_dir():
        return any(each.suffix.lower() in VIDEO_SUFFIXES for each in path.iterdir())
    return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES


def validation_files(folder: Path, scale: int) -> tuple[list[Path], bool]:
    """Return the large pictures to validate on, and whether their small ones lie beside them.

    They do in a folder of a benchmark: ``image_SRF_4/img_001_SRF_4_HR.png`` with ``..._LR.png``.
    Raises NoInputError, InputError where there are none.
    """
    inner = folder / f"image_SRF_{scale}"
    if not inner.is_dir():
        return picture_files(folder), False
    files = [path for path in picture_files(inner) if path.stem.endswith("_HR")]
    if not files:
        raise InputError(f"{inner}: no pictures named *_HR")
    return files, True
