"""The time that each frame is shown: until the next one, whatever its packet says.

Containers count durations in decoding order, so that a pause in a stream with B-frames hangs on a
frame that is shown elsewhere: two frames before it in H.264, and the file's length was wrong by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vidsr.picture.frame import Frame


class FrameDurations:
    """A delay of one frame, in which the length of showing of each becomes known."""

    def __init__(self) -> None:
        self._held: Frame | None = None

    def push(self, frame: Frame) -> Iterator[Frame]:
        """Put a frame in; take out the one before it, which is shown until then."""
        held, self._held = self._held, frame
        if held is not None:
            yield held if frame.pts is None else _until(held, frame.pts)

    def flush(self, end: int | None) -> Iterator[Frame]:
        """Take out the last frame, which is shown until ``end``; None leaves its own duration."""
        held, self._held = self._held, None
        if held is not None:
            yield held if end is None else _until(held, end)


def _until(frame: Frame, end: int) -> Frame:
    if frame.pts is None or end <= frame.pts or frame.duration == end - frame.pts:
        return frame
    return replace(frame, duration=end - frame.pts)
