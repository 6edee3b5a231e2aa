"""ONNX file of this project's network for other runtimes, in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidsr.bench.peers.job import Absent, PeerJob
from vidsr.bench.peers.rgb_loop import Network
from vidsr.engines.onnx_files.export import export_onnx
from vidsr.engines.onnx_files.facts import NetworkFacts, read_facts
from vidsr.errors import DeviceError

Floats = NDArray[np.float32]


def onnx_file(job: PeerJob) -> tuple[bytes, NetworkFacts]:
    """Export the network. Raises Absent if the exporter is not installed."""
    try:
        data = export_onnx(job.model, precision="fp32")
    except DeviceError as error:
        raise Absent(str(error)) from error
    return data, read_facts(data)


def shuffled(run: Callable[[Floats], Floats], facts: NetworkFacts) -> Network:
    """Add to ``run`` the whole grids that the graph requires and the pixel shuffle it lacks."""

    def network(x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        beyond = (0, -width % facts.alignment, 0, -height % facts.alignment)
        whole = torch.nn.functional.pad(x, beyond, mode="replicate") if any(beyond) else x
        phases = torch.from_numpy(run(whole.numpy()))
        large = torch.nn.functional.pixel_shuffle(phases, facts.shuffle)
        return large[..., : height * facts.scale, : width * facts.scale]

    return network
