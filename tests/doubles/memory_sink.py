"""A sink that keeps frames in memory, and all else that comes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.header import StreamHeader
from vidsr.video.items import Discontinuity, Packet
from vidsr.video.locator import Locator
from vidsr.video.sink.base import Written
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.sink.target_file import Target


@dataclass
class MemorySink:
    """Keeps copies, since a frame's planes are lent."""

    plan: OutputPlan
    header: StreamHeader
    kept: list[Frame] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    marks: list[tuple[int, Discontinuity]] = field(default_factory=list)
    ended: str = ""

    @property
    def frames(self) -> int:
        return len(self.kept)

    @property
    def bytes_written(self) -> int:
        return sum(frame.format.frame_bytes for frame in self.kept)

    def write(self, frame: Frame) -> None:
        self.kept.append(replace(frame, planes=tuple(plane.clone() for plane in frame.planes)))
        frame.release()

    def copy(self, packet: Packet) -> None:
        self.packets.append(packet)

    def mark(self, discontinuity: Discontinuity) -> None:
        """Note how many frames came before it."""
        self.marks.append((self.frames, discontinuity))

    def finish(self) -> Written:
        self.ended = "finished"
        return Written(self.frames, self.bytes_written, float(self.frames / self.plan.rate))

    def abort(self) -> None:
        self.ended = "aborted"


@dataclass
class MemoryOpener:
    """Opens ``memory://`` addresses; keeps what it has opened."""

    opened: list[MemorySink] = field(default_factory=list)
    discarded: int = 0

    def matches(self, locator: Locator) -> bool:
        return locator.scheme == "memory"

    def target(self, locator: Locator, *, overwrite: bool) -> Target:
        return Target(locator, "matroska", overwrite)

    def check(self, target: Target, source: Locator) -> None:
        """Do nothing: memory has room."""

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> MemorySink:
        self.opened.append(MemorySink(plan, header))
        return self.opened[-1]

    def discard(self, plan: OutputPlan) -> None:
        self.discarded += 1
