"""Copies of a stream's pictures for viewers: made while somebody looks, and only then."""

from __future__ import annotations

import threading
import time

from vidsr.live.base.items import Arrival
from vidsr.live.base.status import PicturePair
from vidsr.live.streams.showing.kept_picture import copy_of
from vidsr.picture.frame import Frame


class Previews:
    """The newest pair of source and output of a stream. For use by several threads.

    Args:
        fps: Most pairs a second.
    """

    def __init__(self, fps: float) -> None:
        self._every_s = 1 / fps
        self._lock = threading.Lock()
        self._viewers = 0
        self._sources: dict[int, Frame] = {}  # copies that wait for their output, by time
        self._due_s = 0.0
        self._pair: PicturePair | None = None
        self._number = 0

    def watch(self) -> PreviewWatch:
        """Begin to copy; the caller closes what it gets."""
        with self._lock:
            self._viewers += 1
            self._due_s = 0.0
        return PreviewWatch(self)

    def arrived(self, arrival: Arrival) -> None:
        """Copy a source's frame where somebody looks and a pair is due."""
        if not self._viewers or (now_s := time.monotonic()) < self._due_s:
            return
        copied = copy_of(arrival.frame)
        with self._lock:
            self._due_s = now_s + self._every_s
            self._sources[arrival.frame.pts or 0] = copied
            while len(self._sources) > 8:  # of frames that were dropped
                self._sources.pop(next(iter(self._sources)))

    def shown(self, frame: Frame, source_pts: int | None, level: str) -> None:
        """Make a pair of an output whose source was copied, or of a picture without one."""
        if not self._viewers:
            return
        with self._lock:
            source = self._sources.pop(source_pts, None) if source_pts is not None else None
            lone = source_pts is None and time.monotonic() >= self._due_s
        if source is None and not lone:
            return
        output = copy_of(frame)
        with self._lock:
            if lone:
                self._due_s = time.monotonic() + self._every_s
            self._number += 1
            self._pair = PicturePair(self._number, output, source, level)

    def newest(self) -> PicturePair | None:
        """Return the newest pair."""
        with self._lock:
            return self._pair

    def left(self) -> None:
        """Take note that a viewer is gone; with the last one the pictures go."""
        with self._lock:
            self._viewers -= 1
            if not self._viewers:
                self._pair = None
                self._sources.clear()


class PreviewWatch:
    """A viewer's hold on a stream's previews."""

    def __init__(self, previews: Previews) -> None:
        self._previews: Previews | None = previews

    def newest(self) -> PicturePair | None:
        """Return the newest pair at once, None before the first and after ``close``."""
        previews = self._previews
        return None if previews is None else previews.newest()

    def close(self) -> None:
        """End. May be called twice."""
        previews, self._previews = self._previews, None
        if previews is not None:
            previews.left()
