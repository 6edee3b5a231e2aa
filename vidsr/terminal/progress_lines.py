"""Progress where stderr is no terminal: a line now and then, or objects for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from vidsr.option_values import in_words
from vidsr.video.info import SourceInfo

EVERY_S = 30.0  # between two lines
OBJECTS_EVERY_S = 1.0


class Pace:
    """The speed of a run: frames done and in all, since when, and how long it will take."""

    def __init__(self, info: SourceInfo) -> None:
        self.total = info.frames
        self.rate = float(info.rate)
        self.begin_s = time.perf_counter()
        self.done = self.output_bytes = 0

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the run began."""
        return time.perf_counter() - self.begin_s

    @property
    def fps(self) -> float:
        """Frames a second so far."""
        return self.done / self.elapsed_s if self.done else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds still to go; None where the number of frames is unknown."""
        if self.total is None or not self.done:
            return None
        return max(0, self.total - self.done) / self.fps

    def reach(self, done: int, output_bytes: int) -> None:
        """Take the frames and bytes written so far."""
        self.done, self.output_bytes = done, output_bytes
        if self.total is not None and done > self.total:
            self.total = done


class QuietProgress:
    """A receiver of progress that prints nothing.

    Every frame raises KeyboardInterrupt once ``interrupted`` is true.
    """

    def __init__(self, interrupted: Callable[[], bool] = lambda: False) -> None:
        self._interrupted = interrupted

    def start(self, info: SourceInfo) -> None:
        """Begin to count."""
        self.pace = Pace(info)

    def frame(self, done: int, output_bytes: int) -> None:
        """Count a frame. Raises KeyboardInterrupt after a signal."""
        if self._interrupted():
            raise KeyboardInterrupt
        self.pace.reach(done, output_bytes)
        self.tell()

    def tell(self) -> None:
        """Print what is due after a frame."""

    def close(self) -> None:
        """End."""


class LineProgress(QuietProgress):
    """A receiver of progress that prints a line every 30 s.

    Args:
        name: The name that every line begins with.
        interrupted: True once a signal has come.
        every_s: Seconds between two lines.
    """

    def __init__(
        self,
        name: str,
        interrupted: Callable[[], bool] = lambda: False,
        every_s: float = EVERY_S,
    ) -> None:
        super().__init__(interrupted)
        self._name, self._every_s = name, every_s
        self._last_s = 0.0

    def tell(self) -> None:
        """Print a line where the last one is old enough."""
        elapsed_s = self.pace.elapsed_s
        if elapsed_s - self._last_s >= self._every_s:
            self._last_s = elapsed_s
            print(f"{self._name}: {describe(self.pace)}", file=sys.stderr, flush=True)


def describe(pace: Pace) -> str:
    """Return frames, speed, time left and bytes in one line."""
    parts = [f"{pace.done} frames"]
    if pace.total is not None:
        percent = 100 * pace.done / max(1, pace.total)
        parts = [f"{percent:.0f} %, {pace.done} of {pace.total} frames"]
    parts.append(f"{pace.fps:.1f} fps")
    parts.append(f"{pace.fps / pace.rate:.2f}x")
    if pace.left_s is not None:
        parts.append(f"{in_words(pace.left_s)} left")
    return ", ".join([*parts, f"{pace.output_bytes / 1e6:.1f} MB"])


class JsonProgress(QuietProgress):
    """A receiver of progress that prints JSON objects, one a line, at most one a second.

    The keys are ``event`` (``start``, ``progress`` or ``end``), ``frames``, ``total`` (null where
    unknown), ``fps``, ``elapsed_s``, ``left_s`` (null where unknown) and ``output_bytes``.
    """

    def __init__(
        self,
        interrupted: Callable[[], bool] = lambda: False,
        every_s: float = OBJECTS_EVERY_S,
    ) -> None:
        super().__init__(interrupted)
        self._every_s, self._last_s = every_s, 0.0
        self._ended = True

    def start(self, info: SourceInfo) -> None:
        """Print the first object, with what is known of the source."""
        super().start(info)
        self._ended = False
        self._print("start", source=info.path, size=[info.format.width, info.format.height])

    def tell(self) -> None:
        """Print an object where the last one is old enough."""
        if self.pace.elapsed_s - self._last_s >= self._every_s:
            self._last_s = self.pace.elapsed_s
            self._print("progress")

    def close(self) -> None:
        """Print the last object, once."""
        if not self._ended:
            self._ended = True
            self._print("end")

    def _print(self, event: str, **more: Any) -> None:
        pace, left_s = self.pace, self.pace.left_s
        said = {
            "event": event,
            "frames": pace.done,
            "total": pace.total,
            "fps": round(pace.fps, 3),
            "elapsed_s": round(pace.elapsed_s, 3),
            "left_s": None if left_s is None else round(left_s, 1),
            "output_bytes": pace.output_bytes,
        }
        print(json.dumps(said | more), file=sys.stderr, flush=True)
