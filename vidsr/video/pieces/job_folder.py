"""The folder of a run in pieces, beside its target: what is in it is done, come what may."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vidsr.errors import OutputError
from vidsr.files import working_name
from vidsr.notes import Notes
from vidsr.video.folders.folder import FINISHED, Folder, HeldLease, LeaseState
from vidsr.video.folders.leases import STALE_S
from vidsr.video.folders.local_folder import LocalFolder
from vidsr.video.pieces.piece_file import MOST_HEAD_BYTES, PieceFile, PieceHead, read_head
from vidsr.video.sink.base import Written
from vidsr.video.sink.target_file import Target

ENDING = ".vidsr-job"
RECORD = "identity.json"
ORDER = "order.json"
PIECE_SUFFIX = ".piece"
MOST_TEXT_BYTES = 1 << 20  # of identity and order, which take a few thousand


class JobFolder:
    """The pieces of one run. There is no list of them beside the folder itself.

    Nothing in it leads out of it: names of pieces are their numbers, and what else lies there is
    left alone or removed with the folder.

    Args:
        target: The target that it lies beside; None with ``files``.
        files: A folder that lies elsewhere.
    """

    def __init__(self, target: Target | None, files: Folder | None = None) -> None:
        if files is None:
            assert target is not None
            files = LocalFolder(working_name(target.place, ENDING))
        self.files = files
        self._begun = False

    @property
    def path(self) -> Path:
        """The folder on this machine; of one elsewhere, where its files are made and read."""
        return self.files.root

    @property
    def name(self) -> str:
        """The name of the folder for messages."""
        return self.files.name

    def begin(
        self,
        identity: Mapping[str, str],
        *,
        restart: bool = False,
        order: str = "",
        shared: bool = False,
    ) -> None:
        """Take the folder, a new one or that of a run that was stopped.

        Args:
            identity: What the result follows from, each by a name for people.
            restart: True to begin anew.
            order: What is to be done, as ``read_order`` gives it back.
            shared: True for one of several that work on it, False for the only one.

        Raises:
            OutputError: Another run is at it, it cannot be written, or it was begun with another
                identity.
        """
        try:
            self._begin(identity, restart, order, shared)
        except BaseException as error:
            self.files.leave()
            if not isinstance(error, OSError) or isinstance(error, OutputError):
                raise
            raise OutputError(f"{self.name}: cannot be written: {error.strerror}") from error
        self._begun = True

    def _begin(self, identity: Mapping[str, str], restart: bool, order: str, shared: bool) -> None:
        self.files.enter(shared=shared)
        if restart:
            self._empty()
        if not shared:
            self.files.sweep()
        before = self._read()
        if before is not None:
            self._compare(before, identity)
            return
        self._empty()
        for name, text in ((ORDER, order), (RECORD, json.dumps(dict(identity), indent=1))):
            self.files.write(name, text.encode())

    def stated(self, name: str) -> str | None:
        """Return what the run that made the folder stated under a name; None for nothing."""
        return (self._read() or {}).get(name)

    def reorder(self, order: str) -> None:
        """Replace the order, which may say ``overwrite`` now. Raises OSError."""
        self.files.write(ORDER, order.encode())

    def _read(self) -> dict[str, str] | None:
        """Return the identity of the run that made the folder; None for a new folder."""
        stored = self._record(RECORD) or (self._record(FINISHED) or {}).get("identity")
        texts = isinstance(stored, dict) and all(isinstance(v, str) for v in stored.values())
        return stored if texts else None

    def _record(self, name: str) -> dict[str, Any] | None:
        try:
            stored = json.loads(self.files.read(name, MOST_TEXT_BYTES))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return stored if isinstance(stored, dict) else None

    def note_finished(self, working: Path, written: Written) -> None:
        """Note that the target is whole and about to be put in its place. Raises OSError.

        From now on the folder is of no use, and a run that is struck before it has removed it does
        not begin anew.
        """
        state = working.stat()
        facts = asdict(written) | {
            "size_bytes": state.st_size,
            "changed_ns": state.st_mtime_ns,
            "identity": self._read(),
        }
        self.files.write(FINISHED, json.dumps(facts).encode())

    def note_sent(self, digest: str) -> None:
        """Note that the finished target is about to be sent to a store. Raises OSError."""
        facts = (self._record(FINISHED) or {}) | {"digest": digest}
        self.files.write(FINISHED, json.dumps(facts).encode())

    def sent(self) -> tuple[Written, str] | None:
        """Return what was written and its digest, if the target may have been sent to a store."""
        facts = self._record(FINISHED) or {}
        with suppress(KeyError, TypeError, ValueError, OverflowError):
            return _written(facts), str(facts["digest"])
        return None

    def finished_target(self, place: Path) -> Written | None:
        """Return what was written if ``place`` holds the finished target of this folder's run."""
        facts = self._record(FINISHED)
        try:
            state = place.stat()
            if facts is None or facts["changed_ns"] != state.st_mtime_ns:
                return None
            written = _written(facts)
        except (OSError, KeyError, TypeError, ValueError, OverflowError):
            return None
        return written if written.size_bytes == state.st_size else None

    def _compare(self, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        for name in (*now, *(name for name in before if name not in now)):  # causes come first
            was, is_now = before.get(name, "unknown"), now.get(name, "unknown")
            if was != is_now:
                change = f"{_shown(was)} then, {_shown(is_now)} now"
                raise OutputError(
                    f"{self.name}: was begun with another {name}: {change}.",
                    hint="give it as it was to go on, or `restart` to begin anew.",
                )

    def _empty(self) -> None:
        for piece in self.names():
            self.files.remove(piece)
        for name in (RECORD, ORDER, FINISHED):
            self.files.remove(name)

    def names(self) -> list[str]:
        """Return the names of all pieces that are there, in order."""
        return [name for name in self.files.names() if name.endswith(PIECE_SUFFIX)]

    def piece_path(self, piece: int) -> Path:
        """Return the name of a piece's file, where it is made."""
        return self.path / _piece_name(piece)

    def has(self, piece: int) -> bool:
        """Return True if a piece is there, whole or not: ``finished`` and joining look closer."""
        return self.files.has(_piece_name(piece))

    def missing(self, wanted: Collection[int]) -> list[int]:
        """Return those of the pieces that are not there; none of a job that others have ended."""
        if len(wanted) == 1:  # of which two questions cost less than a list of all
            return [piece for piece in wanted if self.files.has(RECORD) and not self.has(piece)]
        there = self.files.files()
        if RECORD not in there:
            return []
        return [piece for piece in wanted if _piece_name(piece) not in there]

    def keep(self, piece: int) -> None:
        """Keep a piece that was made at ``piece_path``. Raises OSError."""
        self.files.keep(_piece_name(piece))

    def take(self, piece: int, stale_s: float = STALE_S) -> HeldLease | None:
        """Take the lease of a piece, or return None where another has it. Raises OSError."""
        return self.files.take(_stem(piece), stale_s)

    def in_turn(self, pieces: Collection[int], stale_s: float = STALE_S) -> Iterator[int]:
        """Yield pieces in the order in which to try to take them. Raises OSError."""
        yield from map(int, self.files.in_turn([*map(_stem, pieces)], stale_s))

    def leases(self, stale_s: float = STALE_S, *, piece: int | None = None) -> list[LeaseState]:
        """Return the leases of pieces that are held, or that of one piece. Raises OSError."""
        states = self.files.leases(stale_s, None if piece is None else _stem(piece))
        return [state for state in states if state.stem.isdecimal()]

    def heads(self) -> list[PieceHead]:
        """Return the heads of the pieces that are there and can be read."""
        heads = []
        for name in self.names():
            with suppress(OSError, ValueError):
                heads.append(read_head(*self.files.beginning(name, MOST_HEAD_BYTES)))
        return heads

    def finished(self, count: int, notes: Notes) -> dict[int, PieceFile]:
        """Return the pieces that are whole; those that are damaged are removed, with a note."""
        found = {}
        # Those that are there alone: a damaged source may announce pieces by the billion.
        stems = (name.removesuffix(PIECE_SUFFIX) for name in self.names())
        for piece in sorted({int(stem) for stem in stems if stem.isdecimal()}):
            name = _piece_name(piece)
            if piece >= count:
                break
            try:
                file = PieceFile(self.files.fetch(name))
                file.check()
                if file.head.piece != piece:
                    raise ValueError("it is another piece")
                found[piece] = file
            except FileNotFoundError:
                continue
            except OutputError:  # of a store that is away
                raise
            except (ValueError, OSError) as error:
                notes.say(f"piece {piece} is done again: {error}")
                self.files.remove(name)
        return found

    def close(self, *, keep: bool = False) -> None:
        """Let others have the folder; one without a finished piece is removed, unless kept."""
        if not self._begun:
            return
        if not keep and not self.names():
            self.remove()
        else:
            self.files.leave()
        self._begun = False

    def remove(self) -> None:
        """Remove the folder and what lies in it."""
        self.files.destroy()
        self._begun = False


def _shown(value: str) -> str:
    """Return a fact for people, where it is the JSON of an option."""
    return "not given" if value == "null" else value.strip('"')


def _written(facts: Mapping[str, Any]) -> Written:
    """Return what a record of a finished target says. Raises an error of many kinds."""
    return Written(int(facts["frames"]), int(facts["size_bytes"]), float(facts["video_s"]))


def is_left_finished(target: Target) -> bool:
    """Return True for a target that is finished while the folder of its run is still there."""
    if target.pipe or target.sequence:
        return False
    try:
        folder = JobFolder(target)
        left = FINISHED in folder.files.names()
    except OSError:  # a name too long: whoever opens the target says so
        return False
    return left and folder.finished_target(target.place) is not None


def pieces_left(target: Target) -> tuple[str, int]:
    """Return the name of the folder of an earlier run of a target, and the pieces in it."""
    if target.pipe or target.sequence:
        return "", 0
    try:
        folder = JobFolder(target)
        return folder.name, len(folder.names())
    except OSError:
        return "", 0


def _stem(piece: int) -> str:
    return f"{piece:06d}"


def _piece_name(piece: int) -> str:
    return f"{_stem(piece)}{PIECE_SUFFIX}"


def read_order(folder: Folder | Path) -> str:
    """Return what is to be done in a folder. Raises OutputError where it is none of a job."""
    files = LocalFolder(folder) if isinstance(folder, Path) else folder
    try:
        return files.read(ORDER, MOST_TEXT_BYTES)
    except OutputError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{files.name}: is no folder of a job", hint="vidsr-job plan makes one."
        ) from error
