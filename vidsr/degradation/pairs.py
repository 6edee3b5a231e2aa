"""Aligned pairs of pictures for training: ``hr/NAME.png`` and ``lr/NAME.png``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import OptionError, OutputError
from vidsr.files import check_folder

if TYPE_CHECKING:
    from torch import Tensor

# Torch and PyAV are imported where pictures are written: what is in the way is told before.


class Pairs:
    """Writer of every ``every``-th pair into ``folder``; the pictures are uint8 ``[3, H, W]``.

    An HR picture is kept in memory until its LR one arrives, so that both are written or none.
    """

    def __init__(self, folder: Path, *, every: int = 1, overwrite: bool = False) -> None:
        """Prepare the two folders' names.

        Raises:
            OptionError: ``every`` is below 1.
            OutputError: A folder holds pictures already.
        """
        if every < 1:
            raise OptionError(f"every = {every}: expected 1 or more.")
        self.every, self.written = every, 0
        self._hr, self._lr = folder / "hr", folder / "lr"
        self._held: dict[str, Tensor] = {}
        check_folder(folder)
        for part in (self._hr, self._lr):
            if any(part.glob("*.png")) and not overwrite:
                raise OutputError(f"{part}: holds pictures already", hint="--overwrite adds to it.")

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
