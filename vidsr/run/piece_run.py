"""A run in pieces: its job as it was planned, made to keep what is done and to go on from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from vidsr.engines.tiling import is_exact
from vidsr.errors import InputError, OutputError
from vidsr.models.model import Model
from vidsr.models.shipped import strengths_path
from vidsr.notes import Notes, SilentNotes
from vidsr.picture.frame import Frame
from vidsr.picture.size import Size
from vidsr.run.job import Job, source_request
from vidsr.run.records.identity import (
    library_facts,
    option_facts,
    weights_digest,
)
from vidsr.run.records.source_facts import source_facts
from vidsr.run.sizing import planned_cuts
from vidsr.run.spec import JobSpec
from vidsr.video.growing.growing_target import grower
from vidsr.video.items import Packet
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.frame_log import FrameLog, Making, Origin
from vidsr.video.pieces.job_folder import JobFolder, is_left_finished, pieces_left
from vidsr.video.pieces.later_source import LaterSource, may_begin_later
from vidsr.video.pieces.piece_file import PieceFile
from vidsr.video.pieces.piece_opener import FinishedOpener, PieceSinkOpener
from vidsr.video.pieces.piece_sink import PieceRun
from vidsr.video.pieces.piece_source import EmptySource, PieceSource
from vidsr.video.pieces.planning import in_pieces
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.source.base import FrameSource
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.source_kinds import medium_of, open_source

# What changes no bit of the result: where it is computed, and what is in the way.
_NO_PART = (
    "device",
    "max_memory",
    "reuse",
    "wait_for_engine",
    "decoder",
    "overwrite",
    "restart",
    "no_pieces",
    "piece_frames",
    "growing",
    "enhance",  # the options that it sets say it
)

_TILES = "tiles that blend"
_STATED = re.compile(r"(\d+)x(\d+) with (\d+) pixels around")


@dataclass(frozen=True)
class Done:
    """What earlier runs have done of a run: frames, and what these were made of."""

    frames: int = 0
    origin: Origin = field(default_factory=Origin)


@contextmanager
def kept_in_pieces(job: Job, spec: JobSpec, notes: Notes) -> Iterator[tuple[Job, Done]]:
    """Yield the job to run, and what is done of it; the same job if it is not cut.

    Raises:
        OutputError: Another run is at the target, or a stopped one was of another kind.
    """
    cuts = planned_cuts(spec, job.source.header, job.output)
    if cuts is None:
        refuse_left(job)
        folder_name, left = pieces_left(job.output.target)
        if left:
            said = f"{left} pieces of an earlier run lie in {folder_name}"
            notes.say(
                f"{said}: this run is not cut, and begins anew; the command that made them goes on"
            )
        if spec.options.piece_frames is not None:
            notes.say("`piece_frames` does nothing here: this target or source is not cut")
        if spec.options.growing:
            notes.say("the target cannot be watched before the end: the run is not cut into pieces")
        yield job, Done()
        return
    output = in_pieces(job.output)
    folder = JobFolder(output.target)
    identity = identity_of(job, spec, cuts) | settled_tiles(job, spec, folder)
    folder.begin(identity, restart=spec.options.restart, order=order_of(spec, cuts))
    if (written := folder.finished_target(output.target.place)) is not None:
        notes.choose(f"the target was finished before: {folder.path} is removed")
        before = Done(written.frames, origin_of(folder))
        yield _finished(job, FinishedOpener(folder, written), before), before
        return
    try:
        done = folder.finished(cuts.count, notes)
        before = Done(
            sum(piece.head.frames for piece in done.values()),
            Origin.sum(piece.head.origin for piece in done.values()),
        )
        if done:
            said = f"{len(done)} of {cuts.count} pieces are done already, {before.frames} frames"
            notes.choose(said)
        log = log_of(job)
        run = _piece_run(job, spec, cuts, folder, identity, log)
        source = rest_of(job, spec, cuts, done)
        with ExitStack() as opened:
            if source is not job.source:  # which the job closes
                opened.enter_context(source)
            rest = PieceSource(source, cuts, done, log, before.origin.coding)
            yield _in_pieces(replace(job, source=rest), output, run, done), before
    except BaseException:
        kept = len(folder.names())
        if kept:
            notes.say(
                f"{kept} of {cuts.count} pieces are kept in {folder.name}; the same command goes "
                "on from there"
            )
        raise
    finally:
        folder.close()


def _piece_run(
    job: Job,
    spec: JobSpec,
    cuts: Cuts,
    folder: JobFolder,
    identity: Mapping[str, str],
    log: FrameLog,
) -> PieceRun:
    def others() -> Iterator[Packet]:
        return _same_packets(spec, job, identity)

    grow = grower(folder, others) if spec.options.growing else None
    return PieceRun(cuts, folder, others, lambda piece: made_by(job, log.take(piece)), grow)


def order_of(spec: JobSpec, cuts: Cuts) -> str:
    """Return what is to be done as JSON, for processes that share the work."""
    return json.dumps({"run": json.loads(spec.to_json()), "pieces": cuts.count})


def rest_of(job: Job, spec: JobSpec, cuts: Cuts, done: Collection[int]) -> FrameSource:
    """Return the source from the first piece on that is missing."""
    missing = next((piece for piece in range(cuts.count) if piece not in done), cuts.count - 1)
    return source_from(job, spec, cuts, missing)


def source_from(job: Job, spec: JobSpec, cuts: Cuts, piece: int) -> FrameSource:
    """Return a source that gives a piece and what follows: by a seek, where that is exact."""
    source, options = job.source, spec.options
    assert isinstance(source, FileSource)
    if not piece or not may_begin_later(source, options.duration_s, options.deinterlace):
        return source
    request = source_request(options, job.output.target)
    try:
        return LaterSource(
            source,
            cuts.begin(piece),
            deinterlace=options.deinterlace,
            upright=request.upright,
            medium=medium_of(spec.source, request, SilentNotes()),
        )
    except InputError:  # nothing is shown from there on, or it cannot be reached
        return source


def _in_pieces(job: Job, output: OutputPlan, run: PieceRun, done: dict[int, PieceFile]) -> Job:
    return replace(
        job,
        output=output,
        openers=job.openers.adding(sink=PieceSinkOpener(run, done)),
    )


def _finished(job: Job, opener: FinishedOpener, done: Done) -> Job:
    """Return a job with nothing left to do but to remove the folder."""
    source = EmptySource(job.source, done.origin.coding)
    return replace(job, source=source, openers=job.openers.adding(sink=opener))


def refuse_left(job: Job) -> None:
    """Raise OutputError where an earlier run in pieces has finished the target of another run."""
    target = job.output.target
    if not target.overwrite and is_left_finished(target):
        raise OutputError(f"{target.locator}: exists already", hint="`overwrite` replaces it.")


def made_by(job: Job, origin: Origin) -> Making:
    """Return how a piece is made at this moment."""
    return Making(_precision(job), job.upscaler.engine.runtime, origin)


def log_of(job: Job) -> FrameLog:
    """Return a log of the frames of pieces."""
    return FrameLog(job.upscaler.pool.step_of)


def origin_of(folder: JobFolder) -> Origin:
    """Return what the frames of all pieces were made of that are there."""
    return Origin.sum(head.origin for head in folder.heads())


def _precision(job: Job) -> str:
    return str(job.upscaler.engine.dtype).removeprefix("torch.")


def other_packets(spec: JobSpec, job: Job) -> Iterator[Packet]:
    """Yield the packets of the source's other streams, read from the beginning of the part."""
    if not any(stream.action in ("copy", "convert") for stream in job.output.streams):
        return
    request = source_request(spec.options, job.output.target)
    with open_source(spec.source, request, SilentNotes(), job.openers.sources) as source:
        assert isinstance(source, FileSource)
        yield from source.other_packets()


def _same_packets(spec: JobSpec, job: Job, begun: Mapping[str, str]) -> Iterator[Packet]:
    """Yield ``other_packets`` of the source that the run began with. Raises InputError."""
    _check_same(spec, begun)
    yield from other_packets(spec, job)
    _check_same(spec, begun)  # a growing target reads as long as the run goes on


def _check_same(spec: JobSpec, begun: Mapping[str, str]) -> None:
    try:
        changed = source_facts(spec.source)["source content"] != begun["source content"]
    except OSError:  # opening it says why
        changed = False
    if changed:
        raise InputError(
            f"{spec.source}: has changed since the run began",
            hint="put it back as it was to go on, or `restart` to begin anew.",
        )


def _weight_files(model: Model) -> list[Path]:
    files = [model.path, *model.others]
    return files if model.strengths is None else [*files, strengths_path(model.path)]


def identity_of(job: Job, spec: JobSpec, cuts: Cuts) -> dict[str, str]:
    """Return everything that the target's bytes follow from."""
    output, upscaler = in_pieces(job.output), job.upscaler
    facts = source_facts(spec.source) | library_facts()
    facts |= option_facts(spec.options.to_json(), _NO_PART)
    facts |= {
        "network": ", ".join(weights_digest(path) for path in _weight_files(upscaler.model)),
        "precision of the network": _precision(job),
        "size of the target": f"{output.format.width}x{output.format.height}",
        "container": output.target.container,
        "encoder": output.codec.encoder,
        "options of the encoder": str(sorted(output.options.items())),
        "pixel format": output.encoder_format,
        "streams": ", ".join(f"{s.index} {s.action} {s.codec}" for s in output.streams),
        "length of pieces": f"{cuts.frames} frames",
        "number of pieces": str(cuts.count),
    }
    if cuts.begins:
        facts["places of cuts"] = hashlib.sha256(str(cuts.begins).encode()).hexdigest()[:16]
    return facts


def settled_tiles(job: Job, spec: JobSpec, folder: JobFolder) -> dict[str, str]:
    """Return how frames are cut, as a fact of the run; nothing where tiles are exact.

    Where the folder is that of an earlier run, its tiles are kept to. Else what is read around
    them is measured on the first frame now, and not on the first of each piece.
    Raises what reading and upscaling a frame raise.
    """
    pool = job.upscaler.pool
    stated = None if spec.options.restart else folder.stated(_TILES)
    if stated is not None and (match := _STATED.fullmatch(stated)):
        width, height, pixels = map(int, match.groups())
        pool.keep_tiles(Size(width, height), pixels)
        return {_TILES: stated}
    if _tile(job) is None:
        return {}
    if pool.surroundings is None:
        _try_first(job, spec)
    tile = _tile(job)
    if tile is None:
        return {}
    pixels = pool.engine.traits.blend_margin
    pool.keep_tiles(tile, pixels)
    return {_TILES: f"{tile} with {pixels} pixels around"}


def _tile(job: Job) -> Size | None:
    """Return the tile where it shows."""
    source, upscaler = job.info.format, job.upscaler
    tile = upscaler.memory_plan(source, job.output.format).tile
    exact = is_exact(upscaler.engine, Size(source.width, source.height), tile)
    return None if exact else tile


def _try_first(job: Job, spec: JobSpec) -> None:
    """Upscale the first frame, which measures what its tiles need."""
    request = source_request(spec.options, job.output.target)
    with open_source(spec.source, request, SilentNotes(), job.openers.sources) as source:
        frame = next((item for item in source if isinstance(item, Frame)), None)
        if frame is not None and frame.format == job.info.format:
            job.upscaler.enlarge(frame, job.output.format)
