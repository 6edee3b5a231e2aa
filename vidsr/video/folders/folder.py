"""The protocol of a job's folder: what lies in it, written whole, and leases of its pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vidsr.video.folders.holders import Holder

LEASE_SUFFIX = ".lease"
OWN_SUFFIXES = (".piece", LEASE_SUFFIX, ".part", ".json")
FINISHED = "finished.json"  # says that the target is in its place: it goes last


@dataclass(frozen=True)
class LeaseState:
    """A lease as others see it.

    Args:
        stem: What it is of.
        holder: Who holds it.
        renewed_s: Seconds since it was renewed, by the folder's clock.
        stale: True where it is anybody's.
    """

    stem: str
    holder: Holder
    renewed_s: float
    stale: bool


class HeldLease(Protocol):
    """A lease that this process holds, renewed until it is given back."""

    def release(self) -> None:
        """Give the lease back. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Folder(Protocol):
    """A folder of files that are whole or not there. Methods raise OSError.

    Names are those of files directly in it.
    """

    @property
    def name(self) -> str:
        """The name of the folder for messages."""
        ...

    @property
    def root(self) -> Path:
        """Where files of it are made and read on this machine; the folder itself, if it is here."""
        ...

    def exists(self) -> bool:
        """Return True where there is such a folder."""
        ...

    def enter(self, *, shared: bool) -> None:
        """Make the folder where there is none and claim it, for oneself or shared with others.

        Raises OutputError where another has it.
        """
        ...

    def leave(self) -> None:
        """Give the claim back, and what was made for oneself. May be called twice."""
        ...

    def names(self) -> list[str]:
        """Return the names of all that lies in it, in order."""
        ...

    def files(self) -> set[str]:
        """Return the names of its files; links and folders are none."""
        ...

    def has(self, name: str) -> bool:
        """Return True for the name of one of its files."""
        ...

    def read(self, name: str, most_bytes: int) -> str:
        """Return the text of a file. Raises ValueError for one that is none or longer."""
        ...

    def beginning(self, name: str, most_bytes: int) -> tuple[bytes, int]:
        """Return the first bytes of a file, and its size. Raises ValueError for what is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write a file, in the place of what is there."""
        ...

    def keep(self, name: str) -> None:
        """Keep a file that was made below ``root``; one that is there already may stay."""
        ...

    def fetch(self, name: str) -> Path:
        """Return the path of a file for reading on this machine. Raises FileNotFoundError."""
        ...

    def remove(self, name: str) -> None:
        """Remove what has that name, whatever it is."""
        ...

    def sweep(self) -> None:
        """Remove what a process was writing when it was struck."""
        ...

    def destroy(self) -> None:
        """Remove the folder and what lies in it."""
        ...

    def take(self, stem: str, stale_s: float) -> HeldLease | None:
        """Take a lease, or return None where somebody else holds it.

        Args:
            stem: What it is of.
            stale_s: Seconds without renewal after which it is stale.
        """
        ...

    def in_turn(self, stems: Sequence[str], stale_s: float) -> Iterator[str]:
        """Yield what to try to take, those first that nobody seems to hold."""
        ...

    def leases(self, stale_s: float, stem: str | None = None) -> list[LeaseState]:
        """Return the leases that are held, of a folder that can only be read as well.

        Args:
            stale_s: Seconds without renewal after which a lease is stale.
            stem: What it is of; None for all.
        """
        ...


def is_own(name: str) -> bool:
    """Return True for a name that a job gives to what it keeps in its folder."""
    return name.endswith(OWN_SUFFIXES)
