"""Networks of other people on OpenVINO, in float32: those of plain layers, traced as they are.

In bfloat16 OpenVINO would round the picture itself, which ``TorchEngine`` keeps in float32.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vidsr.engines.engine import DescribedEngine
from vidsr.engines.openvino_int8.engine import import_openvino
from vidsr.engines.openvino_int8.requests import Requests
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import DeviceError, MemoryLimitError
from vidsr.models.model import Model
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.stated_net import StatedNet

TRACED_SIDE = 32  # of the picture that the network is traced on; others only differ in size


def is_traceable(model: Model) -> bool:
    """Return True for a network whose layers do the same at every size: none pads or aligns."""
    net = model.module
    stated = isinstance(net, StatedNet) and not isinstance(net, PlainNet)
    return stated and model.traits.alignment == 1 and model.traits.halo is not None


class OpenVinoPlainEngine(DescribedEngine):
    """An ``Engine`` in float32. Several threads may call ``run`` at once."""

    def __init__(self, model: Model) -> None:
        """Raise DeviceError where OpenVINO is absent or does not read the network."""
        self._openvino = import_openvino()
        exact = TorchEngine(model, device="cpu", precision="fp32")
        self.traits = replace(exact.traits, runtime="openvino", reentrant=True)
        assert isinstance(model.module, StatedNet)
        read, threads = self._traced(model.module), torch.get_num_threads()
        self._requests = Requests(self._openvino.Core(), read, threads, "f32")

    def _traced(self, net: StatedNet) -> Any:
        example = torch.rand(1, self.channels, TRACED_SIDE, TRACED_SIDE + 8)
        sizes = [-1, self.channels, -1, -1]
        try:
            with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the way in which OpenVINO traces
                return self._openvino.convert_model(
                    _Phases(net), example_input=example, input=sizes
                )
        except Exception as error:  # its own, PyTorch's: no common base
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise DeviceError(f"{self.name}: OpenVINO does not read it: {reason}") from error

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``."""
        try:
            with self._requests.lend(torch.get_num_threads()) as request:
                return torch.from_numpy(request.infer([x.contiguous().numpy()])[0].copy())
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "alloc" in str(error):
                raise MemoryLimitError(
                    f"{self.name} on OpenVINO: no memory for {tuple(x.shape) = }",
                    hint="give a smaller `tile`, or a `max_memory` to choose one by",
                ) from error
            raise DeviceError(f"{self.name} on OpenVINO: {error}") from error

    def close(self) -> None:
        """Forget the compiled network and the activations that its requests keep."""
        self._requests.clear()


class _Phases(nn.Module):
    """A network up to its last shuffle, its weights constants; not registered as a child.

    Tracing asks every child for all it has, and a foreign network has no dimensions to give.
    """

    def __init__(self, net: StatedNet) -> None:
        super().__init__()
        self._net = (net.requires_grad_(False),)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> what ``StatedNet.phase`` gives."""
        return self._net[0].phase(x)
