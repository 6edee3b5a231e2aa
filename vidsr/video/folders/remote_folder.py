"""A job's folder in an object store, with files of it on this machine while they are made."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from vidsr.errors import OutputError
from vidsr.video.folders.folder import FINISHED, LeaseState
from vidsr.video.folders.leases import STALE_S
from vidsr.video.folders.remote_leases import ALONE, RemoteLease, RemoteLeases
from vidsr.video.locator import Locator
from vidsr.video.stores.object_store import ObjectStore, StorePatience

IDENTITY = "identity.json"  # of whose being there the folder's being there follows
# Between two looks at who holds what others make: only a process of this machine is seen to be
# gone before its lease is stale, and looking takes some requests for each lease.
LOOK_S = 5.0


class RemoteFolder:
    """A folder of a store; see ``Folder``.

    Args:
        locator: Its address.
        patience: The limits of waiting.
    """

    def __init__(self, locator: Locator, patience: StorePatience | None = None) -> None:
        self.store = ObjectStore(locator, patience)
        self._leases = RemoteLeases(self.store)
        self._root: Path | None = None
        self._claim: RemoteLease | None = None
        self._last, self._look_s = -1, 0.0

    @property
    def name(self) -> str:
        """The address for messages."""
        return str(self.store)

    @property
    def root(self) -> Path:
        """A folder of this process alone, removed with ``leave``."""
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="vidsr-job-"))
        return self._root

    @property
    def exclusive(self) -> bool:
        """False for a store in which two may make the same piece."""
        return self._leases.exclusive

    def exists(self) -> bool:
        """Return True where a job has begun."""
        return self.has(IDENTITY)

    def enter(self, *, shared: bool) -> None:
        """Claim the folder; a store makes it with the first object. Raises OutputError."""
        self._leases.probe()
        if not shared:
            self._claim = self._leases.take(ALONE, STALE_S)
        if shared:
            busy = self._leases.is_held(ALONE, STALE_S)
        else:
            states = self._leases.states(self.store.entries(), STALE_S)
            busy = self._claim is None or any(s.stem != ALONE and not s.stale for s in states)
        if busy:
            self.leave()
            raise OutputError(f"{self.name}: another run is writing this target")

    def leave(self) -> None:
        """Give the claim back, and remove what lies on this machine."""
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()
        root, self._root = self._root, None
        if root is not None:
            shutil.rmtree(root, ignore_errors=True)

    def names(self) -> list[str]:
        """Return the names of all objects directly in it, in order."""
        return sorted(self.store.entries())

    def files(self) -> set[str]:
        """Return the names of its objects."""
        return set(self.store.entries())

    def has(self, name: str) -> bool:
        """Return True for the name of an object."""
        return self.store.has(name)

    def read(self, name: str, most_bytes: int) -> str:
        """Return the text of an object."""
        return self.store.read(name, most_bytes).decode("utf-8")

    def beginning(self, name: str, most_bytes: int) -> tuple[bytes, int]:
        """Return the first bytes of an object, and its size."""
        return self.store.read_part(name, 0, most_bytes), self.store.entry(name).size

    def write(self, name: str, data: bytes) -> None:
        """Write an object, in the place of what is there."""
        self.store.write(name, data)

    def keep(self, name: str) -> None:
        """Send a file; where another has sent the same meanwhile, that one stays."""
        with suppress(FileExistsError):
            self.store.send(self.root / name, name, new=True)
        (self.root / name).unlink()
        if not self.exists():  # joined meanwhile by others: it would lie there for ever
            self.store.remove(name)

    def fetch(self, name: str) -> Path:
        """Return the path of an object that was fetched."""
        path = self.root / name
        if not path.exists():
            part = path.with_name(f"{name}.part")
            self.store.fetch(name, part)
            part.replace(path)
        return path

    def remove(self, name: str) -> None:
        """Remove an object, and what was fetched of it."""
        self.store.remove(name)
        if self._root is not None:
            (self._root / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a process left that was struck, writing an object or removing all."""
        names = self.names()
        own = self._claim.name if self._claim else ""
        for name in names:
            if name.endswith(".part") or (IDENTITY not in names and name != own):
                self.remove(name)

    def destroy(self) -> None:
        """Remove all objects, the one first without which there is no job.

        What says that the target is in its place goes last, as in a file system.
        """
        with suppress(OSError):
            self.store.remove(IDENTITY)
            self.store.remove_all(last=FINISHED)
        self.leave()

    def take(self, stem: str, stale_s: float) -> RemoteLease | None:
        """Take a lease, or return None where somebody else holds it."""
        lease = self._leases.take(stem, stale_s)
        if lease is not None and stem.isdecimal():
            self._last = int(stem)
        return lease

    def in_turn(self, stems: Sequence[str], stale_s: float) -> Iterator[str]:
        """Yield those without a lease, which one list tells, and now and then the others, too.

        The one behind the last comes first, whose frames follow in the source. Without it each
        begins somewhere else: those that try the same are answered one after the other.
        """
        held = self._leases.held(self.store.entries(), stale_s)
        free = [stem for stem in stems if stem not in held]
        if free:
            numbers = [int(stem) for stem in free]
            follows = self._last + 1 in numbers
            begin = numbers.index(self._last + 1) if follows else random.randrange(len(free))
            yield from free[begin:]
            yield from free[:begin]
        if time.monotonic() >= self._look_s:
            yield from (stem for stem in stems if stem in held)
            self._look_s = time.monotonic() + LOOK_S

    def leases(self, stale_s: float, stem: str | None = None) -> list[LeaseState]:
        """Return the leases that are held."""
        states = self._leases.states(self.store.entries(), stale_s, stem)
        return [state for state in states if state.stem != ALONE]
