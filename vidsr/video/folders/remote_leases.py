"""Leases in an object store, which renames nothing and tells no two writers apart.

A lease is an object ``STEM.N.lease`` that its holder writes again and again. Objects are created
where none is (S3's ``If-None-Match: *``), so that one of many gets it. A stale one is left as it
is and the next number created: only who made an object ever writes or removes it, and a holder
that was slow takes nothing from whoever came after. Who finds another alive after creating its
own gives way.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from contextlib import suppress
from types import TracebackType
from typing import Self

from vidsr.errors import OutputError
from vidsr.video.folders.folder import LeaseState
from vidsr.video.folders.holders import Holder, holder_in
from vidsr.video.folders.leases import MOST_BYTES
from vidsr.video.stores.filesystems import EXCLUSIVE
from vidsr.video.stores.object_store import Entry, ObjectStore

ALONE = "alone"  # the lease of who keeps everybody else out
_NAME = re.compile(r"(\d{6,12}|alone)\.(\d{1,18})\.lease")
_RENEWALS = 6  # within the time after which a lease is stale
_CLOCK_S = 600.0  # after which the store's clock is asked again
_SETTLED_S = 1.0  # in stores that create nothing exclusively, until the last writer is known


class RemoteLease:
    """One lease, renewed by a thread until it is given back."""

    def __init__(self, store: ObjectStore, name: str, data: bytes, stale_s: float) -> None:
        self.name, self._store, self._data, self._stale_s = name, store, data, stale_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="vidsr-lease", daemon=True)
        self._thread.start()

    def _renew(self) -> None:
        while not self._over.wait(self._stale_s / _RENEWALS):
            with suppress(OSError):  # a store that is away; it may come back
                self._store.write(self.name, self._data)

    def release(self) -> None:
        """Give the lease back. May be called twice."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join()
        with suppress(OSError):
            self._store.remove(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class RemoteLeases:
    """The leases of a folder in a store. Raises OSError.

    ``exclusive`` is False for a store that creates what is there already: then two may make the
    same piece, which harms no piece.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._offset_s, self._asked_s = 0.0, float("-inf")
        self.exclusive = True

    def probe(self) -> None:
        """Find out whether the store creates an object only where none is."""
        name = f"{uuid.uuid4().hex}.part"
        try:
            self._store.create(name, b"1")
            refused = not self._store.create(name, b"2")
            self.exclusive = refused and self._store.locator.scheme in EXCLUSIVE
        finally:
            self._store.remove(name)

    def now_s(self) -> float:
        """Return the time by the store's clock, to a second."""
        if time.monotonic() - self._asked_s > _CLOCK_S:
            name = f"{uuid.uuid4().hex}.part"
            self._store.write(name, b"")
            changed_s = self._store.entry(name).changed_s
            self._store.remove(name)
            self._asked_s = time.monotonic()
            self._offset_s = changed_s - self._asked_s
        return self._offset_s + time.monotonic()

    def held(self, entries: dict[str, Entry], stale_s: float) -> dict[str, list[str]]:
        """Return the names of leases that were renewed of late, by what they are of."""
        now_s = self.now_s()
        found: dict[str, list[str]] = {}
        for name, entry in entries.items():
            match = _NAME.fullmatch(name)
            # A time far ahead was set before the clock was put back, as in a file system.
            if match and abs(now_s - entry.changed_s) < stale_s:
                found.setdefault(match[1], []).append(name)
        return found

    def take(self, stem: str, stale_s: float) -> RemoteLease | None:
        """Take a lease, or return None where somebody else holds it."""
        entries = self._store.entries()
        if self._is_held(stem, entries, stale_s, ""):
            return None
        numbers = [int(m[2]) for n in entries if (m := _NAME.fullmatch(n)) and m[1] == stem]
        name = f"{stem}.{max(numbers, default=-1) + 1}.lease"
        data = json.dumps(Holder.this().facts() | {"token": uuid.uuid4().hex}).encode()
        if not self._store.create(name, data):
            return None
        try:
            mine = self._is_mine(name, data)
            if mine and not self._is_held(stem, self._store.entries(), stale_s, name):
                return RemoteLease(self._store, name, data, stale_s)
        except BaseException:
            self._store.remove(name)
            raise
        if mine:
            self._store.remove(name)
        return None

    def _is_mine(self, name: str, data: bytes) -> bool:
        if self.exclusive:
            return True
        time.sleep(_SETTLED_S)
        return self._store.read(name, MOST_BYTES) == data

    def is_held(self, stem: str, stale_s: float) -> bool:
        """Return True if somebody holds it, or keeps everybody out."""
        return self._is_held(stem, self._store.entries(), stale_s, "")

    def _is_held(self, stem: str, entries: dict[str, Entry], stale_s: float, own: str) -> bool:
        """Return True if another holds it, or keeps everybody out."""
        held = self.held(entries, stale_s)
        names = {*held.get(stem, ()), *held.get(ALONE, ())} - {own}
        return any(not self._is_gone(name) for name in names)

    def _is_gone(self, name: str) -> bool:
        holder = self.holder(name)
        return holder is not None and holder.is_gone()

    def holder(self, name: str) -> Holder | None:
        """Return who holds a lease; None where nobody does, or what is written is damaged."""
        try:
            return holder_in(self._store.read(name, MOST_BYTES))
        except (FileNotFoundError, ValueError):
            return None

    def states(
        self, entries: dict[str, Entry], stale_s: float, stem: str | None = None
    ) -> list[LeaseState]:
        """Return the last lease of each piece as others see it, who may only be allowed to look.

        Args:
            entries: What lies in the folder.
            stale_s: Seconds without renewal after which a lease is stale.
            stem: The piece, None for all.
        """
        try:
            now_s = self.now_s()
        except OutputError:
            now_s = time.time()
        last = dict[str, tuple[int, str]]()
        for name in entries:
            if (match := _NAME.fullmatch(name)) and stem in (None, match[1]):
                last[match[1]] = max(last.get(match[1], (-1, "")), (int(match[2]), name))
        states = []
        for piece, (_, name) in sorted(last.items()):
            if (holder := self.holder(name)) is not None:
                age = max(0.0, now_s - entries[name].changed_s)
                stale = holder.is_gone() or age > stale_s
                states.append(LeaseState(piece, holder, age, stale))
        return states
