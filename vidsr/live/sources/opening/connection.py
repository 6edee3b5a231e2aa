"""One connection to a source: opened, read packet by packet with an eye on the clock, closed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidsr.errors import InputError
from vidsr.live.base.options import SourceOptions
from vidsr.live.sources.opening.address import Address
from vidsr.live.sources.opening.byte_pipe import BytePipe, open_pipe
from vidsr.live.sources.opening.checks import is_fifo
from vidsr.live.sources.opening.srt_bridge import SrtBridge
from vidsr.live.sources.opening.tuning import Opening, opening_of
from vidsr.video.close_codecs import close_input

# A read ends this often to see whether the source was stopped; with a parser, as RTSP has, half as
# often: its first error only brings out what the parser holds.
POLL_S = 0.25
DECODER_THREADS = 4


class Connection:
    """An open source.

    Args:
        address: Where it is.
        options: How it is opened.
        over: Set to have it end soon.
        waits: Called while a read waits; True ends the connection.

    Raises:
        InputError: There is no video in it.
        OSError, ValueError: FFmpeg's errors, and the system's.
    """

    video: VideoStream
    sound: AudioStream | None = None

    def __init__(
        self,
        address: Address,
        options: SourceOptions,
        over: threading.Event,
        waits: Callable[[], bool],
    ) -> None:
        self.address, self.options = address, options
        self._over, self._waits = over, waits
        self._owned = contextlib.ExitStack()
        try:
            self.container = self._open(opening_of(address, options))
            self._owned.callback(close_input, self.container)
            self._choose()
        except BaseException:
            self.close()
            raise

    @property
    def length_known(self) -> bool:
        """True for what says how long it is: a film, not a broadcast."""
        return self.container.duration is not None

    def packets(self) -> Iterator[av.Packet[Any]]:
        """Yield packets up to the end of the source, or until ``waits`` or ``over`` ends it."""
        streams = [self.video, self.sound] if self.sound else [self.video]
        packets = self.container.demux(streams)
        while not self._over.is_set():
            try:
                packet = next(packets, None)
            except av.error.ExitError:
                if self._waits():
                    return
                packets = self.container.demux(streams)
                continue
            if packet is None:
                return
            yield packet

    def close(self) -> None:
        """Give everything back. May be called twice; only by the thread that reads."""
        self._owned.close()

    def _open(self, opening: Opening) -> InputContainer:
        bytes_of = self._byte_pipe()
        url = opening.url
        if self.address.kind == "file":  # an absolute path is never taken for a protocol
            url = str(Path(url).absolute())
        container = av.open(
            bytes_of or url,
            format=opening.container,
            options=opening.options,
            timeout=None if bytes_of else (self.options.open_s, POLL_S),
            metadata_errors="replace",
        )
        return container

    def _byte_pipe(self) -> BytePipe | None:
        """Return the file object of a source that comes as bytes, None for FFmpeg's own kinds."""
        if self.address.kind == "srt":
            bridge = SrtBridge(self.address, self.options.open_s)
            self._owned.callback(bridge.close)
            descriptor = os.dup(bridge.descriptor)
        elif self.address.kind == "pipe" or is_fifo(self.address):
            descriptor = open_pipe(self.address.url)
        else:
            return None
        pipe = BytePipe(descriptor, self._over, self._waits)
        self._owned.callback(pipe.close)
        return pipe

    def _choose(self) -> None:
        """Choose the streams; the others are not even read into packets."""
        videos = [
            stream
            for stream in self.container.streams.video
            if stream.codec_context is not None
            and not stream.disposition & Disposition.attached_pic
        ]
        if not videos:
            raise InputError(f"{self.address.name}: no video that can be decoded")
        best = cast(VideoStream | None, self.container.streams.best("video"))
        self.video = best if best in videos else videos[0]
        self.video.thread_type = "SLICE"  # threads by frames cost a frame of latency each
        self.video.thread_count = min(DECODER_THREADS, os.cpu_count() or 1)
        self.video.codec_context.flags |= Flags.low_delay
        if self.options.sound:
            self.sound = next(
                (s for s in self.container.streams.audio if s.codec_context is not None), None
            )
