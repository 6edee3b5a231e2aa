"""The end of a shared job: all pieces looked at, joined, and the folder removed."""

from __future__ import annotations

from vidsr.errors import OutputError
from vidsr.jobs.shared_job import SharedJob
from vidsr.notes import Notes
from vidsr.run.piece_run import other_packets
from vidsr.video.pieces.joining import JoinSink, join
from vidsr.video.sink.base import Written


def join_all(shared: SharedJob, notes: Notes) -> Written:
    """Join all pieces into the target, which appears when it is whole.

    Raises:
        OutputError: Pieces are missing or damaged; damaged ones are removed. Or the target cannot
            be written.
    """
    job, folder, count = shared.job, shared.folder, shared.cuts.count
    if (before := folder.finished_target(job.output.target.place)) is not None:
        folder.remove()
        return before
    finished = folder.finished(count, notes)
    if missing := [piece for piece in range(count) if piece not in finished]:
        raise OutputError(
            f"{folder.path}: {len(missing)} of {count} pieces are missing, the first is "
            f"{missing[0]}",
            hint="vidsr-job work makes them.",
        )
    sink = JoinSink(job.output, job.source.header, notes, folder)
    try:
        others = other_packets(shared.spec, job)
        join(sink, [finished[piece] for piece in range(count)], others)
        written = sink.finish()
    except BaseException:
        sink.abort()
        raise
    folder.remove()
    return written
