"""Aligned pairs of pictures for training: ``hr/NAME.png`` and ``lr/NAME.png``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import OptionError, OutputError
from vidsr.files import check_folder
from vidsr.video.image_sequences import is_pattern

if TYPE_CHECKING:
    from torch import Tensor

# Torch and PyAV are imported where pictures are written: what is in the way is found before.


class Pairs:
    """Writer of every ``every``-th pair into ``folder``; the pictures are uint8 ``[3, H, W]``.

    Several sources share one folder: the frames of a video are named after it. An HR picture is
    kept in memory until its LR one arrives, so that both are written or none.

    Args:
        folder: Folder that gets ``hr`` and ``lr``.
        every: Step from one pair to the next, 1 or more.
        overwrite: True replaces pairs of the same names, and leaves others as they are.

    Raises:
        OptionError: ``every`` is below 1.
        OutputError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, *, every: int = 1, overwrite: bool = False) -> None:
        if every < 1:
            raise OptionError(f"every = {every}: expected 1 or more.")
        self.every, self.written = every, 0
        self._folder, self._overwrite = folder, overwrite
        self._hr, self._lr = folder / "hr", folder / "lr"
        self._held: dict[str, Tensor] = {}
        check_folder(folder)

    def check(self, names: Iterable[str]) -> None:
        """Raise OutputError where a pair of one of ``names`` is there, and may not be replaced."""
        self._refuse(frozenset(names).__contains__)

    def check_video(self, source: Path) -> None:
        """Raise OutputError where pairs named as those of a video are there already."""
        shape = re.compile(re.escape(frame_name(source, 0).removesuffix("000000")) + r"\d{6,}")
        self._refuse(lambda stem: shape.fullmatch(stem) is not None)

    def _refuse(self, taken: Callable[[str], bool]) -> None:
        if self._overwrite:
            return
        for part in (self._hr, self._lr):
            for path in sorted(part.glob("*.png")):
                if taken(path.stem):
                    raise OutputError(
                        f"{path}: exists already, from a source of the same name",
                        hint="choose another `pairs`; `overwrite` replaces such pictures.",
                    )

    def wants(self, index: int) -> bool:
        """Return True if the frame or picture of that number, from 0, is one of those written."""
        return index % self.every == 0

    def hold(self, name: str, hr: Tensor) -> None:
        """Keep the HR picture of that name until its LR one arrives."""
        self._held[name] = hr

    def match(self, name: str, lr: Tensor) -> None:
        """Write the pair, if its HR picture was held."""
        hr = self._held.pop(name, None)
        if hr is None:
            return
        for part in (self._hr, self._lr):
            make_folder(part)
        write_pictures({self._hr / f"{name}.png": hr, self._lr / f"{name}.png": lr})
        self.written += 1


def frame_name(source: Path, number: int) -> str:
    """Return the name of a pair of frame ``number`` of a video: after its file, or its folder.

    That of numbered pictures is the folder's, since the file's has a number in it.
    """
    name = source.absolute().parent.name if is_pattern(source) else source.stem
    return f"{name}-{number:06d}"


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror}") from error


def write_pictures(pictures: dict[Path, Tensor]) -> None:
    """Write PNG files. Raises OutputError."""
    from vidsr.video.still_images import write_png

    for path, picture in pictures.items():
        write_png(path, picture)
