"""Cuts of a run into pieces of time, which follow from the source alone."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

# Of a piece's length: how far a cut may move, so that pieces keep their order and a like length.
REACH = Fraction(2, 5)


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
        begins: The earliest time of each piece, ascending, where they are not equally long.
    """

    first_pts: int
    frame: Fraction
    frames: int
    count: int
    begins: tuple[int, ...] = ()

    @property
    def length(self) -> Fraction:
        """The length of a piece."""
        return self.frames * self.frame

    def begin(self, piece: int) -> int:
        """Return the earliest time of a piece; everything before is of piece 0."""
        if self.begins:
            return self.begins[piece]
        return self.first_pts + math.ceil(piece * self.length - self.frame / 2)

    def piece_of(self, pts: int) -> int:
        """Return the piece that a frame belongs to."""
        if self.begins:
            return max(0, bisect_right(self.begins, pts) - 1)
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


def beside(cuts: Cuts, keys: Sequence[int]) -> Cuts:
    """Return cuts moved to key frames of the source, where some lie near.

    Most key frames that come sooner than the longest distance lie at scene cuts, where the target's
    encoder spends one anyway; these come first, then any. Of a film with a scene cut every 3.4 s
    pieces of 250 frames took 2.1 % more bytes than one encoder.

    Args:
        cuts: Pieces of equal length.
        keys: The times of the source's key frames, ascending; wrong ones do no harm but cost.
    """
    if cuts.count < 2 or len(keys) < 2:
        return cuts
    gaps = [after - before for before, after in pairwise(keys)]
    sudden = [key for key, gap in zip(keys[1:], gaps, strict=True) if gap < max(gaps)]
    begins = [cuts.begin(0)]
    for piece in range(1, cuts.count):
        usual = cuts.begin(piece) + cuts.frame / 2
        found = (_near(group, usual, REACH * cuts.length) for group in (sudden, keys))
        moved = next((key for key in found if key is not None), None)
        begins.append(cuts.begin(piece) if moved is None else math.ceil(moved - cuts.frame / 2))
    return replace(cuts, begins=tuple(begins))


def _near(keys: Sequence[int], time: Fraction, reach: Fraction) -> int | None:
    """Return the key frame nearest to a time, None where none is within reach."""
    place = bisect_left(keys, time)
    near = keys[max(0, place - 1) : place + 1]
    nearest = min(near, key=lambda key: abs(key - time), default=None)
    return nearest if nearest is not None and abs(nearest - time) <= reach else None
