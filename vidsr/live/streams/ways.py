"""The ways to a stream's parts from addresses as people write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

from vidsr.live.base.options import Sound, StreamOptions
from vidsr.live.base.roles import LiveSource, PacketSink, PictureSink, SinkEvents
from vidsr.live.sinks.address import CODED_PIPES, distinct_names, parse_sink
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.encoding.settings import check_options
from vidsr.live.sinks.fanout import Fanout
from vidsr.live.sinks.opening import open_live_sink
from vidsr.live.sinks.patience import Patience
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
    names = distinct_names(parsed)
    kinds = tuple(address.scheme for address in parsed)
    named = tuple(zip(names, kinds, strict=True))
    folders = {
        each: Path(address.target)
        for each, address in zip(names, parsed, strict=True)
        if address.kind == "hls"
    }
    address = parse_address(source)
    return Identity(name, address.name, address.kind, named, options.quality.model, folders)


def ways_of(
    source: str, sinks: tuple[str, ...], options: StreamOptions, engines: Engines, feeds: Feeds
) -> Ways:
    """Return the ways to the parts of a stream. Raises OptionError for options that clash."""
    check_options(options.encoder)
    check_pace(source, options)
    for sink in sinks:
        parse_sink(sink).check_codec(options.encoder.codec)

    patience = Patience() if options.quality.late == "wait" else None

    def make_source() -> LiveSource:
        return open_live_source(source, options.source)

    def make_sinks(events: SinkEvents, rate: Callable[[], Fraction]) -> Sinks:
        return _open_sinks(sinks, options.sound, Around(events, rate, feeds, patience))

    def make_encoder(around: Surroundings) -> Encoder:
        return LiveEncoder(
            options.encoder,
            rate=around.rate,
            sample_aspect_ratio=around.aspect,
            hdr=around.hdr,
            sound=around.sound,
        )

    def hurry() -> None:
        if patience is not None:
            patience.end()

    return Ways(
        make_source, make_sinks, make_encoder, lambda: tuple(engines.levels(options.quality)), hurry
    )


@dataclass(frozen=True)
class Around:
    """What sinks have in common: receiver of reports, rate, the program's feeds, patience."""

    events: SinkEvents
    rate: Callable[[], Fraction]
    feeds: Feeds
    patience: Patience | None


def _open_sinks(sinks: tuple[str, ...], sound: Sound, around: Around) -> Sinks:
    packets: list[PacketSink] = []
    pictures: list[PictureSink] = [around.feeds]
    events, patience = around.events, around.patience
    addresses = [parse_sink(text) for text in sinks]
    for text, address, name in zip(sinks, addresses, distinct_names(addresses), strict=True):
        if address.kind == "pipe" and address.format not in CODED_PIPES:
            pictures.append(LatePictures(text, events, around.rate, patience))
        else:
            sink = open_live_sink(text, events=events, name=name, patience=patience)
            assert not isinstance(sink, PipePictures), f"{address.name} is no sink of packets"
            packets.append(cast("PacketSink", sink))
    return Sinks(Fanout(packets, sound) if packets else None, tuple(pictures))
