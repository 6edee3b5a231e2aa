"""The whole picture of a HEIF file: which stream to decode, and what becomes of its frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vidsr.errors import InputError
from vidsr.video.heif.items import PrimaryItem, read_primary
from vidsr.video.heif.tiles import put_together

_ONE = 1 << 16


@dataclass(frozen=True)
class StillPicture:
    """The picture that a HEIF file is about; FFmpeg gives a stream for each coded item of a file.

    Args:
        name: The file.
        primary: The item that its author calls the primary one.
    """

    name: str
    primary: PrimaryItem

    @classmethod
    def of(cls, container: InputContainer) -> StillPicture | None:
        """Return the picture of an open file, None for a file of another kind.

        Raises InputError for one whose pictures cannot be listed, or that is made in another way.
        """
        if not container.format.name.startswith("mov"):
            return None
        name = container.name
        try:
            primary = read_primary(Path(name))
        except (OSError, ValueError) as error:
            raise InputError(f"{name}: its pictures cannot be listed: {error}") from error
        if primary is None:
            return None
        if primary.grid is None and not primary.coded:
            kind = primary.kind.decode("latin1") or "none"
            raise InputError(
                f"{name}: expected a coded picture or a grid of tiles, got one of kind {kind!r}",
                hint="convert the picture to PNG with the program that made it.",
            )
        return cls(name, primary)

    def stream(self, container: InputContainer) -> VideoStream:
        """Return the stream of the picture, or of the first tile. Raises InputError."""
        grid = self.primary.grid
        number = grid.tiles[0] if grid else self.primary.number
        for stream in container.streams.video:
            if stream.id == number:
                if stream.codec_context is None:
                    raise InputError(f"{self.name}: no decoder for the picture")
                return stream
        raise InputError(f"{self.name}: the picture itself is missing")

    def whole(self, image: av.VideoFrame) -> av.VideoFrame:
        """Return the picture that a decoded frame belongs to. Raises InputError."""
        grid = self.primary.grid
        return put_together(self.name, grid, image) if grid else image

    @property
    def display_matrix(self) -> tuple[int, ...] | None:
        """FFmpeg's nine numbers by which a grid is turned upright, which its tiles do not carry."""
        grid = self.primary.grid
        if grid is None or grid.matrix == (1, 0, 0, 1):
            return None
        a, b, c, d = (_ONE * number for number in grid.matrix)
        return (a, b, 0, c, d, 0, 0, 0, 1 << 30)
