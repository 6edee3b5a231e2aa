"""The last frames of a stream whose end is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from vidsr.notes import Notes
from vidsr.video.close_codecs import reading
from vidsr.video.coding.codecs import export_quantisers
from vidsr.video.info import SourceCounts
from vidsr.video.locator import Locator
from vidsr.video.source.open_container import choose_video, open_input


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
