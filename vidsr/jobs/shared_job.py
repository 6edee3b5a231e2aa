"""A job that several processes share: its order, its source, its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from vidsr.errors import OptionError, OutputError
from vidsr.jobs.orders import Order, check_place, is_bare
from vidsr.notes import Notes
from vidsr.run.job import Job, open_job
from vidsr.run.piece_run import identity_of, order_of, settled_tiles
from vidsr.run.sizing import planned_cuts
from vidsr.run.spec import JobSpec
from vidsr.video.folders.folder import Folder
from vidsr.video.folders.opening import open_folder
from vidsr.video.locator import Locator
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.planning import in_pieces
from vidsr.video.source.presence import check_source


class NotCutError(OptionError):
    """Error for a run that is not cut into pieces, so that none can share it."""


@dataclass(frozen=True)
class SharedJob:
    """A job that is open here.

    Args:
        job: The source, the network and the target.
        spec: The run.
        cuts: Where pieces begin.
        folder: Where they lie.
    """

    job: Job
    spec: JobSpec
    cuts: Cuts
    folder: JobFolder


@contextmanager
def opened(
    spec: JobSpec,
    notes: Notes,
    *,
    alone: bool,
    anew: bool = False,
    folder: Locator | None = None,
) -> Iterator[SharedJob]:
    """Open a job and its folder.

    Args:
        spec: The run. With ``folder`` its target may be a name alone, which is made in a folder of
            this process.
        notes: What collects assumptions and losses.
        alone: True to keep everybody else out meanwhile.
        anew: True to make the folder where there is none.
        folder: The folder in a store; None for the one beside the target.

    Raises:
        VidsrError: The run cannot be, is not cut into pieces, or was planned otherwise.
    """
    files = None if folder is None or folder.local else open_folder(folder)
    ordered = replace(spec, target=Locator("file", spec.target.name)) if files else spec
    try:
        if files is not None and is_bare(spec.target):
            spec = replace(spec, target=Locator("file", str(files.root / spec.target.text)))
        with _opened(spec, ordered, notes, files, alone=alone, anew=anew) as shared:
            yield shared
    finally:
        if files is not None:
            files.leave()


@contextmanager
def _opened(
    spec: JobSpec,
    ordered: JobSpec,
    notes: Notes,
    files: Folder | None,
    *,
    alone: bool,
    anew: bool,
) -> Iterator[SharedJob]:
    with open_job(spec, notes) as job:
        cuts = planned_cuts(spec, job.source.header, job.output, shared=True)
        if cuts is None:
            raise NotCutError(
                "this run is not cut into pieces.",
                hint="`piece_frames` cuts short sources; the target holds H.264, HEVC, AV1, VP9, "
                "FFV1 or ProRes at a constant quality.",
            )
        output = in_pieces(job.output)
        folder = JobFolder(output.target, files)
        if not anew and not folder.files.exists():
            raise OutputError(f"{folder.name}: no such folder", hint="vidsr-job plan makes one.")
        identity = identity_of(job, spec, cuts) | settled_tiles(job, spec, folder)
        order, restart = order_of(ordered, cuts), anew and spec.options.restart
        folder.begin(identity, restart=restart, order=order, shared=not alone)
        if anew and alone:
            folder.reorder(order)
        try:
            yield SharedJob(replace(job, output=output), spec, cuts, folder)
        finally:
            folder.close(keep=True)


@contextmanager
def open_order(
    order: Order, notes: Notes, *, alone: bool, output: Locator | None = None
) -> Iterator[SharedJob]:
    """Open the job of an order.

    Args:
        order: The order.
        notes: What collects assumptions and losses.
        alone: True to keep everybody else out meanwhile.
        output: A file of this machine to join into, for a folder in a store; None to make the
            target where the pieces are made.

    Raises:
        VidsrError: As ``opened`` does, or the order's target lies elsewhere.
    """
    check_place(order)
    if order.spec.source.local:  # a pipe would be waited for
        check_source(order.spec.source)
    spec = order.spec if output is None else replace(order.spec, target=output)
    with opened(spec, notes, alone=alone, folder=order.folder) as shared:
        yield shared
