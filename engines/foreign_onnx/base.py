"""What engines of ONNX files have in common: sizes, traits and errors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidsr.engines.engine import DescribedEngine, EngineTraits
from vidsr.engines.foreign_onnx.windows import Window, run_windows
from vidsr.errors import DeviceError, MemoryLimitError, ModelError
from vidsr.models.model import Model
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.onnx_networks.memory import bytes_per_pixel
from vidsr.models.onnx_networks.network import OnnxNetwork, onnx_network
from vidsr.models.onnx_networks.runtime import first_line

MEMORY_WORDS = ("alloc", "out of memory", "bad_alloc")


class OnnxEngine(DescribedEngine, nn.Module):
    """Base of engines that run an ONNX file: pictures of any size, in [0, 1], RGB or luma.

    A subclass implements ``forward`` for sizes that the network takes.
    """

    def __init__(
        self, model: Model, runtime: str, device: torch.device, dtype: torch.dtype
    ) -> None:
        nn.Module.__init__(self)
        self.network = require_onnx(model)
        self.traits = _traits(model.name, self.network, runtime, device, dtype)
        self._window = _window(self.network)

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``."""
        try:
            with torch.inference_mode():
                return self._sized(x)
        except MemoryError as error:
            raise self._no_room(x) from error
        except (DeviceError, MemoryLimitError, ModelError):
            raise
        except Exception as error:  # of the library, which has no common base
            if any(word in str(error).lower() for word in MEMORY_WORDS):
                raise self._no_room(x) from error
            raise DeviceError(f"{self.name} on {self.runtime}: {first_line(error)}") from error

    def _sized(self, x: Tensor) -> Tensor:
        if self._window is not None:
            return run_windows(self.forward, x, self._window, self.traits)
        return PlainNet(_Borrowed(self), self.network.traits).phase(x)

    def _no_room(self, x: Tensor) -> MemoryLimitError:
        needed = self.bytes_per_pixel * x.shape[0] * x.shape[2] * x.shape[3]
        return MemoryLimitError(
            f"{self.name} on {self.runtime}: no memory for {tuple(x.shape) = }, "
            f"about {needed / 2**20:.0f} MiB",
            hint="give a smaller `tile`, or a `max_memory` to choose one by",
        )


class _Borrowed(nn.Module):
    """The network of an engine, for whoever pads pictures for it; not registered as its child."""

    def __init__(self, engine: OnnxEngine) -> None:
        super().__init__()
        self._run = engine.forward

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self._run(x)
        return result


def require_onnx(model: Model) -> OnnxNetwork:
    """Return the network in an ONNX file. Raises ModelError for other models."""
    network = onnx_network(model.module)
    if network is None:
        raise ModelError(f"{model.name}: expected an ONNX file")
    return network


def number_type(network: OnnxNetwork) -> torch.dtype:
    """Return the type in which a file says that its layers run."""
    if network.codes:
        return torch.int8
    return torch.float16 if network.half else torch.float32


def _window(network: OnnxNetwork) -> Window | None:
    size, counted = network.contract.fixed_size, network.counted
    if size is None:
        return None
    return Window(*size, counted.halo, counted.alignment) if counted else Window(*size)


def _traits(
    name: str, network: OnnxNetwork, runtime: str, device: torch.device, dtype: torch.dtype
) -> EngineTraits:
    traits, contract = network.traits, network.contract
    return EngineTraits(
        name=name,
        runtime=runtime,
        device=device,
        channels=contract.channels,
        scale=contract.scale,
        shuffle=1,
        halo=traits.halo,
        alignment=traits.alignment,
        tiling=traits.tiling,
        dtype=dtype,
        bytes_per_pixel=bytes_per_pixel(contract),
        reentrant=device.type == "cpu",
        repeatable=False,
    )
