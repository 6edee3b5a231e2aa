"""The ways to a stream's parts from addresses as people write them."""

from __future__ import annotations

from vidsr.live.base.options import StreamOptions
from vidsr.live.base.roles import LiveSource, SinkEvents
from vidsr.live.streams.engines import Engines
from vidsr.live.streams.feeds import Feeds
from vidsr.live.streams.parts import Encoder, Sinks, Surroundings, Ways
from vidsr.live.streams.record import Identity
from vidsr.video.locator import Locator


def identity_of(name: str, source: str, sinks: tuple[str, ...], options: StreamOptions) -> Identity:
    """Return what a stream is called, with no secret of its addresses."""
    named = tuple((str(Locator.of(sink)), kind_of(sink)) for sink in sinks)
    return Identity(
        name, str(Locator.of(source)), kind_of(source), named, str(options.quality.model)
    )


def kind_of(address: str) -> str:
    """Return the scheme of an address, ``pipe`` for ``-``, and ``file`` for a path."""
    locator = Locator.of(address)
    if locator.kind == "pipe":
        return "pipe"
    head, colon, _ = address.partition(":")
    return head.lower() if colon and len(head) > 1 and head.replace("+", "").isalnum() else "file"


def ways_of(
    source: str, sinks: tuple[str, ...], options: StreamOptions, engines: Engines, feeds: Feeds
) -> Ways:
    """Return the ways to the parts of a stream."""

    def make_source() -> LiveSource:
        from vidsr.live.sources.opening import open_live_source

        return open_live_source(source, options.source)

    def make_sinks(events: SinkEvents) -> Sinks:
        raise NotImplementedError

    def make_encoder(around: Surroundings) -> Encoder:
        from vidsr.live.sinks.encoding.encoder import LiveEncoder

        return LiveEncoder(
            options.encoder,
            rate=around.rate,
            sample_aspect_ratio=around.aspect,
            hdr=around.hdr,
            sound=around.sound,
        )

    return Ways(
        make_source, make_sinks, make_encoder, lambda: tuple(engines.levels(options.quality))
    )
