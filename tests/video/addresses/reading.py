"""Reading of sources in tests: the times and the samples of every frame."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.addresses.address_medium import AddressMedium
from vidsr.video.addresses.connection import Patience
from vidsr.video.locator import Locator
from vidsr.video.source.file_source import FileSource

QUICK = Patience(timeout_s=0.5, tries=3, pause_s=0.01)
Frames = list[tuple[int | None, str]]


def frames_of(source: FileSource) -> Frames:
    """Return time and digest of every frame, and close the source."""
    with source:
        return [(f.pts, _digest(f)) for f in source if isinstance(f, Frame)]


def _digest(frame: Frame) -> str:
    found = hashlib.sha256()
    for plane in frame.planes:
        found.update(plane.numpy().tobytes())
    return found.hexdigest()[:16]


def open_address(
    url: str, *, allow: tuple[str, ...] = (), notes: Notes | None = None, **part: Any
) -> FileSource:
    """Open an address with little patience."""
    locator, notes = Locator.of(url), notes or Notes()
    medium = AddressMedium(locator, allow, notes, QUICK)
    return FileSource(locator, notes=notes, medium=medium, **part)


def always(value: Any) -> Callable[..., Any]:
    """Return a function that returns one value."""
    return lambda *_, **__: value
