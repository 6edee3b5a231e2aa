"""Naive loop that most scripts have: the network as it was trained, float32, on RGB pictures."""

from __future__ import annotations

import av
import torch
from torch import Tensor

from vidsr.bench.peers.job import Opened, PeerJob
from vidsr.bench.peers.rgb_loop import open_rgb_loop
from vidsr.models.networks.srresnet import SRResNet


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    torch.set_num_threads(job.threads)
    module = job.model.module.eval()

    def network(x: Tensor) -> Tensor:
        return module.upscale(x) if isinstance(module, SRResNet) else module(x)

    return open_rgb_loop(job, network)
