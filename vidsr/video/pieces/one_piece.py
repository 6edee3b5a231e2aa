"""The sink of one piece, which somebody else will join."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidsr.errors import OutputError
from vidsr.picture.frame import Frame
from vidsr.video.items import Packet
from vidsr.video.pieces.frame_log import Making
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_encoder import PieceEncoder
from vidsr.video.pieces.piece_file import PieceHead, write_piece
from vidsr.video.sink.base import Written
from vidsr.video.sink.sink_kinds import FileSinkOpener
from vidsr.video.streams.copies import MUX_ERRORS

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.header import StreamHeader
    from vidsr.video.sink.base import FrameSink
    from vidsr.video.sink.output_plan import OutputPlan


class OnePieceSink:
    """The sink of the frames of one piece. Raises OutputError. Not thread-safe."""

    def __init__(
        self,
        piece: int,
        folder: JobFolder,
        plan: OutputPlan,
        notes: Notes,
        made_by: Callable[[], Making],
    ) -> None:
        self.frames = self.bytes_written = 0
        self._piece, self._folder, self._plan, self._notes = piece, folder, plan, notes
        self._path = folder.piece_path(piece)
        self._made_by = made_by
        self._encoder: PieceEncoder | None = None

    def write(self, frame: Frame) -> None:
        """Encode one frame and release it."""
        try:
            if self._encoder is None:
                self._encoder = PieceEncoder(self._piece, self._plan, self._notes, self._path)
            self._encoder.encode(frame)
        except MUX_ERRORS as error:
            raise self._failure(error) from error
        self.frames += 1

    def copy(self, packet: Packet) -> None:
        """Do nothing: other streams are copied when pieces are joined."""

    def finish(self) -> Written:
        """Keep the piece."""
        try:
            if self._encoder is None:  # a stretch in which no frame is shown
                head = PieceHead(self._piece, 0, 0, None, None, "")
                write_piece(self._path, head, [])
            else:
                head = self._encoder.finish(self._made_by())
                self._encoder.close()
            self._folder.keep(self._piece)
        except MUX_ERRORS as error:
            raise self._failure(error) from error
        self.bytes_written = head.data_bytes
        return Written(self.frames, head.data_bytes, 0.0)

    def abort(self) -> None:
        """Give up what was being made."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _failure(self, error: Exception) -> OutputError:
        if isinstance(error, OutputError):
            return error
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        reason = getattr(error, "strerror", None) or str(error)
        hint = "the disk is full: make room. Finished pieces are kept." if full else ""
        name = f"{self._folder.name}: piece {self._piece}"
        return OutputError(f"{name} cannot be kept: {reason}", hint=hint)


@dataclass
class OnePieceOpener(FileSinkOpener):
    """The opener of one piece's sink."""

    piece: int
    folder: JobFolder
    made_by: Callable[[], Making]

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Return the sink."""
        return OnePieceSink(self.piece, self.folder, plan, notes, self.made_by)

    def discard(self, plan: OutputPlan) -> None:
        """Do nothing: the target is not begun."""
