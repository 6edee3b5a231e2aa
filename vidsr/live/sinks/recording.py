"""Recordings: files that follow each other, named by the clock, each complete once it is seen."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.sinks.address import RECORDINGS
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.muxer import MUX_ERRORS, Muxer
from vidsr.live.sinks.muxing.options import file_options
from vidsr.live.sinks.writers import Writer

UNFINISHED = ".part"
HELD_S = 20.0
"""Video that waits for a disk that is held up: nobody watches a recording for the present."""


class RecordTarget:
    """A row of files.

    Args:
        container: FFmpeg's name of the container.
        pattern: The path, with places for the clock as ``strftime`` has them: that of the file's
            first frame, in local time.
        duration_s: The length of a file; it ends at the first key frame after it.
        want_key_frame: Where that key frame is asked for.
    """

    once = False

    def __init__(self, pattern: str, duration_s: float, want_key_frame: Callable[[], None]) -> None:
        self._pattern, self._duration_s = pattern, duration_s
        self._want_key_frame = want_key_frame

    def open(self, format: MuxFormat) -> Writer:
        """Return a writer, which makes its first file with its first packet."""
        return RollingFile(self._pattern, format, self._duration_s, self._want_key_frame)

    def stop(self) -> None:
        """Do nothing: files wait for nobody."""

    def end(self) -> None:
        """Do nothing: every file is whole."""


class RollingFile:
    """A writer of one file after the other."""

    def __init__(
        self,
        pattern: str,
        format: MuxFormat,
        duration_s: float,
        want_key_frame: Callable[[], None],
    ) -> None:
        self._pattern, self._format = pattern, format
        self._duration, self._want_key_frame = round(duration_s * CLOCK_HZ), want_key_frame
        self._muxer: Muxer | None = None
        self._working = self._final = Path()
        self._begun_at = self._finished_bytes = self._finished_packets = 0
        self._asked = False

    @property
    def packets(self) -> int:
        """Packets of video of all files so far."""
        return self._finished_packets + (self._muxer.packets if self._muxer else 0)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files so far."""
        return self._finished_bytes + (self._muxer.size_bytes if self._muxer else 0)

    def write(self, packet: CodedPacket) -> None:
        """Write a packet, in a new file where it is a key frame and the file's time is over."""
        if packet.kind == "video":
            over = self._muxer is not None and packet.pts - self._begun_at >= self._duration
            if over and packet.key:
                self.close()
            elif over and not self._asked:
                self._asked = True
                self._want_key_frame()
            if self._muxer is None:
                self._begin(packet.pts)
        if self._muxer is not None:
            self._muxer.write(packet)

    def look_after(self) -> None:
        """Do nothing: without packets no file's time is over."""

    def close(self) -> None:
        """Finish the file and give it its name."""
        muxer, self._muxer = self._muxer, None
        if muxer is None:
            return
        self._finished_bytes += muxer.size_bytes
        self._finished_packets += muxer.packets
        try:
            muxer.close()
        finally:  # what was written before a disk was full can be read
            self._working.rename(self._final)

    def _begin(self, pts: int) -> None:
        named = time.strftime(self._pattern, time.localtime())
        self._final = free_name(Path(named))
        self._final.parent.mkdir(parents=True, exist_ok=True)
        self._working = self._final.with_name(self._final.name + UNFINISHED)
        container = RECORDINGS[self._final.suffix.lower()]
        try:
            options = file_options(container)
            self._muxer = Muxer(str(self._working), container, self._format, options)
        except MUX_ERRORS:
            self._working.unlink(missing_ok=True)
            raise
        self._begun_at, self._asked = pts, False


def free_name(path: Path) -> Path:
    """Return the path, numbered where a file of that name is there or being written."""
    names = itertools.chain(
        (path,), (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    )
    return next(
        name
        for name in names
        if not name.exists() and not name.with_name(name.name + UNFINISHED).exists()
    )
