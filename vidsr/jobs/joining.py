"""The end of a shared job: all pieces looked at, joined, and the folder removed."""

from __future__ import annotations

import uuid
from pathlib import Path, PurePosixPath

from vidsr.errors import OptionError, OutputError
from vidsr.jobs.orders import Order
from vidsr.jobs.shared_job import SharedJob, open_order
from vidsr.notes import Notes
from vidsr.run.piece_run import other_packets
from vidsr.video.locator import Locator, Name
from vidsr.video.pieces.joining import JoinSink, join
from vidsr.video.sink.base import Written
from vidsr.video.stores.object_store import ObjectStore


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
        send_target(shared.spec.target.path, place, overwrite=shared.spec.options.overwrite)
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
    here = place if place.local else None
    if here is None:
        check_free(place, overwrite=order.spec.options.overwrite)
    with open_order(order, notes, alone=True, output=here) as shared:
        return join_all(shared, notes, None if here else place), place


def check_free(place: Locator, *, overwrite: bool) -> None:
    """Raise OutputError where a target in a store exists already."""
    store, name = _store_of(place)
    if name in store.entries() and not overwrite:
        raise OutputError(f"{place}: exists already", hint="`overwrite` replaces it.")


def send_target(file: Path, place: Locator, *, overwrite: bool) -> None:
    """Send a finished target to a store, where it appears whole.

    Raises:
        OutputError: It cannot be sent; or another has appeared there, and it has another name.
    """
    store, name = _store_of(place)
    if overwrite:
        store.send(file, name)
        return
    try:
        store.send(file, name, new=True)
    except FileExistsError:
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        spare = f"{stem}-{uuid.uuid4().hex[:8]}{suffix}"
        store.send(file, spare)
        raise OutputError(f"{place}: has appeared meanwhile; result is {spare} beside it") from None


def _store_of(place: Locator) -> tuple[ObjectStore, str]:
    begin, _, name = place.text.rpartition("/")
    return ObjectStore(Locator.of(f"{begin}/")), name
