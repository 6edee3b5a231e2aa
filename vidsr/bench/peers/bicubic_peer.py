"""Bicubic, what FFmpeg does when it is told nothing but a size."""

from __future__ import annotations

import av

from vidsr.bench.peers.job import Job, Opened
from vidsr.bench.peers.swscale import open_scaler


def open_peer(job: Job) -> Opened[av.VideoFrame]:
    return open_scaler(job, "bicubic")
