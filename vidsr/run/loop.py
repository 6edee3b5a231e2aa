"""The loop of every run: items out of a source, through one stage of work, into a sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.run.job import Job
from vidsr.run.stages.channel import WhenFull
from vidsr.run.stages.pipeline import Measures, run_stages, three_stages
from vidsr.upscaling.memory_plan import HELD_FRAMES
from vidsr.video.items import Discontinuity, Item
from vidsr.video.progress import Progress
from vidsr.video.sink.base import (
    FrameSink,
    MarkingSink,
    SinkOpener,
    StoppableSink,
    Written,
)
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.sink.sink_kinds import SINK_OPENERS, choose_sink
from vidsr.video.source.base import FrameSource, StoppableSource

QUEUED_FRAMES = HELD_FRAMES - 1  # between two stages; the sink works on one more


@dataclass(frozen=True)
class Finished:
    """A run that is through: what was written, what was measured, and the wall seconds of it."""

    written: Written
    measures: Measures
    elapsed_s: float


def upscale_job(
    job: Job,
    notes: Notes,
    progress: Progress | None = None,
    *,
    when_full: WhenFull = "wait",
) -> Finished:
    """Run an open job. Raises a VidsrError, with nothing unfinished left behind."""
    return run_to_sink(
        job.source,
        lambda items: job.upscaler.stream(
            items, job.output.format, held=HELD_FRAMES, ends=is_discontinuity
        ),
        job.output,
        notes,
        progress,
        openers=job.openers.sinks,
        when_full=when_full,
    )


def run_to_sink(
    source: FrameSource,
    work: Callable[[Iterable[Item]], Iterator[Item]],
    plan: OutputPlan,
    notes: Notes,
    progress: Progress | None = None,
    *,
    stage: str = "upscale",
    openers: Sequence[SinkOpener] = SINK_OPENERS,
    when_full: WhenFull = "wait",
) -> Finished:
    """Run ``work`` over a source into a new sink, each in a thread of its own.

    Args:
        source: What is open; the caller closes it.
        work: The stage between, in the caller's thread. It passes on what is no frame.
        plan: The target.
        notes: What collects assumptions and losses.
        progress: A receiver of progress, called after every frame.
        stage: The name of ``work`` in reports.
        openers: The kinds of sinks there are.
        when_full: What a source does that is ahead of the work.

    Raises:
        VidsrError: The source or the sink failed, or ``work`` did.
    """
    begin_s, opener = time.perf_counter(), choose_sink(plan.target.locator, openers)
    sink: FrameSink | None = None
    try:
        sink = opener.open(plan, source.header, notes)
        if progress is not None:
            progress.start(source.header.info)
        stages = three_stages(
            source,
            work,
            _into(sink, progress),
            capacity=QUEUED_FRAMES,
            weigh=is_frame,
            name=stage,
            when_full=when_full,
            dropped=_give_back,
            stops=(_stop_of(source), _stop_of(sink)),
        )
        measures = run_stages(stages)
        written = sink.finish()
    except BaseException:  # Ctrl-C too, wherever it strikes: nothing unfinished may stay
        if sink is not None:
            sink.abort()
        opener.discard(plan)
        raise
    finally:
        if progress is not None:
            progress.close()
    return Finished(written, measures, time.perf_counter() - begin_s)


def _stop_of(end: FrameSource | FrameSink) -> Callable[[], None]:
    """Return what ends a wait of a source or a sink; of most there is none to end."""
    return end.stop if isinstance(end, StoppableSource | StoppableSink) else lambda: None


def is_frame(item: Item) -> bool:
    """Return True for a frame: only these take memory worth counting."""
    return isinstance(item, Frame)


def is_discontinuity(item: Item) -> bool:
    """Return True for what ends the memory of a network that looks back."""
    return isinstance(item, Discontinuity)


def _give_back(item: Item) -> None:
    """Release the planes of a frame that nobody will upscale."""
    if isinstance(item, Frame):
        item.release()


def _into(sink: FrameSink, progress: Progress | None) -> Callable[[Item], None]:
    """Return what gives an item to the sink."""

    def take(item: Item) -> None:
        if isinstance(item, Frame):
            sink.write(item)
            if progress is not None:
                progress.frame(sink.frames, sink.bytes_written)
        elif not isinstance(item, Discontinuity):
            sink.copy(item)
        elif isinstance(sink, MarkingSink):
            sink.mark(item)

    return take
