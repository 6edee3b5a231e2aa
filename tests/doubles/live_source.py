"""A live source: no file, no known length, a clock of its own, and a loss in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import torch

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.video.hdr import HdrMetadata
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceCounts, SourceInfo
from vidsr.video.items import Discontinuity, Item
from vidsr.video.locator import Locator
from vidsr.video.source.base import SourceRequest

LAYOUT = VideoFormat(32, 24, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1))
CLOCK = Fraction(1, 90000)
STEP = 3600


def picture(number: int, pts: int) -> Frame:
    """Return a frame of one grey, which tells its number."""
    planes = tuple(
        torch.full(size, 40 + 8 * number, dtype=torch.uint8) for size in LAYOUT.plane_sizes
    )
    return Frame(planes, LAYOUT, pts, STEP)


@dataclass
class LiveSource:
    """Gives ``frames`` frames from ``first_pts`` on; the connection is lost before ``lost_at``."""

    locator: Locator
    frames: int = 6
    first_pts: int = 123_456
    lost_at: int = 3
    fails_at: int | None = None
    counts: SourceCounts = field(default_factory=SourceCounts)
    closed: bool = False

    @property
    def header(self) -> StreamHeader:
        info = SourceInfo(
            path=str(self.locator),
            container="live",
            codec="rawvideo",
            format=LAYOUT,
            time_base=CLOCK,
            rate=Fraction(25),
            sample_aspect_ratio=Fraction(1),
            display_matrix=None,
            interlaced=False,
            hdr=HdrMetadata(),
            matrix_assumed=False,
            duration_s=None,
            frames=None,
        )
        return StreamHeader(info, first_pts=self.first_pts, live=True, seekable=False)

    def __iter__(self) -> Iterator[Item]:
        pts = self.first_pts
        for number in range(self.frames):
            if number == self.fails_at:
                raise InputError(f"{self.locator}: the camera is gone")
            if number == self.lost_at:
                pts += 90_000
                yield Discontinuity("reconnect", pts)
            self.counts.decoded += 1
            yield picture(number, pts)
            pts += STEP

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> LiveSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class LiveOpener:
    """Opens ``camera://`` addresses; keeps what it has opened."""

    fails_at: int | None = None
    opened: list[LiveSource] = field(default_factory=list)

    def matches(self, locator: Locator) -> bool:
        return locator.scheme == "camera"

    def check(self, locator: Locator) -> None:
        """Do nothing: a camera answers when it is opened, or does not."""

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> LiveSource:
        self.opened.append(LiveSource(locator, fails_at=self.fails_at))
        return self.opened[-1]
