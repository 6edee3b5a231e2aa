"""The openers of the sinks of a run in pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidsr.video.items import Packet
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_file import PieceFile
from vidsr.video.pieces.piece_sink import PieceRun, PieceSink
from vidsr.video.sink.base import Written
from vidsr.video.sink.sink_kinds import FileSinkOpener

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.picture.frame import Frame
    from vidsr.video.header import StreamHeader
    from vidsr.video.sink.base import FrameSink
    from vidsr.video.sink.output_plan import OutputPlan


@dataclass
class PieceSinkOpener(FileSinkOpener):
    """Files whose frames are kept in pieces until all are there.

    Args:
        run: The pieces.
        done: Pieces that are there already.
    """

    run: PieceRun
    done: dict[int, PieceFile] = field(default_factory=dict)

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Return the sink; the target itself is opened in the end."""
        return PieceSink(plan, header, notes, self.run, self.done)


class FinishedSink:
    """The sink of a target that a run has put in its place, and was struck then."""

    def __init__(self, folder: JobFolder, written: Written) -> None:
        self._folder, self._written = folder, written
        self.frames, self.bytes_written = written.frames, written.size_bytes

    def write(self, frame: Frame) -> None:
        """Release a frame: all are written."""
        frame.release()

    def copy(self, packet: Packet) -> None:
        """Do nothing: all is written."""

    def finish(self) -> Written:
        """Remove the folder and return what was written."""
        self._folder.remove()
        return self._written

    def abort(self) -> None:
        """Let others have the folder."""
        self._folder.close(keep=True)


@dataclass
class FinishedOpener(FileSinkOpener):
    """The opener of a target that is finished.

    Args:
        folder: The pieces of its run.
        written: What was written.
    """

    folder: JobFolder
    written: Written

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Return the sink."""
        return FinishedSink(self.folder, self.written)

    def discard(self, plan: OutputPlan) -> None:
        """Do nothing: nothing was begun."""
