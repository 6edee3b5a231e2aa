"""Streams as the configuration or the command line states them, before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from vidsr.live.base.options import ServiceOptions, StreamOptions

ONLY = "live"  # the name of the one stream of a command line


@dataclass(frozen=True)
class StreamSpec:
    """A stream that shall run; the same record again is the same stream.

    Args:
        name: Its name, by which metrics and pages call it.
        source: The source's address; may hold secrets.
        sinks: The sinks' addresses; may hold secrets.
        options: Everything else.
    """

    name: str
    source: str = field(repr=False)
    sinks: tuple[str, ...] = field(repr=False)
    options: StreamOptions = field(default_factory=StreamOptions)


@dataclass(frozen=True)
class Config:
    """A process of streams.

    Args:
        service: The options of the process.
        streams: The streams in the order in which they were written.
    """

    service: ServiceOptions
    streams: tuple[StreamSpec, ...]


def changes(
    before: tuple[StreamSpec, ...], after: tuple[StreamSpec, ...]
) -> tuple[tuple[str, ...], tuple[StreamSpec, ...]]:
    """Return the names of streams to stop and the streams to start on the way to ``after``.

    A stream that differs in anything is in both; one that does not is in neither.
    """
    old, new = {spec.name: spec for spec in before}, {spec.name: spec for spec in after}
    stop = tuple(name for name, spec in old.items() if new.get(name) != spec)
    start = tuple(spec for name, spec in new.items() if old.get(name) != spec)
    return stop, start
