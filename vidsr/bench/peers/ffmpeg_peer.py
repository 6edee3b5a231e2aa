"""Lanczos scaling, the sharpest of FFmpeg's scalers."""

from __future__ import annotations

import av

from vidsr.bench.peers.job import Opened, PeerJob
from vidsr.bench.peers.swscale import open_scaler


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    return open_scaler(job, "lanczos")
