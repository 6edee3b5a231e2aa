"""Cuts of a run into pieces of time, which follow from the source alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Cuts:
    """The moments at which one encoder ends and the next begins.

    A piece is a stretch of time and not a number of frames: so everybody finds the same cuts,
    whoever reads the source and from where, and a frame that is lost moves none of them. Cuts lie
    half a frame before the frames that begin pieces, whose times containers round.

    Args:
        first_pts: The time of the first frame of the run.
        frame: The nominal length of a frame, in the same units.
        frames: Frames of a piece at that length.
        count: Pieces; the last one has no end, since lengths of files are estimates.
    """

    first_pts: int
    frame: Fraction
    frames: int
    count: int

    @property
    def length(self) -> Fraction:
        """The length of a piece."""
        return self.frames * self.frame

    def begin(self, piece: int) -> int:
        """Return the earliest time of a piece; everything before is of piece 0."""
        return self.first_pts + math.ceil(piece * self.length - self.frame / 2)

    def piece_of(self, pts: int) -> int:
        """Return the piece that a frame belongs to."""
        piece = math.floor((pts - self.first_pts + self.frame / 2) / self.length)
        return max(0, min(self.count - 1, piece))


def cut(first_pts: int, rate: Fraction, time_base: Fraction, frames: int, expected: int) -> Cuts:
    """Return the cuts of a run.

    Args:
        first_pts: The time of its first frame, in units of ``time_base``.
        rate: Frames a second, nominally.
        time_base: The unit of times, in seconds.
        frames: Frames of a piece, at least 1.
        expected: Frames of the run, about. A last piece of less than half is joined to the one
            before.
    """
    count = max(1, round(expected / frames))
    return Cuts(first_pts, 1 / (rate * time_base), frames, count)
