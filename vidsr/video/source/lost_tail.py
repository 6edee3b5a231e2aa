"""The last frames of a stream whose end is damaged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
from av.video.stream import VideoStream

from vidsr.notes import Notes
from vidsr.video.close_codecs import reading
from vidsr.video.coding.codecs import export_quantisers
from vidsr.video.info import SourceCounts
from vidsr.video.items import Packet
from vidsr.video.locator import Locator
from vidsr.video.source.open_container import choose_video, open_input

KEPT_BYTES = 64 << 20


def decode_tail(
    locator: Locator,
    framerate: Fraction | None,
    notes: Notes,
    counts: SourceCounts,
    *,
    after: int | None,
) -> Iterator[av.VideoFrame]:
    """Decode a file again in one thread; yield what follows the ``counts.decoded`` frames seen.

    A decoder with frame threads holds back a frame for each. PyAV drains them in one call: an
    error there, which may not even be raised, takes every later frame with it. In one thread an
    error belongs to its own packet. ``after`` is the file's own pts of the last frame seen. Sets
    ``counts.failed_packets`` where more packets fail.
    """
    seen, number, failed = counts.decoded, 0, 0
    with reading(open_input(locator, framerate)) as container:
        stream = choose_video(container, locator, notes)
        stream.thread_count = 1
        export_quantisers(stream.codec_context)
        for packet in container.demux(stream):
            try:
                images = packet.decode()
            except av.error.FFmpegError:
                failed += 1
                continue
            for image in images:
                number += 1
                if after is not None and image.pts is not None:
                    late = image.pts > after
                else:  # raw bitstreams have no times to go by
                    late = number > seen
                if late:
                    yield image
    counts.failed_packets = max(counts.failed_packets, failed)


class KeptPackets:
    """The newest packets of a stream that cannot be read again, from a key frame on.

    Where a decoder may hold ``count`` pictures back, at least as many packets behind a key frame
    are kept, and no more than ``KEPT_BYTES`` of them.
    """

    def __init__(self, stream: VideoStream, count: int) -> None:
        self._stream, self._count = stream, count
        self._packets: deque[Packet] = deque()
        self._bytes = 0

    def push(self, packet: Packet) -> None:
        """Keep a packet, and forget what lies before the newest key frame that is old enough."""
        self._packets.append(packet)
        self._bytes += packet.size
        if packet.is_keyframe or self._bytes > KEPT_BYTES:
            keys = [n for n, kept in enumerate(self._packets) if kept.is_keyframe]
            old = [n for n in keys if len(self._packets) - n > self._count]
            for _ in range(max(old, default=0)):
                self._bytes -= self._packets.popleft().size
        while self._bytes > KEPT_BYTES and len(self._packets) > self._count:
            self._bytes -= self._packets.popleft().size

    def decode(self, counts: SourceCounts, *, after: int | None) -> Iterator[av.VideoFrame]:
        """Decode what is kept again in one thread; yield what is shown behind ``after``.

        Sets ``counts.failed_packets`` where more packets fail than did before.
        """
        if after is None:  # without times nothing tells which pictures have been seen
            return
        theirs, failed = self._stream.codec_context, 0
        decoder = av.CodecContext.create(theirs.name, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.extradata, decoder.thread_count = theirs.extradata, 1
        decoder.width, decoder.height = theirs.width, theirs.height
        export_quantisers(decoder)
        for packet in (*self._packets, None):
            try:
                images = decoder.decode(packet)
            except av.error.FFmpegError:
                failed += 1
                continue
            yield from (i for i in images if i.pts is not None and i.pts > after)
        counts.failed_packets = max(counts.failed_packets, failed)
