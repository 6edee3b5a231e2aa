"""The pieces of a run in order, each as soon as it is finished."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator

from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_file import PieceFile


class GivenUp(Exception):
    """The end of a wait for pieces that will not come."""


class ReadyPieces:
    """Pieces that one thread reads while another makes them. May be iterated again.

    Args:
        folder: Where they lie.
        done: Pieces that are there already, maybe with others missing between.
    """

    def __init__(self, folder: JobFolder, done: Collection[int]) -> None:
        self._folder, self._done = folder, {*done}
        self._made = -1
        self._over = self._given_up = False
        self._changed = threading.Condition()

    def put(self, piece: int) -> None:
        """Add a piece: every piece before that is not there shows no frame."""
        with self._changed:
            self._done.add(piece)
            self._made = max(self._made, piece)
            self._changed.notify_all()

    def end(self) -> None:
        """Have the reader end behind the last piece that is there."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def give_up(self) -> None:
        """Have the reader raise GivenUp wherever it waits."""
        with self._changed:
            self._given_up = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[PieceFile]:
        piece = 0
        while self._wait_for(piece):
            if piece in self._done:
                yield PieceFile(self._folder.piece_path(piece))
            piece += 1

    def _wait_for(self, piece: int) -> bool:
        """Return True when it is known whether a piece has frames, False when none follows."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._given_up or self._over or piece in self._done or piece < self._made
            )
            if self._given_up:
                raise GivenUp
            return piece <= max(self._done, default=-1)
