"""Peer of scaling by FFmpeg on planes of YUV: ``ffmpeg -i SOURCE -vf scale=W:H:flags=…``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import av
from av.filter import Graph

from vidsr.bench.peers.job import Opened, PeerJob
from vidsr.bench.peers.loop import read_images


def open_scaler(job: PeerJob, flags: str) -> Opened[av.VideoFrame]:
    """Open FFmpeg's filter ``scale`` with ``flags``.

    They are listed at https://ffmpeg.org/ffmpeg-scaler.html
    """
    read = partial(read_images, job.source)
    size = f"{job.width * job.scale}:{job.height * job.scale}"
    return Opened(read, _scaler(read, f"{size}:flags={flags}"), packages=("av",))


def _scaler(
    read: Callable[[], Iterator[av.VideoFrame]], arguments: str
) -> Callable[[av.VideoFrame], av.VideoFrame]:
    graph = Graph()
    first = next(read())
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=first.time_base
    )
    graph.link_nodes(source, graph.add("scale", arguments), graph.add("buffersink")).configure()

    def upscale(image: av.VideoFrame) -> av.VideoFrame:
        graph.vpush(image)
        return graph.vpull()

    return upscale
