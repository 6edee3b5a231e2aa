"""One connection to a source: opened, read packet by packet with an eye on the clock, closed."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidsr.live.base.options import SourceOptions
from vidsr.live.sources.opening.address import Address
from vidsr.live.sources.opening.byte_pipe import BytePipe, open_pipe
from vidsr.live.sources.opening.checks import is_fifo
from vidsr.live.sources.opening.sockets import Datagrams, accept_tcp, connect_tcp
from vidsr.live.sources.opening.srt_bridge import SrtBridge
from vidsr.live.sources.opening.tuning import Opening, opening_of
from vidsr.live.sources.opening.watch import Watch
from vidsr.video.close_codecs import close_input

# A read of FFmpeg's ends this often to see whether the source was stopped; with a parser, as RTSP
# has, half as often: its first error only brings out what the parser holds.
POLL_S = 0.5
# Kinds whose connections are no good after that, for FFmpeg's reader of FLV loses the next packet,
# often a key frame, and others find nothing any more: they are only broken off when they stall.
UNBROKEN = ("rtmp", "http")
DECODER_THREADS = 4


class NoVideoError(OSError):
    """Error for a source that is there and has no video, or none yet."""


class Connection:
    """An open source.

    Args:
        address: Where it is.
        options: How it is opened.
        over: Set to have it end soon.
        watch: Looked at while a read waits; it may give the connection up.

    Raises:
        NoVideoError: There is no video in it.
        OSError, ValueError: FFmpeg's errors, and the system's.
    """

    video: VideoStream
    sound: AudioStream | None = None
    _bridge: SrtBridge | None = None

    def __init__(
        self,
        address: Address,
        options: SourceOptions,
        over: threading.Event,
        watch: Watch,
    ) -> None:
        self.address, self.options = address, options
        self._over, self._watch = over, watch
        self._poll_s = options.stall_s if address.kind in UNBROKEN else POLL_S
        self._owned = contextlib.ExitStack()
        opening = opening_of(address, options)
        try:
            found = self._open(opening)
            if not found and not address.finite:
                self._owned.close()
                found = self._open(opening.longer())
            if not found:
                raise NoVideoError(errno.ENODATA, "no video that can be decoded")
        except BaseException:
            self.close()
            if self._bridge and self._bridge.denied:
                text = "the peer wants another passphrase"
                raise PermissionError(errno.EACCES, text) from None
            raise

    @property
    def finite(self) -> bool:
        """True for what has an end: a file, a pipe, and a film that is read by HTTP.

        That of RTMP names a length too, of what its sender sends, and has none.
        """
        film = self.address.kind in ("http", "hls") and bool(self.container.duration)
        return self.address.finite or film

    def packets(self) -> Iterator[av.Packet[Any] | None]:
        """Yield packets up to the end of the source, or until ``watch`` or ``over`` ends it.

        None stands for a while in which nothing came.
        """
        streams = [self.video, self.sound] if self.sound else [self.video]
        packets = self.container.demux(streams)
        while not self._over.is_set():
            began_s = time.monotonic()
            try:
                packet = next(packets, None)
            except (av.error.ExitError, OSError):
                # RTMP calls a read that was broken off an error of input: only the next one, which
                # comes at once, tells whether the connection is gone.
                if time.monotonic() - began_s < self._poll_s:
                    raise
                if self._watch.waits():
                    return
                if self.address.kind in UNBROKEN:
                    raise
                packets = self.container.demux(streams)
                yield None
                continue
            if packet is None:
                return
            yield packet

    def close(self) -> None:
        """Give everything back. May be called twice; only by the thread that reads."""
        self._owned.close()

    def _open(self, opening: Opening) -> bool:
        """Open, and choose the streams; return False where no video has been found."""
        bytes_of = self._byte_pipe()
        url = opening.url
        if self.address.kind == "file":  # an absolute path is never taken for a protocol
            url = str(Path(url).absolute())
        container = av.open(
            bytes_of or url,
            "r",
            format=opening.container,
            options=opening.options,
            timeout=None if bytes_of else (self.options.open_s, self._poll_s),
            metadata_errors="replace",
        )
        assert isinstance(container, InputContainer)
        self.container = container
        self._owned.callback(close_input, container)
        return self._choose()

    def _byte_pipe(self) -> BytePipe | Datagrams | None:
        """Return the file object of a source that comes as bytes, None for FFmpeg's own kinds."""
        address, open_s = self.address, self.options.open_s
        if address.kind == "udp":
            datagrams = Datagrams(address.url, self._over, self._watch.waits)
            self._owned.callback(datagrams.close)
            return datagrams
        if address.kind == "srt":
            self._bridge = SrtBridge(address, open_s)
            self._owned.callback(self._bridge.close)
            descriptor = os.dup(self._bridge.descriptor)
        elif address.kind == "tcp" and address.listen:
            descriptor = accept_tcp(address.url, self._over)
            self._watch.called()
        elif address.kind == "tcp":
            descriptor = connect_tcp(address.url, open_s, self._over)
        elif address.kind == "pipe" or is_fifo(address):
            descriptor = open_pipe(address.url)
        else:
            return None
        pipe = BytePipe(descriptor, self._over, self._watch.waits)
        self._owned.callback(pipe.close)
        return pipe

    def _choose(self) -> bool:
        """Choose the streams, the others are not even read; return False for want of video."""
        videos = [
            stream
            for stream in self.container.streams.video
            if stream.codec_context is not None
            and not stream.disposition & Disposition.attached_pic
        ]
        if not videos:
            return False
        best = cast(VideoStream | None, self.container.streams.best("video"))
        self.video = best if best in videos else videos[0]
        self.video.thread_type = "SLICE"  # threads by frames cost a frame of latency each
        self.video.thread_count = min(DECODER_THREADS, os.cpu_count() or 1)
        self.video.codec_context.flags |= Flags.low_delay
        if self.options.sound:
            self.sound = next(
                (s for s in self.container.streams.audio if s.codec_context is not None), None
            )
        return True
