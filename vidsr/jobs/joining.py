"""The end of a shared job: all pieces looked at, joined, and the folder removed."""

from __future__ import annotations

from vidsr.errors import OptionError, OutputError
from vidsr.jobs.orders import Order
from vidsr.jobs.sending import check_free, digest_of, holds, send_target
from vidsr.jobs.shared_job import SharedJob, open_order
from vidsr.notes import Notes
from vidsr.run.piece_run import other_packets
from vidsr.video.folders.opening import open_folder
from vidsr.video.locator import Locator, Name
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.joining import JoinSink, join
from vidsr.video.sink.base import Written
from vidsr.video.sink.target_file import Target


def join_all(shared: SharedJob, notes: Notes, place: Locator | None = None) -> Written:
    """Join all pieces into the target, which appears when it is whole.

    Args:
        shared: The job, open for this process alone.
        notes: What collects assumptions and losses.
        place: The address that the target is sent to; None where it stays on this machine.

    Raises:
        OutputError: Pieces are missing or damaged; damaged ones are removed. Or the target cannot
            be written.
    """
    job, folder, count = shared.job, shared.folder, shared.cuts.count
    before = folder.finished_target(job.output.target.place)
    if place is None and before is not None:
        folder.remove()
        return before
    finished = folder.finished(count, notes)
    if missing := [piece for piece in range(count) if piece not in finished]:
        raise OutputError(
            f"{folder.name}: {len(missing)} of {count} pieces are missing, the first is "
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
    if place is not None:
        file = shared.spec.target.path
        digest = digest_of(file)
        folder.note_sent(digest)
        send_target(file, place, digest, overwrite=shared.spec.options.overwrite)
    folder.remove()
    return written


def join_order(order: Order, output: Name | None, notes: Notes) -> tuple[Written, Locator]:
    """Join the pieces of an order, and return what was written and where.

    Args:
        order: The order.
        output: The target of a job in a store; None for the order's own, beside the folder.
        notes: What collects assumptions and losses.

    Raises:
        VidsrError: The order cannot be joined, or names no target.
    """
    if order.folder.local:
        if output is not None:
            raise OptionError(f"`output`: the target lies beside {order.folder}.")
        with open_order(order, notes, alone=True) as shared:
            return join_all(shared, notes), order.spec.target
    place = order.place if output is None else Locator.of(output)
    if place is None:
        raise OptionError(
            f"{order.folder}: lies beside no target.", hint="`output` names the target."
        )
    if (written := _joined_before(order, place)) is not None:
        return written, place
    here = place if place.local else None
    if here is None:
        check_free(place, overwrite=order.spec.options.overwrite)
    with open_order(order, notes, alone=True, output=here) as shared:
        return join_all(shared, notes, None if here else place), place


def _joined_before(order: Order, place: Locator) -> Written | None:
    """Return what was written by a join that was struck before it had removed the folder.

    What is left of the folder is removed then. Raises OutputError where others have it.
    """
    files = open_folder(order.folder)
    folder = JobFolder(None, files)
    if place.local:
        written = folder.finished_target(Target.of(place).place)
    else:
        written, digest = folder.sent() or (None, "")
        if written is not None and not holds(place, written.size_bytes, digest):
            written = None
    if written is not None:
        try:
            files.enter(shared=False)
            files.destroy()
        finally:
            files.leave()
    return written
