"""A receiver that writes down what a source gives, and waits for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.live.waits import joins_within
from tests.makers.counter import read
from vidsr.live.base.formats import SourceFormat
from vidsr.live.base.items import Arrival, CodedPacket
from vidsr.live.base.options import SourceOptions
from vidsr.live.base.states import DropReason, Failure, SourceState
from vidsr.live.sources.source import STOPS_S, open_live_source


@dataclass(frozen=True)
class Seen:
    """One frame as it was received; its planes are given back."""

    number: int | None
    pts: int
    size: tuple[int, int]
    at_s: float
    arrived_s: float
    connection: int
    sent_s: float | None


class Recorder:
    """A receiver of one source."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.formats: list[SourceFormat] = []
        self.frames: list[Seen] = []
        self.sounds: list[CodedPacket] = []
        self.states: list[SourceState] = []
        self.failures: list[Failure] = []
        self.dropped: Counter[DropReason] = Counter()
        self.size_bytes = 0
        self.began_s = time.monotonic()

    def format(self, format: SourceFormat) -> None:
        self.formats.append(format)

    def frame(self, arrival: Arrival) -> None:
        luma, now_s = arrival.frame.planes[0], time.monotonic()
        assert self.formats
        assert arrival.frame.format == self.formats[-1].video.format
        seen = Seen(
            read(luma.numpy().astype(np.int64)),
            arrival.frame.pts or 0,
            (luma.shape[1], luma.shape[0]),
            now_s,
            arrival.arrived_s,
            arrival.connection,
            arrival.sent_s,
        )
        arrival.frame.release()
        with self.changed:
            self.frames.append(seen)
            self.changed.notify_all()

    def lost(self, reason: DropReason, count: int = 1) -> None:
        self.dropped[reason] += count

    def sound(self, packet: CodedPacket) -> None:
        self.sounds.append(packet)

    def state(self, state: SourceState, failure: Failure | None = None) -> None:
        with self.changed:
            self.states.append(state)
            self.failures += [failure] if failure else []
            self.changed.notify_all()

    def received(self, size_bytes: int) -> None:
        self.size_bytes += size_bytes

    def wait(self, condition: Callable[[], bool], within_s: float = 60.0) -> None:
        """Wait until a condition holds. Raises AssertionError."""
        with self.changed:
            held = self.changed.wait_for(condition, within_s)
        reasons = [(failure.reason, failure.text) for failure in self.failures]
        assert held, (self.states, reasons, len(self.frames), self.dropped)

    def wait_frames(self, count: int, within_s: float = 60.0) -> None:
        """Wait for so many frames more."""
        wanted = len(self.frames) + count
        self.wait(lambda: len(self.frames) >= wanted, within_s)

    def wait_state(self, state: SourceState, within_s: float = 60.0) -> None:
        """Wait until the source is in a state."""
        self.wait(lambda: self.states[-1:] == [state], within_s)

    def wait_for_stall(self, within_s: float = 60.0) -> None:
        """Wait until the source has been stalled."""
        self.wait(lambda: "stalled" in self.states, within_s)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the frames, all of which must be readable."""
        numbers = [frame.number for frame in self.frames if frame.number is not None]
        assert len(numbers) == len(self.frames)
        return numbers

    def assert_in_order(self, *, gapless: bool = True) -> None:
        """Hold that numbers and times grow, without a number missing within a connection."""
        for before, after in pairwise(self.frames):
            assert after.pts > before.pts
            assert before.number is not None
            assert after.number is not None
            if after.connection == before.connection and gapless:
                assert after.number == before.number + 1, self.numbers


@contextlib.contextmanager
def receiving(text: str, options: SourceOptions | None = None) -> Iterator[Recorder]:
    """Start a source and stop it, waiting two seconds at most, whatever has happened."""
    recorder = Recorder()
    source = open_live_source(text, options or SourceOptions())
    source.start(recorder)
    try:
        yield recorder
    finally:
        with joins_within(STOPS_S):
            source.stop()
