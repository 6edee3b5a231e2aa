"""Counts of what was computed and what was reused."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from vidsr.picture.size import Size

TILE = 32  # pixels a side of what is counted as a tile


@dataclass(frozen=True)
class ReuseTally:
    """What was computed and reused of all frames so far.

    Attributes:
        frames: Number of frames.
        pixels: Their source pixels.
        computed_pixels: Source pixels that the network saw, surroundings of parts included.
        tiles_computed: Tiles of 32 x 32 source pixels, by area, that the network saw.
        tiles_reused: The other tiles of the frames.
        last_share: Share of the last frame's pixels that the network saw, 0 to 1.
    """

    frames: int = 0
    pixels: int = 0
    computed_pixels: int = 0
    tiles_computed: int = 0
    tiles_reused: int = 0
    last_share: float = 1.0

    @property
    def computed_share(self) -> float:
        """Share of all pixels that the network saw; 1 before the first frame."""
        return self.computed_pixels / self.pixels if self.pixels else 1.0


class ReuseCounts:
    """Counters of one stream or of several; threads may count at once."""

    def __init__(self) -> None:
        self._tally, self._lock = ReuseTally(), Lock()

    def add(self, picture: Size, share: float) -> None:
        """Count a frame of which ``share`` was computed."""
        pixels = picture.width * picture.height
        tiles = -(-picture.width // TILE) * -(-picture.height // TILE)
        computed = min(tiles, round(tiles * share + 0.499)) if share else 0
        with self._lock:
            old = self._tally
            self._tally = ReuseTally(
                old.frames + 1,
                old.pixels + pixels,
                old.computed_pixels + round(pixels * share),
                old.tiles_computed + computed,
                old.tiles_reused + tiles - computed,
                share,
            )

    @property
    def tally(self) -> ReuseTally:
        """Counts of this moment."""
        return self._tally
