"""This project's network as an ONNX file for other runtimes, in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidsr.bench.peers.job import Absent, Job
from vidsr.bench.peers.rgb_loop import Network
from vidsr.engines.export import export_onnx
from vidsr.engines.facts import NetworkFacts, read_facts
from vidsr.errors import DeviceError

Floats = NDArray[np.float32]


def onnx_file(job: Job) -> tuple[bytes, NetworkFacts]:
    """Raises Absent where the exporter is not installed, and for networks that need whole grids."""
    try:
        data = export_onnx(job.model, precision="fp32")
    except DeviceError as error:
        raise Absent(str(error)) from error
    facts = read_facts(data)
    if facts.alignment > 1:
        raise Absent(f"not for this network: sizes have to be multiples of {facts.alignment}")
    return data, facts


def shuffled(run: Callable[[Floats], Floats], facts: NetworkFacts) -> Network:
    """The exported graph ends before its last pixel shuffle, which is done here."""

    def network(x: Tensor) -> Tensor:
        phases = torch.from_numpy(run(x.numpy()))
        return torch.nn.functional.pixel_shuffle(phases, facts.shuffle)

    return network
