"""Sinks of every kind, opened by their addresses."""

from __future__ import annotations

import os
import stat
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

from vidsr.errors import OptionError
from vidsr.live.base.options import ReconnectOptions
from vidsr.live.base.roles import PacketSink, PictureSink, SinkEvents
from vidsr.live.sinks.address import SinkAddress, parse_sink
from vidsr.live.sinks.children.srt import bridge_program, has_secrets, load_library
from vidsr.live.sinks.children.target import ChildTarget, Peer
from vidsr.live.sinks.local_targets import HlsTarget, PipeTarget, UdpTarget
from vidsr.live.sinks.packet_queue import LIMIT_S, PacketQueue
from vidsr.live.sinks.patience import Patience
from vidsr.live.sinks.pictures import PipePictures
from vidsr.live.sinks.pipe_end import PipeEnd
from vidsr.live.sinks.recording import HELD_S, RecordTarget
from vidsr.live.sinks.reports import SinkReports
from vidsr.live.sinks.thread_sink import SINK_RECONNECT, ThreadSink
from vidsr.live.sinks.writers import WriterMaker


def open_live_sink(
    text: str,
    *,
    events: SinkEvents,
    rate: Fraction = Fraction(25),
    reconnect: ReconnectOptions = SINK_RECONNECT,
    name: str = "",
    patience: Patience | None = None,
) -> PacketSink | PictureSink:
    """Return the sink that an address names. Nothing is connected before its format is known.

    Args:
        text: The address, see ``vidsr.live.sinks.address.parse_sink``.
        events: The one to whom the sink reports.
        rate: Frames a second of pipes of pictures, where frames do not tell their length.
        reconnect: Pauses between tries of a target that has failed.
        name: The name by which it reports; empty for its address without secrets.
        patience: With it, pipes and files lose nothing: who writes waits for them.

    Raises:
        OptionError: The address names no sink, or one that cannot work here.
    """
    address = parse_sink(text)
    check_here(address)
    reports = SinkReports(name or address.name, events, address.secrets)
    if not address.container:
        return PipePictures(PipeEnd(address.target), address.format, reports, rate, patience)
    maker = _maker(address, reports)
    if address.kind in ("network", "udp"):
        patience = None  # a peer that hangs would hold up all others
    limit_s = HELD_S if address.kind == "record" else LIMIT_S
    queue = partial(PacketQueue, limit_s, patience=patience)
    return ThreadSink(maker, reports, address.container, queue, reconnect, patience)


def _maker(address: SinkAddress, reports: SinkReports) -> WriterMaker:
    """Return the target of coded packets that an address names."""
    if address.kind == "network":
        return ChildTarget(Peer(address.scheme, address.target, address.container))
    if address.kind == "udp":
        return UdpTarget(address.target)
    asks = reports.want_key_frame
    if address.kind == "hls":
        low_latency = address.scheme == "hls+ll"
        return HlsTarget(Path(address.target), low_latency=low_latency, want_key_frame=asks)
    if address.kind == "record":
        return RecordTarget(address.target, address.duration_s, asks)
    return PipeTarget(address.container, PipeEnd(address.target))


def check_here(address: SinkAddress) -> None:
    """Raise OptionError for what cannot work on this machine; nothing is written."""
    if address.scheme == "srt":
        _check_srt(address)
    elif address.kind == "pipe":
        _check_pipe(address)
    elif address.kind in ("hls", "record"):
        _check_folder(address)


def _check_srt(address: SinkAddress) -> None:
    if load_library() is not None:
        return
    hint = "install libsrt, such as Debian's libsrt1.5-gnutls."
    if has_secrets(address.target):
        raise OptionError(f"{address.name}: a pass phrase or stream id needs libsrt.", hint=hint)
    if bridge_program() is None:
        raise OptionError(
            f"{address.name}: SRT needs libsrt or ffmpeg.",
            hint=f"pip install imageio-ffmpeg, or {hint}",
        )


def _check_pipe(address: SinkAddress) -> None:
    if not address.target:
        if sys.stdout is not None and sys.stdout.isatty():
            raise OptionError(
                f"{address.name}: standard output is a terminal.",
                hint="put a | and a reader behind it.",
            )
        return
    try:
        is_pipe = stat.S_ISFIFO(os.stat(address.target).st_mode)
    except OSError as error:
        raise OptionError(f"{address.name}: {error.strerror}.", hint="mkfifo makes it.") from error
    if not is_pipe:
        raise OptionError(f"{address.name}: expected a named pipe.", hint="record: writes files.")


def _check_folder(address: SinkAddress) -> None:
    """Raise OptionError where the nearest folder that exists cannot be written."""
    folder = Path(address.target)
    if address.kind == "record":
        fixed = list(folder.parent.parts)
        while any("%" in part for part in fixed):
            fixed.pop()
        folder = Path(*fixed) if fixed else Path()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise OptionError(f"{address.name}: {folder} is no folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OptionError(f"{address.name}: {folder} cannot be written.")
