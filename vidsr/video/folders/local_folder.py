"""A job's folder in a file system, local or of a network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from vidsr.errors import OutputError
from vidsr.video.folders.folder import FINISHED, LEASE_SUFFIX, LeaseState, is_own
from vidsr.video.folders.leases import Lease, age_seen_s, holder_of, take
from vidsr.video.folders.plain_files import (
    is_plain,
    open_plain,
    placed_whole,
    read_plain,
    remove_plain,
)
from vidsr.video.sink.target_file import Claim


class LocalFolder:
    """A folder of a file system; see ``Folder``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._claim: Claim | None = None

    @property
    def name(self) -> str:
        """The name of the folder for messages."""
        return str(self.root)

    def exists(self) -> bool:
        """Return True where there is such a folder."""
        return self.root.is_dir()

    def enter(self, *, shared: bool) -> None:
        """Make the folder and claim it. Raises OutputError, OSError."""
        if self.root.is_symlink():
            raise OutputError(f"{self.root}: is a link, expected a folder of its own")
        self.root.mkdir(exist_ok=True)
        self._claim = Claim(self.root, shared=shared)

    def leave(self) -> None:
        """Give the claim back."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def names(self) -> list[str]:
        """Return the names of all that lies in it, in order."""
        try:
            return sorted(os.listdir(self.root))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def files(self) -> set[str]:
        """Return the names of its files."""
        return {name for name in self.names() if is_plain(self.root / name)}

    def has(self, name: str) -> bool:
        """Return True for the name of one of its files."""
        return is_plain(self.root / name)

    def read(self, name: str, most_bytes: int) -> str:
        """Return the text of a file."""
        return read_plain(self.root / name, most_bytes)

    def beginning(self, name: str, most_bytes: int) -> tuple[bytes, int]:
        """Return the first bytes of a file, and its size."""
        with open_plain(self.root / name) as file:
            return file.read(most_bytes), os.fstat(file.fileno()).st_size

    def write(self, name: str, data: bytes) -> None:
        """Write a file, in the place of what is there."""
        with placed_whole(self.root / name) as file:
            file.write(data)

    def keep(self, name: str) -> None:
        """Do nothing: it was made in its place."""

    def fetch(self, name: str) -> Path:
        """Return the path of a file."""
        return self.root / name

    def remove(self, name: str) -> None:
        """Remove what has that name and nothing that it leads to."""
        remove_plain(self.root / name)

    def sweep(self) -> None:
        """Remove what a process was writing when it was struck."""
        for name in self.names():
            if name.endswith(".part"):
                self.remove(name)

    def destroy(self) -> None:
        """Remove the folder and what lies in it."""
        # What is not of a job lies there by mistake, or by somebody's will: it stays.
        own = [name for name in self.names() if is_own(name) and name != FINISHED]
        with suppress(OSError):
            for name in (*own, FINISHED):
                self.remove(name)
            self.root.rmdir()
        self.leave()

    def take(self, stem: str, stale_s: float) -> Lease | None:
        """Take a lease, or return None where somebody else holds it."""
        return take(self.root / f"{stem}{LEASE_SUFFIX}", stale_s)

    def in_turn(self, stems: Sequence[str], stale_s: float) -> Iterator[str]:
        """Yield all in order: looking costs as much as taking."""
        yield from stems

    def leases(self, stale_s: float, stem: str | None = None) -> list[LeaseState]:
        """Return the leases that are held."""
        found = []
        for name in self.names():
            path = self.root / name
            if stem is not None and path.stem != stem:
                continue
            if name.endswith(LEASE_SUFFIX) and (holder := holder_of(path)) is not None:
                age = age_seen_s(path)
                stale = holder.is_gone() or abs(age) > stale_s  # ahead: the clock was put back
                found.append(LeaseState(path.stem, holder, age, stale))
        return found
