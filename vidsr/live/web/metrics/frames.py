"""Metrics of a stream's frames: received, shown, dropped, how late, by which level."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from prometheus_client.core import Metric

from vidsr.live.base.counters import Histogram, Stage
from vidsr.live.base.states import DROP_REASONS, Filler
from vidsr.live.base.status import Queue, StreamStatus
from vidsr.live.web.metrics.families import add_durations, add_each, counter, gauge, histogram

STAGES: tuple[Stage, ...] = get_args(Stage)
FILLERS: tuple[Filler, ...] = get_args(Filler)
QUEUES: tuple[Queue, ...] = get_args(Queue)
DIRECTIONS: tuple[Literal["down", "up"], ...] = ("down", "up")


def frame_metrics(streams: Iterable[StreamStatus]) -> list[Metric]:
    """Return what was counted of the frames of all streams."""
    return [*_counts(streams), *_durations(streams), *_quality(streams)]


def _counts(streams: Iterable[StreamStatus]) -> list[Metric]:
    received = counter("vidsr_frames_received", "Frames that came from the source.", "stream")
    output = counter("vidsr_frames_output", "Pictures shown, by what made them.", "stream", "level")
    dropped = counter("vidsr_frames_dropped", "Frames never shown.", "stream", "reason")
    flying = gauge("vidsr_frames_in_flight", "Frames neither shown nor dropped yet.", "stream")
    missed = counter("vidsr_deadline_missed", "Frames shown after their deadline.", "stream")
    queue = gauge("vidsr_queue_frames", "Frames that wait.", "stream", "queue")
    for one in streams:
        tally, name = one.tally, [one.name]
        received.add_metric(name, tally.received)
        flying.add_metric(name, tally.in_flight)
        missed.add_metric(name, tally.deadline_missed)
        levels = dict.fromkeys((*one.levels, *tally.shown))  # in order, each once
        add_each(output, name, levels, tally.shown)
        add_each(output, name, FILLERS, tally.fillers)
        add_each(dropped, name, DROP_REASONS, tally.dropped)
        add_each(queue, name, QUEUES, one.queued)
    return [received, output, dropped, flying, missed, queue]


def _durations(streams: Iterable[StreamStatus]) -> list[Metric]:
    latency = histogram(
        "vidsr_frame_latency_seconds", "From a frame's last packet until it is handed on.", "stream"
    )
    stages = histogram(
        "vidsr_stage_seconds", "Time that frames spend in a stage.", "stream", "stage"
    )
    age = histogram("vidsr_source_age_seconds", "Age on arrival, by the camera's clock.", "stream")
    for one in streams:
        tally = one.tally
        add_durations(latency, [one.name], tally.latency)
        for stage in STAGES:
            durations = tally.stages.get(stage, Histogram())
            add_durations(stages, [one.name, stage], durations)
        if tally.source_age.count:  # most cameras do not tell their clock
            add_durations(age, [one.name], tally.source_age)
    return [latency, stages, age]


def _quality(streams: Iterable[StreamStatus]) -> list[Metric]:
    level = gauge("vidsr_quality_level", "Place on the ladder of levels, 0 for the best.", "stream")
    changes = counter(
        "vidsr_quality_changes", "Changes of the level of quality.", "stream", "direction"
    )
    computed = counter("vidsr_tiles_computed", "Tiles that were upscaled.", "stream")
    reused = counter("vidsr_tiles_reused", "Tiles that were taken over unchanged.", "stream")
    for one in streams:
        level.add_metric([one.name], one.level_index)
        add_each(changes, [one.name], DIRECTIONS, one.tally.level_changes)
        computed.add_metric([one.name], one.tally.tiles_computed)
        reused.add_metric([one.name], one.tally.tiles_reused)
    return [level, changes, computed, reused]
