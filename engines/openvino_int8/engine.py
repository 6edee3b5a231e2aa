"""Lite networks in 8 bits through OpenVINO, on a CPU, for those who ask for it.

Processor time of the network alone on an EPYC with AVX512-VNNI and AVX512-BF16, one thread, medians
of alternate runs: lite-x4 at 320x180 13.4 ms, ``TorchEngine`` in
bfloat16 23.9; lite-x2 at 640x360 30.6, 54.3; lite-fast-x2 there 13.4, 23.6. Where oneDNN was told
to leave out VNNI and bfloat16, or all of AVX-512, lite-x4 took 0.54 and 0.52 of float32's time.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor

from vidsr.engines.engine import DescribedEngine, EngineTraits
from vidsr.engines.openvino_int8.lite_steps import load_steps, require_lite
from vidsr.engines.openvino_int8.network import build_network
from vidsr.engines.openvino_int8.requests import Requests
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.quantised.coded_steps import has_coded_steps, load_coded_steps
from vidsr.errors import DeviceError, MemoryLimitError
from vidsr.models.networks.lite import Lite
from vidsr.models.receptive_field import alignment, halo
from vidsr.models.zoo import Model


def import_openvino() -> Any:
    """Import the module ``openvino`` when first needed. Raises DeviceError where it is absent."""
    try:
        return importlib.import_module("openvino")
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"engine = 'openvino': OpenVINO cannot be imported: {error}",
            hint="pip install -e '.[openvino]', or use engine = 'torch'",
        ) from error


class OpenVinoEngine(DescribedEngine):
    """An ``Engine`` in 8 bits, for pictures of any size.

    Activations and weights are rounded to the steps that lie beside the weights; the first layer is
    in what the plugin takes for floats (bfloat16 where it is native), and the picture is added in
    float32. What comes out for a pixel does not depend on the picture around it, to the last bit.
    Several threads may call ``run`` at once, each on as many threads as PyTorch would take
    there.
    """

    def __init__(self, model: Model, *, threads: int | None = None) -> None:
        """Raise OptionError, ModelError, and DeviceError where OpenVINO is absent or fails."""
        self._openvino = import_openvino()
        net = require_lite(model)
        self._model = model
        steps = load_coded_steps(model) if model.step else load_steps(model)
        self._network = build_network(net, steps)
        self.traits = EngineTraits(
            name=model.name,
            runtime="openvino",
            device=torch.device("cpu"),
            channels=net.channels,
            scale=net.scale,
            shuffle=net.shuffle,
            halo=halo(net),
            alignment=alignment(net),
            dtype=torch.int8,
            bytes_per_pixel=bytes_per_pixel(net),
            reentrant=True,
            adjustable=model.step == 0 and has_coded_steps(model),
        )
        self._step = net.config.stride
        # Of this process, shared out to callers; a caller's own thread has only its share.
        self._threads = threads or torch.get_num_threads()
        self._requests = Requests(self._openvino.Core(), self._network, self._threads)

    def adjusted(self, model: Model) -> OpenVinoEngine:
        """See ``AdjustableEngine.adjusted``: another engine, with steps of its own."""
        return OpenVinoEngine(model, threads=self._threads)

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``."""
        height, width = x.shape[2:]
        if max(height, width) <= self._step:
            # A grid of one sample OpenVINO 2026.4.1 gets wrong by 0.7 of full scale, all others by
            # no more than rounding.
            return TorchEngine(self._model, device="cpu", precision="fp32").run(x)
        try:
            out = self._difference(_padded(x, self._step))[..., :height, :width]
        except MemoryError as error:
            raise self._no_room(x) from error
        except RuntimeError as error:
            if "alloc" in str(error):
                raise self._no_room(x) from error
            raise DeviceError(f"{self.name} on OpenVINO: {error}") from error
        return out.add_(x)

    def _difference(self, x: Tensor) -> Tensor:
        """Return what is to be added to the picture, [N, scale**2, H, W]."""
        memory = self._openvino.Tensor
        seen, out = x.contiguous(), torch.empty(x.shape[0], self.shuffle**2, *x.shape[2:])
        with self._requests.lend(torch.get_num_threads()) as request:
            # It does not keep what it shares alive: both have names here until it is done.
            request.set_input_tensor(memory(seen.numpy(), shared_memory=True))
            request.set_output_tensor(memory(out.numpy(), shared_memory=True))
            request.infer()
        return out

    def close(self) -> None:
        """Forget the compiled network and the activations that its requests keep."""
        self._requests.clear()

    def _no_room(self, x: Tensor) -> MemoryLimitError:
        needed = self.bytes_per_pixel * x.shape[0] * x.shape[2] * x.shape[3]
        return MemoryLimitError(
            f"{self.name} on OpenVINO: no memory for {tuple(x.shape) = }, "
            f"about {needed / 2**20:.0f} MiB",
            hint="give a smaller `tile`, or a `max_memory` to choose one by",
        )


def _padded(x: Tensor, step: int) -> Tensor:
    """Return ``x`` padded as ``Lite.residual`` does it."""
    missing = (0, -x.shape[3] % step, 0, -x.shape[2] % step)
    return torch.nn.functional.pad(x, missing, mode="replicate") if any(missing) else x


def bytes_per_pixel(net: Lite) -> int:
    """Return the estimated peak per low-resolution pixel, in the first layer or in the last.

    With bfloat16 for floats, which take half of it, 288 were measured with lite-x4 (estimated 360)
    and 144 with lite-x2 (216).
    """
    config = net.config
    return 5 * config.width // config.stride**2 + 12 * config.scale**2 + 8
