"""The protocol of sources: a header, items in order, and counts of what happened meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from vidsr.option_values import Deinterlace
from vidsr.video.media.pipe_formats import InputLayout

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.header import StreamHeader
    from vidsr.video.info import SourceCounts
    from vidsr.video.items import Item
    from vidsr.video.locator import Locator
    from vidsr.video.source.nvdec import Nvdec


class FrameSource(Protocol):
    """A source of frames and foreign packets, in the order in which they came.

    One thread iterates, once; ``counts`` may be read afterwards. ``close`` may be called twice.
    """

    @property
    def header(self) -> StreamHeader: ...
    @property
    def counts(self) -> SourceCounts: ...
    def __iter__(self) -> Iterator[Item]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Closing:
    """A base of what a ``with`` statement closes at its end."""

    def close(self) -> None:
        """Give up what is held. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True)
class SourceRequest:
    """The wishes of a run at its source; the defaults take all of it as it is.

    Args:
        start_s: Where to begin, in seconds from the source's own beginning; becomes zero.
        duration_s: How many seconds to give, counted from the first frame given.
        deinterlace: ``auto`` deinterlaces frames that say they are interlaced.
        framerate: Frames a second, for pictures and streams without a clock.
        upright: True to turn pictures as the display matrix says.
        hwaccel: A GPU that decodes, None for the CPU.
        layout: What the source is in, where that is stated.
        allow: Protocols that a playlist may read from beside its own; ``file`` for files.
    """

    start_s: float | None = None
    duration_s: float | None = None
    deinterlace: Deinterlace = "auto"
    framerate: Fraction | None = None
    upright: bool = False
    hwaccel: Nvdec | None = None
    layout: InputLayout = field(default_factory=InputLayout)
    allow: tuple[str, ...] = ()


@runtime_checkable
class StoppableSource(Protocol):
    """A source that may wait for somebody else, and whose wait can be ended from any thread."""

    def stop(self) -> None: ...


class SourceOpener(Protocol):
    """One kind of source: tells which names are its own, and opens them."""

    def matches(self, locator: Locator) -> bool: ...

    def check(self, locator: Locator) -> None:
        """Refuse at once what cannot be opened; PyAV is not loaded yet. Raises InputError."""
        ...

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the source up to its first frame. Raises InputError, OptionError."""
        ...
