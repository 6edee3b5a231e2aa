"""A job that several processes share: its order, its source, its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vidsr.errors import OptionError, OutputError
from vidsr.notes import Notes
from vidsr.run.job import Job, open_job
from vidsr.run.piece_run import identity_of, order_of
from vidsr.run.sizing import planned_cuts
from vidsr.run.spec import JobSpec
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.job_folder import JobFolder, read_order
from vidsr.video.pieces.planning import in_pieces
from vidsr.video.sink.target_file import Target


class NotCutError(OptionError):
    """Error for a run that is not cut into pieces, so that none can share it."""


@dataclass(frozen=True)
class Order:
    """What is to be done in a folder.

    Args:
        folder: The folder.
        spec: The run.
        pieces: How many pieces it has.
    """

    folder: Path
    spec: JobSpec
    pieces: int

    @classmethod
    def read(cls, folder: Path) -> Order:
        """Read the order of a folder, which is input like any other.

        Raises:
            OutputError: It is no folder of a job, or its target lies elsewhere.
        """
        text = read_order(folder)
        try:
            stored = json.loads(text)
            spec, pieces = JobSpec.from_json(json.dumps(stored["run"])), stored["pieces"]
        except (KeyError, TypeError, ValueError, RecursionError, OptionError) as error:
            raise OutputError(f"{folder}: its order cannot be read: {error}") from error
        if type(pieces) is not int or pieces < 1 or spec.source.kind != "file":
            raise OutputError(f"{folder}: its order cannot be read")
        return cls(folder, spec, pieces)

    def of_device(self, device: str | None) -> Order:
        """Return the order for a device of this machine."""
        if device is None:
            return self
        options = replace(self.spec.options, device=device)
        return replace(self, spec=replace(self.spec, options=options))


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
def opened(spec: JobSpec, notes: Notes, *, alone: bool, anew: bool = False) -> Iterator[SharedJob]:
    """Open a job and its folder.

    Args:
        spec: The run.
        notes: What collects assumptions and losses.
        alone: True to keep everybody else out meanwhile.
        anew: True to make the folder where there is none.

    Raises:
        VidsrError: The run cannot be, is not cut into pieces, or was planned otherwise.
    """
    with open_job(spec, notes) as job:
        cuts = planned_cuts(spec, job.source.header, job.output)
        if cuts is None:
            raise NotCutError(
                "this run is not cut into pieces.",
                hint="`piece_frames` cuts short sources; the target holds H.264, HEVC, AV1, VP9, "
                "FFV1 or ProRes at a constant quality.",
            )
        output = in_pieces(job.output)
        folder = JobFolder(output.target)
        if not anew and not folder.path.is_dir():
            raise OutputError(f"{folder.path}: no such folder", hint="vidsr-job plan makes one.")
        identity = identity_of(job, spec, cuts)
        order, restart = order_of(spec, cuts), anew and spec.options.restart
        folder.begin(identity, restart=restart, order=order, shared=not alone)
        try:
            yield SharedJob(replace(job, output=output), spec, cuts, folder)
        finally:
            folder.close(keep=True)


def check_place(order: Order) -> None:
    """Raise OutputError where an order names a target that the folder does not belong to."""
    folder = JobFolder(Target.of(order.spec.target))
    if folder.path.resolve() != order.folder.resolve():
        raise OutputError(
            f"{order.folder}: its target would be {order.spec.target}, which it does not lie beside"
        )
