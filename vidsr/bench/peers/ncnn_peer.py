"""Peer of this project's network on ncnn, with its default half-precision storage."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from vidsr.bench.peers.job import Absent, Opened, PeerJob, needed
from vidsr.bench.peers.ncnn_file import ncnn_file
from vidsr.bench.peers.rgb_loop import open_rgb_loop
from vidsr.errors import ModelError
from vidsr.models.model import Model
from vidsr.models.ncnn_networks.files import graph_files


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    ncnn = needed("ncnn", "ncnn")
    torch.set_num_threads(job.threads)
    net = ncnn.Net()
    net.opt.num_threads = job.threads
    _load(net, job.model)
    taken, given = net.input_names()[0], net.output_names()[0]

    def network(x: Tensor) -> Tensor:
        extractor = net.create_extractor()
        picture = x[0].contiguous().numpy()  # a Mat points into it and does not keep it
        extractor.input(taken, ncnn.Mat(picture).clone())  # unaligned memory makes ncnn crash
        _, result = extractor.extract(given)
        return torch.from_numpy(np.array(result))[None]

    return open_rgb_loop(job, network, "ncnn", note="the options ncnn has by default")


def _load(net: Any, model: Model) -> None:
    """Load the model's own files where those are ncnn's, else files written of its network.

    Raises Absent.
    """
    own = graph_files(model.path) if model.file_format == "ncnn" else None
    if own is not None:
        _load_files(net, *own)
        return
    try:
        param, weights = ncnn_file(model.module)
    except ModelError as error:
        raise Absent(f"not for this network: {error}") from error
    with TemporaryDirectory() as folder:
        files = Path(folder) / "net.param", Path(folder) / "net.bin"
        files[0].write_text(param)
        files[1].write_bytes(weights)
        _load_files(net, *files)


def _load_files(net: Any, graph: Path, weights: Path) -> None:
    if net.load_param(str(graph)) or net.load_model(str(weights)):
        raise Absent("ncnn refuses the network that was written for it")
