"""The kinds of sources and sinks that a run may use."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.video.sink.base import SinkOpener
from vidsr.video.sink.sink_kinds import SINK_OPENERS
from vidsr.video.source.base import SourceOpener
from vidsr.video.source.source_kinds import SOURCE_OPENERS


@dataclass(frozen=True)
class Openers:
    """The openers of sources and of sinks, in order; the last ones take every name."""

    sources: tuple[SourceOpener, ...] = SOURCE_OPENERS
    sinks: tuple[SinkOpener, ...] = SINK_OPENERS

    def adding(
        self, *, source: SourceOpener | None = None, sink: SinkOpener | None = None
    ) -> Openers:
        """Return these openers with others that are asked before them."""
        return Openers(
            self.sources if source is None else (source, *self.sources),
            self.sinks if sink is None else (sink, *self.sinks),
        )


FILES = Openers()
