"""A maker of single pieces of a shared job, whose source stays open between two of them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from vidsr.jobs.shared_job import SharedJob
from vidsr.jobs.turns import take
from vidsr.notes import Notes, SilentNotes
from vidsr.run.job import source_request
from vidsr.run.loop import upscale_job
from vidsr.run.piece_run import log_of, made_by, source_from
from vidsr.video.folders.leases import STALE_S
from vidsr.video.pieces.one_piece import OnePieceOpener
from vidsr.video.pieces.piece_range import PieceItems, PieceReader
from vidsr.video.progress import Progress
from vidsr.video.source.base import Closing, FrameSource
from vidsr.video.source.source_kinds import open_source


class PieceMaker(Closing):
    """A maker of pieces, one at a time. Not thread-safe.

    Args:
        shared: The job; its owner closes it, after this.
        notes: What collects losses.
        stale_s: Seconds after which a lease that nobody renews is anybody's.
    """

    def __init__(self, shared: SharedJob, notes: Notes, stale_s: float = STALE_S) -> None:
        self._shared, self._notes, self._stale_s = shared, notes, stale_s
        self._reader = PieceReader(self._source, shared.cuts)

    def make(
        self, piece: int, *, anyway: bool = False, progress: Progress | None = None
    ) -> int | None:
        """Make a piece under its lease.

        Args:
            piece: Its number.
            anyway: True to make it without the lease, where another holds it: two that make the
                same piece make the same bytes.
            progress: A receiver of progress.

        Returns:
            Its frames; None where another makes it, or it is there.

        Raises:
            VidsrError: It cannot be made.
        """
        folder = self._shared.folder
        lease = take(folder, piece, self._stale_s)
        if lease is None and not anyway:
            return None
        with lease or nullcontext():
            if folder.has(piece):  # finished between the look and the lease
                return None
            return self.upscale(piece, progress)

    def upscale(self, piece: int, progress: Progress | None = None) -> int:
        """Make a piece whose lease somebody holds already; return its frames. Raises VidsrError."""
        job = self._shared.job
        log = log_of(job)
        opener = OnePieceOpener(piece, self._shared.folder, lambda: made_by(job, log.take(piece)))
        openers = job.openers.adding(sink=opener)
        source = PieceItems(self._reader, piece, job.source.header, log)
        finished = upscale_job(replace(job, source=source, openers=openers), self._notes, progress)
        return finished.written.frames

    def _source(self, piece: int) -> FrameSource:
        """Open the source anew, so that it can be closed: the job's own is kept for its header."""
        job, spec = self._shared.job, self._shared.spec
        source = source_from(job, spec, self._shared.cuts, piece)
        if source is not job.source:
            return source
        request = source_request(spec.options, job.output.target)
        return open_source(spec.source, request, SilentNotes(), job.openers.sources)

    def close(self) -> None:
        """Close the source. May be called twice."""
        self._reader.close()
