"""Peer of this project's network on ncnn, with its default half-precision storage."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import torch
from torch import Tensor

from vidsr.bench.peers.job import Absent, Opened, PeerJob, needed
from vidsr.bench.peers.ncnn_file import ncnn_file
from vidsr.bench.peers.rgb_loop import open_rgb_loop
from vidsr.errors import ModelError


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    ncnn = needed("ncnn", "ncnn")
    torch.set_num_threads(job.threads)
    try:
        param, weights = ncnn_file(job.model.module)
    except ModelError as error:
        raise Absent(f"not for this network: {error}") from error
    net = ncnn.Net()
    net.opt.num_threads = job.threads
    with TemporaryDirectory() as folder:
        files = Path(folder) / "net.param", Path(folder) / "net.bin"
        files[0].write_text(param)
        files[1].write_bytes(weights)
        if net.load_param(str(files[0])) or net.load_model(str(files[1])):
            raise Absent("ncnn refuses the network that was written for it")

    def network(x: Tensor) -> Tensor:
        extractor = net.create_extractor()
        picture = x[0].contiguous().numpy()  # a Mat points into it and does not keep it
        extractor.input("x", ncnn.Mat(picture).clone())  # unaligned memory makes ncnn crash
        _, result = extractor.extract("y")
        return torch.from_numpy(np.array(result))[None]

    return open_rgb_loop(job, network, "ncnn", note="the options ncnn has by default")
