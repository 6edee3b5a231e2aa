"""Judgement of whether reuse pays, by the time that frames take."""

from __future__ import annotations

from threading import Lock

FAILURES = 8  # frames in a row that gained nothing: a key frame or a passing car is no reason
RETRIES = 2  # frames that show, after a pause, that it is still so
FIRST_PAUSE, LONGEST_PAUSE = 25, 400  # frames
GAIN = 0.95  # of the time of a whole frame: what parts have to stay below
WEIGHT = 0.1  # of a new time in the mean


class Worth:
    """Judge that pauses comparing where nothing comes of it, and tries again now and then.

    Whatever it says, no sample changes: it decides by what way they are made. Threads may ask.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._whole_s: float | None = None
        self._cold = True
        self._failures, self._left, self._pause = 0, 0, FIRST_PAUSE

    @property
    def measured(self) -> bool:
        """True when it is known what a whole frame takes; the first one, which is slow, aside."""
        return self._whole_s is not None

    @property
    def paused(self) -> bool:
        """True while frames are not compared."""
        return self._left > 0

    def next_frame(self) -> bool:
        """Count a frame down; return True if it is to be compared."""
        with self._lock:
            if self._left:
                self._left -= 1
                return False
            return True

    def whole(self, seconds: float, *, compared: bool) -> None:
        """Take note of a frame that was computed as a whole, in vain ``compared`` or not."""
        with self._lock:
            if self._cold:
                self._cold = False
                return
            mean = self._whole_s
            self._whole_s = seconds if mean is None else mean + WEIGHT * (seconds - mean)
            if compared:
                self._failed()

    def parts(self, seconds: float) -> None:
        """Take note of a frame that was computed in parts, comparing included."""
        with self._lock:
            if self._whole_s is not None and seconds > GAIN * self._whole_s:
                self._failed()
            else:
                self._failures, self._pause = 0, FIRST_PAUSE

    def _failed(self) -> None:
        self._failures += 1
        most = FAILURES if self._pause == FIRST_PAUSE else RETRIES
        if self._failures >= most:
            self._failures, self._left = 0, self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
