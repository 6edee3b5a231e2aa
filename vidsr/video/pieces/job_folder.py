"""The folder of a run in pieces, beside its target: what is in it is done, come what may."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vidsr.errors import OutputError
from vidsr.files import working_name
from vidsr.notes import Notes
from vidsr.video.pieces.piece_file import PieceFile
from vidsr.video.pieces.plain_files import is_plain, placed_whole, read_plain, remove_plain
from vidsr.video.sink.base import Written
from vidsr.video.sink.target_file import Claim, Target

ENDING = ".vidsr-job"
_RECORD = "identity.json"
_ORDER = "order.json"
_FINISHED = "finished.json"
PIECE_SUFFIX = ".piece"
MOST_TEXT_BYTES = 1 << 20  # of identity and order, which take a few thousand


class JobFolder:
    """The pieces of one run. There is no list of them beside the folder itself.

    Nothing in it leads out of it: names of pieces are their numbers, and what else lies there is
    left alone or removed with the folder.
    """

    def __init__(self, target: Target) -> None:
        self.path = working_name(target.place, ENDING)
        self._claim: Claim | None = None

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
            if self._claim is not None:
                self._claim.release()
                self._claim = None
            if not isinstance(error, OSError) or isinstance(error, OutputError):
                raise
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _begin(self, identity: Mapping[str, str], restart: bool, order: str, shared: bool) -> None:
        if self.path.is_symlink():
            raise OutputError(f"{self.path}: is a link, expected a folder of its own")
        self.path.mkdir(exist_ok=True)
        self._claim = Claim(self.path, shared=shared)
        if restart:
            self._empty()
        if not shared:
            self._sweep()
        before = self._read()
        if before is not None:
            self._compare(before, identity)
            return
        self._empty()
        for name, text in ((_ORDER, order), (_RECORD, json.dumps(dict(identity), indent=1))):
            with placed_whole(self.path / name) as file:
                file.write(text.encode())

    def _read(self) -> dict[str, str] | None:
        """Return the identity of the run that made the folder; None for a new folder."""
        return self._record(_RECORD) or (self._record(_FINISHED) or {}).get("identity")

    def _record(self, name: str) -> dict[str, Any] | None:
        try:
            stored = json.loads(read_plain(self.path / name, MOST_TEXT_BYTES))
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
        with placed_whole(self.path / _FINISHED) as file:
            file.write(json.dumps(facts).encode())

    def finished_target(self, place: Path) -> Written | None:
        """Return what was written if ``place`` holds the finished target of this folder's run."""
        facts = self._record(_FINISHED)
        try:
            state = place.stat()
            if facts is None or facts["changed_ns"] != state.st_mtime_ns:
                return None
            written = Written(
                int(facts["frames"]), int(facts["size_bytes"]), float(facts["video_s"])
            )
        except (OSError, KeyError, TypeError, ValueError, OverflowError):
            return None
        return written if written.size_bytes == state.st_size else None

    def _compare(self, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        for name in sorted({*before, *now}):
            was, is_now = before.get(name, "unknown"), now.get(name, "unknown")
            if was != is_now:
                raise OutputError(
                    f"{self.path}: was begun with another {name}: {was} then, {is_now} now.",
                    hint="give it as it was to go on, or `restart` to begin anew.",
                )

    def _sweep(self) -> None:
        """Remove what a run was writing when it was struck."""
        for stale in self.path.glob("*.part"):
            remove_plain(stale)

    def _empty(self) -> None:
        for piece in self.names():
            remove_plain(piece)
        for name in (_RECORD, _ORDER, _FINISHED):
            remove_plain(self.path / name)

    def names(self) -> list[Path]:
        """Return the files of all pieces that are there, in order."""
        return sorted(self.path.glob(f"*{PIECE_SUFFIX}"))

    def piece_path(self, piece: int) -> Path:
        """Return the name of a piece's file."""
        return self.path / f"{piece:06d}{PIECE_SUFFIX}"

    def lease_path(self, piece: int) -> Path:
        """Return the name of a piece's lease."""
        return self.path / f"{piece:06d}.lease"

    def has(self, piece: int) -> bool:
        """Return True if a piece is there, whole or not: ``finished`` and joining look closer."""
        return is_plain(self.piece_path(piece))

    def finished(self, count: int, notes: Notes) -> dict[int, PieceFile]:
        """Return the pieces that are whole; those that are damaged are removed, with a note."""
        found = {}
        # Those that are there alone: a damaged source may announce pieces by the billion.
        numbers = (int(path.stem) for path in self.names() if path.stem.isdecimal())
        for piece in sorted({*numbers}):
            path = self.piece_path(piece)
            if piece >= count:
                break
            try:
                file = PieceFile(path)
                file.check()
                if file.head.piece != piece:
                    raise ValueError("it is another piece")
                found[piece] = file
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as error:
                notes.say(f"piece {piece} is done again: {error}")
                remove_plain(path)
        return found

    def close(self, *, keep: bool = False) -> None:
        """Let others have the folder; one without a finished piece is removed, unless kept."""
        if self._claim is None:
            return
        if not keep and not self.names():
            self.remove()
        else:
            self._claim.release()
        self._claim = None

    def remove(self) -> None:
        """Remove the folder and what lies in it."""
        with suppress(OSError):  # what says that the target is finished goes last
            for path in (*self.names(), self.path / _ORDER, self.path / _RECORD):
                remove_plain(path)
            shutil.rmtree(self.path)
        if self._claim is not None:
            self._claim.release()
            self._claim = None


def is_left_finished(target: Target) -> bool:
    """Return True for a target that is finished while the folder of its run is still there."""
    if target.pipe or target.sequence:
        return False
    folder = JobFolder(target)
    return is_plain(folder.path / _FINISHED) and folder.finished_target(target.place) is not None


def read_order(folder: Path) -> str:
    """Return what is to be done in a folder. Raises OutputError where it is none of a job."""
    try:
        return read_plain(folder / _ORDER, MOST_TEXT_BYTES)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{folder}: is no folder of a job", hint="vidsr-job plan makes one."
        ) from error
