"""Where the result is written: under a working name until it is whole, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from vidsr.errors import OptionError, OutputError
from vidsr.notes import Notes
from vidsr.video.images import is_image, is_pattern, numbered_files

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".webm": "webm",
    ".mov": "mov",
    ".ts": "mpegts",
    ".m2ts": "mpegts",
    ".mts": "mpegts",
    ".png": "image2",
    ".jpg": "image2",
    ".jpeg": "image2",
    ".tif": "image2",
    ".tiff": "image2",
}


@dataclass(frozen=True)
class Target:
    """A file, or a numbered sequence of pictures (``sequence``)."""

    path: Path
    container: str
    sequence: bool = False

    @classmethod
    def of(cls, path: Path) -> Target:
        """Raises OptionError for a suffix that names no known container."""
        container = CONTAINERS.get(path.suffix.lower())
        if container is None:
            allowed = ", ".join(CONTAINERS)
            raise OptionError(f"{path}: suffix {path.suffix!r} unknown; allowed: {allowed}.")
        return cls(path, container, sequence=is_image(path) and is_pattern(path))

    @property
    def working(self) -> Path:
        """What is written to meanwhile: ``NAME.part``, for a sequence a folder of that name."""
        part = self.path.with_name(self.path.name.replace("%", "") + ".part")
        return part / self.path.name if self.sequence else part

    def check(self, source: Path, *, overwrite: bool) -> None:
        """Refuse now what would fail at the end. Raises OutputError."""
        parent = self.path.parent
        if not parent.is_dir():
            raise OutputError(f"{parent}: no such folder", hint="create it first.")
        if not os.access(parent, os.W_OK):
            raise OutputError(f"{parent}: no permission to write there")
        if self.path.is_dir():
            raise OutputError(f"{self.path}: is a folder", hint="name a file in it.")
        if self.path.exists() and source.exists() and self.path.samefile(source):
            raise OutputError(f"{self.path}: is the source itself", hint="choose another name.")
        taken = bool(numbered_files(self.path)) if self.sequence else self.path.exists()
        if taken and not overwrite:
            raise OutputError(f"{self.path}: exists already", hint="--overwrite replaces it.")

    def open(self) -> None:
        """Make way for the working file."""
        self.discard()
        if self.sequence:
            self.working.parent.mkdir()

    def size(self) -> int:
        """Bytes of what has been written so far."""
        if self.sequence:
            return sum(p.stat().st_size for p in self.working.parent.iterdir())
        return self.working.stat().st_size

    def commit(self, notes: Notes) -> None:
        """Put the finished file, or every finished picture, in its place."""
        if not self.sequence:
            with self.working.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self.working, self.path)
            return
        written = sorted(self.working.parent.iterdir())
        older = {p.name for p in numbered_files(self.path).values()} - {p.name for p in written}
        for picture in written:
            os.replace(picture, self.path.parent / picture.name)
        self.working.parent.rmdir()
        if older:
            notes.say(f"{len(older)} older pictures of the sequence {self.path} were left alone")

    def discard(self) -> None:
        """Remove what a run left unfinished, this one's or an earlier one's."""
        if self.sequence:
            shutil.rmtree(self.working.parent, ignore_errors=True)
            return
        with contextlib.suppress(OSError):
            self.working.unlink()
