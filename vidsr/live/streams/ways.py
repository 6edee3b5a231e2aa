"""The ways to a stream's parts from addresses as people write them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from vidsr.live.base.options import StreamOptions
from vidsr.live.base.roles import LiveSource, PacketSink, PictureSink, SinkEvents
from vidsr.live.sinks.address import CODED_PIPES, parse_sink
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.encoding.settings import check_options
from vidsr.live.sinks.fanout import Fanout
from vidsr.live.sinks.opening import open_live_sink
from vidsr.live.sinks.pictures import PipePictures
from vidsr.live.sources.opening.address import parse_address
from vidsr.live.sources.source import open_live_source
from vidsr.live.streams.engines import Engines
from vidsr.live.streams.feeds import Feeds
from vidsr.live.streams.late_pictures import LatePictures
from vidsr.live.streams.measures.record import Identity
from vidsr.live.streams.pace import check_pace
from vidsr.live.streams.showing.parts import Encoder, Sinks, Surroundings, Ways


def identity_of(name: str, source: str, sinks: tuple[str, ...], options: StreamOptions) -> Identity:
    """Return what a stream is called, with no secret of its addresses. Raises OptionError."""
    parsed = [parse_sink(sink) for sink in sinks]
    named = tuple((address.name, address.scheme) for address in parsed)
    address = parse_address(source)
    return Identity(name, address.name, address.kind, named, options.quality.model)


def ways_of(
    source: str, sinks: tuple[str, ...], options: StreamOptions, engines: Engines, feeds: Feeds
) -> Ways:
    """Return the ways to the parts of a stream. Raises OptionError for options that clash."""
    check_options(options.encoder)
    check_pace(source, options)

    def make_source() -> LiveSource:
        return open_live_source(source, options.source)

    def make_sinks(events: SinkEvents, rate: Callable[[], Fraction]) -> Sinks:
        return _open_sinks(sinks, options, events, rate, feeds)

    def make_encoder(around: Surroundings) -> Encoder:
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


def _open_sinks(
    sinks: tuple[str, ...],
    options: StreamOptions,
    events: SinkEvents,
    rate: Callable[[], Fraction],
    feeds: Feeds,
) -> Sinks:
    packets: list[PacketSink] = []
    pictures: list[PictureSink] = [feeds]
    for text in sinks:
        address = parse_sink(text)
        if address.kind == "pipe" and address.format not in CODED_PIPES:
            pictures.append(LatePictures(text, events, rate))
        else:
            sink = open_live_sink(text, events=events)
            assert not isinstance(sink, PipePictures), f"{address.name} is no sink of packets"
            packets.append(cast("PacketSink", sink))
    return Sinks(Fanout(packets, options.sound) if packets else None, tuple(pictures))
