"""The protocol of levels: one way to upscale frames of one stream."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from vidsr.picture.frame import Frame, VideoFormat


class Level(Protocol):
    """One way to upscale the frames of a stream, a model or interpolation.

    Several threads may call ``upscale`` at once, as many as ``side_by_side`` allows.
    """

    @property
    def name(self) -> str:
        """The model's name, or ``bicubic``."""
        ...

    @property
    def side_by_side(self) -> int:
        """Most frames at once; 1 where a result depends on the frame before."""
        ...

    def warm(self, source: VideoFormat) -> float:
        """Upscale a grey frame until that is as fast as it gets; return its seconds."""
        ...

    def upscale(self, frame: Frame) -> Frame:
        """Return the large frame; ``frame`` may be released after.

        Raises:
            VidsrError: The model, the device or the memory fails.
        """
        ...

    def batch_key(self, source: VideoFormat) -> Hashable:
        """Return what levels with which frames may share a batch have in common; None for none."""
        ...

    def upscale_batch(self, frames: Sequence[Frame], size: int) -> list[Frame]:
        """Return what ``upscale`` gives for each, at once, computed as ``size`` frames."""
        ...

    def close(self) -> None:
        """Give back what the level holds. May be called twice."""
        ...


@runtime_checkable
class ReusingLevel(Protocol):
    """A level that computes only what changed since the last frame that it upscaled."""

    @property
    def reuses(self) -> bool:
        """True where it does so at all."""
        ...

    @property
    def last_share(self) -> float:
        """Share of the pixels that was computed of the calling thread's last frame, 0 to 1."""
        ...

    def changed_share(self, frame: Frame) -> float:
        """Return the share of the pixels that ``upscale`` would compute now, 0 to 1."""
        ...


def is_reusing(level: Level) -> bool:
    """Return True if a level computes only what changed."""
    return isinstance(level, ReusingLevel) and level.reuses
