"""The material of a training run: photographs and videos, or pairs in ``hr`` and ``lr``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vidsr.errors import InputError, NoInputError
from vidsr.video.image_sequences import is_image, picture_files
from vidsr.video.video_files import is_video


def is_paired(folder: Path) -> bool:
    """Return True if ``folder`` holds pairs made before, in ``hr`` and ``lr``."""
    return (folder / "hr").is_dir() and (folder / "lr").is_dir()


def partner(path: Path) -> Path:
    """Return the small picture of ``hr/NAME``."""
    return path.parent.parent / "lr" / path.name


@dataclass(frozen=True)
class Material:
    """Large pictures and videos to learn from, sorted by name."""

    pictures: tuple[Path, ...]
    videos: tuple[Path, ...] = ()

    @property
    def count(self) -> int:
        return len(self.pictures) + len(self.videos)


def training_material(data: Path) -> Material:
    """Return what to learn from: a folder of pictures and videos, of pairs, or a video.

    Raises NoInputError where there is none.
    """
    if is_paired(data):
        return Material(tuple(picture_files(data / "hr")))
    if data.is_file() and is_video(data):
        return Material((), (data,))
    if not data.is_dir():
        raise NoInputError(
            f"{data}: no such folder, and no video", hint="name a folder of pictures and videos"
        )
    files = sorted(data.iterdir())
    videos = tuple(path for path in files if is_video(path) and path.is_file())
    if videos and not any(is_image(path) for path in files):
        return Material((), videos)
    if not any(is_image(path) and path.is_file() for path in files):
        raise NoInputError(
            f"{data}: no pictures and no videos in it",
            hint=".png .jpg .tif .bmp .webp and videos such as .mp4 and .mkv are read",
        )
    return Material(tuple(picture_files(data)), videos)


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
