"""The opener of the sink of a run in pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidsr.video.pieces.piece_file import PieceFile
from vidsr.video.pieces.piece_sink import PieceRun, PieceSink
from vidsr.video.sink.sink_kinds import FileSinkOpener

if TYPE_CHECKING:
    from vidsr.notes import Notes
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
