"""The executor of one run by many: planned here, its pieces made by a crew, joined here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vidsr.clusters.crew import Crew
from vidsr.clusters.dispatch import Dispatch
from vidsr.errors import OutputError
from vidsr.jobs.joining import join_all
from vidsr.jobs.shared_job import SharedJob, opened
from vidsr.notes import Notes
from vidsr.run.executor import announce_run, report_of, with_strengths
from vidsr.run.loop import Finished
from vidsr.run.piece_run import origin_of
from vidsr.run.report import Report
from vidsr.run.spec import JobSpec
from vidsr.run.stages.pipeline import Measures
from vidsr.video.info import SourceCounts, SourceInfo
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.progress import CallProgress, Progress, ProgressCall, receiver_of

WAIT_S = 0.2  # between two looks at progress and signals
RELEASE_S = 30.0  # for workers to let go of the folder, once they are asked to end

MakeCrew = Callable[[str, int], Crew]
"""A function of a job's folder and of its missing pieces that returns who makes them."""


@dataclass(frozen=True)
class _Planned:
    """A run that is cut: its folder, the facts of its source, pieces there and missing."""

    folder: JobFolder
    info: SourceInfo
    count: int
    missing: tuple[int, ...]
    frames: int
    data_bytes: int


class PiecesExecutor:
    """The executor of runs whose pieces others make.

    Args:
        crew: A maker of those who make them.
        progress: A receiver of progress, or a function.
    """

    def __init__(self, crew: MakeCrew, progress: Progress | ProgressCall | None = None) -> None:
        self._crew = crew
        self._progress = receiver_of(progress) or CallProgress(lambda *_: None)

    def run(self, spec: JobSpec) -> Report:
        """Execute a run, whose pieces stay where they are if it is stopped. Raises a VidsrError."""
        notes, begin_s, names = Notes(), time.perf_counter(), (spec.source, spec.target)
        spec = from_anywhere(spec)
        planned = _plan(spec, notes)
        with _kept(planned, notes):
            if planned.missing:
                self._make(planned, notes)
            with _alone(spec, notes) as shared:
                origin = origin_of(shared.folder)
                written = join_all(shared, notes)
                elapsed_s = time.perf_counter() - begin_s
                report = report_of(shared.job, Finished(written, Measures(), elapsed_s), notes)
        # What was read here is the beginning of the source, and no measure of it.
        source, target = map(str, names)
        counts = SourceCounts(coding=origin.coding)
        report = replace(report, source=source, target=target, counts=counts, strengths={})
        return with_strengths(replace(report, resumed_frames=planned.frames), origin)

    def map(self, specs: Iterable[JobSpec]) -> Iterator[Report]:
        """Execute one after the other, each when its report is asked for."""
        return map(self.run, specs)

    def _make(self, planned: _Planned, notes: Notes) -> None:
        progress = self._progress
        progress.start(planned.info)
        crew = None
        try:
            crew = self._crew(str(planned.folder.path.absolute()), len(planned.missing))
            _work(planned, crew, notes, progress)
        finally:
            if crew is not None:
                crew.close()
            progress.close()


def from_anywhere(spec: JobSpec) -> JobSpec:
    """Return a run whose files are named so that workers in other folders find them."""
    source, target = (
        name.path.absolute() if name.local else name for name in (spec.source, spec.target)
    )
    return JobSpec.of(source, target, spec.options)


def _work(planned: _Planned, crew: Crew, notes: Notes, progress: Progress) -> None:
    """Give all pieces out until all are there."""
    dispatch = Dispatch(planned.missing, planned.folder.has)
    made_bytes = planned.data_bytes
    while not dispatch.finished:
        while crew.idle and (given := dispatch.next(time.monotonic())) is not None:
            crew.send(given)
        for event in crew.events(WAIT_S):
            dispatch.take(event, time.monotonic())
            for note in event.notes:
                notes.say(note)
            if event.kind == "made":
                made_bytes += _size(planned.folder.piece_path(event.piece))
        done = planned.frames + dispatch.tally.frames + dispatch.frames_at_work
        progress.frame(done, made_bytes)
    if dispatch.tally.lost:
        notes.say(f"{dispatch.tally.lost} pieces were made again after their workers had ended")
    if dispatch.tally.twice:
        notes.choose(f"{dispatch.tally.twice} slow pieces were given to a second worker")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _plan(spec: JobSpec, notes: Notes) -> _Planned:
    with opened(spec, notes, alone=True, anew=True) as shared:
        folder, count = shared.folder, shared.cuts.count
        announce_run(shared.job, spec.options, notes)
        if folder.finished_target(shared.job.output.target.place) is not None:
            return _Planned(folder, shared.job.info, count, (), 0, 0)
        done = folder.finished(count, notes)
        frames = sum(piece.head.frames for piece in done.values())
        if done:
            notes.choose(f"{len(done)} of {count} pieces are done already, {frames} frames")
        missing = tuple(piece for piece in range(count) if piece not in done)
        data_bytes = sum(piece.head.data_bytes for piece in done.values())
        return _Planned(folder, shared.job.info, count, missing, frames, data_bytes)


@contextmanager
def _alone(spec: JobSpec, notes: Notes) -> Iterator[SharedJob]:
    """Open the job for its end, after workers have let go of it. Raises OutputError."""
    spec = replace(spec, options=replace(spec.options, restart=False))
    until_s = time.monotonic() + RELEASE_S
    while True:
        try:
            context = opened(spec, notes, alone=True)
            shared = context.__enter__()
            break
        except OutputError:
            if time.monotonic() > until_s:
                raise
            time.sleep(WAIT_S)
    try:
        yield shared
    finally:
        context.__exit__(None, None, None)


@contextmanager
def _kept(planned: _Planned, notes: Notes) -> Iterator[None]:
    """Say how to go on where a run ends before its target is there."""
    try:
        yield
    except BaseException:
        folder = planned.folder
        kept = len(folder.names())
        if folder.path.is_dir() and not _is_released(folder):
            notes.say(f"workers are still at {folder.path}; go on once they have ended")
        if kept:
            notes.say(
                f"{kept} of {planned.count} pieces are kept in {folder.path}; the same command "
                "goes on from there"
            )
        elif folder.path.is_dir():
            folder.remove()
        raise


def _is_released(folder: JobFolder) -> bool:
    """Wait until no worker has the folder; return False where one keeps it.

    Workers whose head is gone end with the frame that they are at, and the same command could not
    go on before.
    """
    until_s = time.monotonic() + RELEASE_S
    while time.monotonic() < until_s:
        try:
            folder.files.enter(shared=False)
        except OutputError:
            time.sleep(WAIT_S)
        else:
            folder.files.leave()
            return True
    return False
