"""The sink of a run in pieces: each piece coded and kept, all of them joined in the end."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vidsr.errors import OutputError
from vidsr.picture.frame import Frame
from vidsr.video.items import Packet
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.frame_log import Making
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.joining import JoinSink, join
from vidsr.video.pieces.piece_encoder import PieceEncoder
from vidsr.video.pieces.piece_file import PieceFile, PieceHead, write_piece
from vidsr.video.sink.base import Written
from vidsr.video.streams.copies import MUX_ERRORS

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.header import StreamHeader
    from vidsr.video.sink.output_plan import OutputPlan


class Growing(Protocol):
    """A target that is joined while its run goes on."""

    def put(self, piece: int) -> None:
        """Join a piece that has just been finished; those before it are finished or empty."""
        ...

    def finish(self) -> Written | None:
        """Put the target in its place; None where it is to be joined as if nothing had grown."""
        ...

    def abort(self) -> None:
        """Give the target up."""
        ...


Grower = Callable[["OutputPlan", "StreamHeader", "Notes", set[int]], Growing]
"""A function that begins a growing target, of which some pieces are done."""


@dataclass(frozen=True)
class PieceRun:
    """What a run in pieces needs beside what every run does.

    Args:
        cuts: Where pieces begin.
        folder: Where they lie; the run has its claim.
        others: A function that reads the source's other streams from the beginning.
        made_by: A function that returns how a piece was made, once all its frames are.
        grow: A function that begins a growing target; None for one that is joined in the end.
    """

    cuts: Cuts
    folder: JobFolder
    others: Callable[[], Iterable[Packet]]
    made_by: Callable[[int], Making] = lambda piece: Making()
    grow: Grower | None = None


class PieceSink:
    """The sink that keeps what is done. Raises OutputError. Not thread-safe.

    A piece is finished in a thread beside, since an encoder looks ahead and has most of a second's
    work left at the end. ``frames`` counts what was there before, too.

    Args:
        plan: The target.
        header: The source's header.
        notes: What collects losses.
        run: The pieces.
        done: Pieces that are there already.
    """

    def __init__(
        self,
        plan: OutputPlan,
        header: StreamHeader,
        notes: Notes,
        run: PieceRun,
        done: dict[int, PieceFile],
    ) -> None:
        self.plan, self._header, self._notes, self._run = plan, header, notes, run
        self.frames = sum(piece.head.frames for piece in done.values())
        self.bytes_written = sum(piece.head.data_bytes for piece in done.values())
        self._done = set(done)
        self._encoder: PieceEncoder | None = None
        self._keeper = ThreadPoolExecutor(1, "vidsr-piece")
        self._keeping: Future[PieceHead] | None = None
        self._joined: JoinSink | None = None
        self._growing = run.grow and run.grow(plan, header, notes, set(done))

    def write(self, frame: Frame) -> None:
        """Encode one frame and release it."""
        assert frame.pts is not None
        piece = self._run.cuts.piece_of(frame.pts)
        try:
            if self._encoder is not None and self._encoder.piece != piece:
                self._end_piece()
            if self._encoder is None:
                path = self._run.folder.piece_path(piece)
                self._encoder = PieceEncoder(piece, self.plan, self._notes, path)
            self._encoder.encode(frame)
        except MUX_ERRORS as error:
            raise self._failure(f"encoding failed at frame {self.frames}", error) from error
        self.frames += 1

    def copy(self, packet: Packet) -> None:
        """Do nothing: other streams are copied in the end."""

    def _end_piece(self) -> None:
        """Have the piece finished and kept beside; one at a time, so that memory is bounded."""
        self._wait()  # may raise: ``abort`` closes the encoder then
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            self._keeping = self._keeper.submit(self._keep, encoder)

    def _keep(self, encoder: PieceEncoder) -> PieceHead:
        try:
            head = encoder.finish(self._run.made_by(encoder.piece))
        finally:
            encoder.close()
        if self._growing is not None:
            self._growing.put(head.piece)
        return head

    def _wait(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is None:
            return
        try:
            head = keeping.result()
        except MUX_ERRORS as error:
            raise self._failure("a piece cannot be kept", error) from error
        self._done.add(head.piece)
        self.bytes_written += head.data_bytes

    def finish(self) -> Written:
        """Finish the last piece, join all, and put the target in its place."""
        self._end_piece()
        self._wait()
        self._keeper.shutdown()
        run = self._run
        try:
            pieces = [self._whole(piece) for piece in range(run.cuts.count)]
        except MUX_ERRORS as error:
            raise self._failure("a piece cannot be kept", error) from error
        written = self._growing.finish() if self._growing is not None else None
        if written is None:
            written = self._join(pieces)
        run.folder.remove()
        return written

    def _join(self, pieces: Iterable[PieceFile]) -> Written:
        self._joined = JoinSink(self.plan, self._header, self._notes, self._run.folder)
        join(self._joined, pieces, self._run.others())
        return self._joined.finish()

    def _whole(self, piece: int) -> PieceFile:
        """Return a piece; one without frames where none is shown in its stretch of time."""
        path = self._run.folder.piece_path(piece)
        if piece not in self._done:
            write_piece(path, PieceHead(piece, 0, 0, None, None, ""), [])
        return PieceFile(path)

    def abort(self) -> None:
        """Give the piece up that was being made; finished ones stay."""
        self._keeper.shutdown()  # a piece whose frames are all there is worth the wait
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None
        if self._growing is not None:
            self._growing.abort()
        if self._joined is not None:
            self._joined.abort()
        self._run.folder.close()

    def _failure(self, what: str, error: Exception) -> OutputError:
        if isinstance(error, OutputError):
            return error
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        reason = getattr(error, "strerror", None) or str(error)
        kept = f"{len(self._done)} finished pieces are kept; the same command goes on from there."
        return OutputError(
            f"{self.plan.target.locator}: {what}: {reason}",
            hint=f"the disk is full: make room. {kept}" if full else kept,
        )
