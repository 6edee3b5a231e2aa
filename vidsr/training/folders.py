"""The pictures that a training run is given: photographs, or pairs in ``hr`` and ``lr``."""

from __future__ import annotations

from pathlib import Path

from vidsr.errors import InputError
from vidsr.video.image_sequences import picture_files


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
    return picture_files(folder / "hr" if is_paired(folder) else folder)


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
