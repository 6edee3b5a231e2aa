"""Generators through PyTorch, on a CPU or on CUDA."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from vidsr.engines.activation_memory import activation_numbers
from vidsr.engines.devices import (
    cudnn_flags,
    resolve_device,
    resolve_precision,
)
from vidsr.engines.engine import DescribedEngine, EngineTraits
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.engines.pytorch.onednn import adopt_convolutions, has_onednn
from vidsr.errors import DeviceError, MemoryLimitError, OptionError
from vidsr.models.checkpoint import Generator
from vidsr.models.model import Model
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.receptive_field import alignment, halo
from vidsr.option_values import Precision

# Peak of resident memory on a CPU over live activations, measured. Windows of 0.06 megapixels: lite
# and srresnet 0.7 to 1.1, espcn and srcnn 0.8 to 1.0, rrdb 1.2 to 1.5, unet 0.8 to 2 (the heap does
# not reuse small tensors of many sizes at once). Of 0.1 to 0.6: rrdb 1.1 to 1.2, unet 0.9 to 1.15.
BESIDE_LIVE = 1.25


class TorchEngine(DescribedEngine):
    """An ``Engine`` on PyTorch, weights laid out channels-last.

    The generator is copied. In fp32 on a CPU, what comes out for a pixel does not depend on the
    size of the picture around it, to the last bit. On CUDA in fp16, RGB networks take and give
    float16: see ``InferenceNet``.
    bf16 against fp32, untrained networks, root mean square (greatest) difference of full scale:
    lite-x4 1e-4 (4e-4), twelve times less than adding in bf16; srresnet-x4 1.5e-3 (8e-3).
    """

    RUNTIME = "torch"

    def __init__(
        self,
        model: Model | Generator,
        *,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        module = model.module if isinstance(model, Model) else model
        where = resolve_device(device)
        dtype = _dtype(module, precision, where)
        net = InferenceNet(module, dtype, half_output=where.type == "cuda")
        name = model.name if isinstance(model, Model) else f"{net.config.kind}-x{net.net.scale}"
        self.traits = _traits(net, name, self.RUNTIME, where)
        self.net = _placed(net, where)
        self._tune()

    def adjusted(self, model: Model) -> TorchEngine:
        """See ``AdjustableEngine.adjusted``: another engine on a CPU, this one on CUDA."""
        if self.traits.reentrant:
            return type(self)(model, device=str(self.device), precision=_named(self.dtype))
        self.net.take_weights(InferenceNet(model.module, self.dtype, half_output=True))
        return self

    def _tune(self) -> None:
        """Make the network faster on the device."""
        foreign = isinstance(self.net.net, PlainNet)  # of layers that oneDNN need not know
        if self.device.type == "cpu" and not foreign and has_onednn(self.dtype):
            adopt_convolutions(self.net)

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``. The result is an inference tensor."""
        try:
            with torch.inference_mode(), self._exact():
                return self._run(x.contiguous(memory_format=torch.channels_last))
        except torch.OutOfMemoryError as error:
            raise self._no_room(x) from error
        except RuntimeError as error:
            if "memory" in str(error) and ("alloc" in str(error) or "out of" in str(error)):
                raise self._no_room(x) from error
            raise DeviceError(f"{self.name} on {self.device}: {error}") from error

    def _exact(self) -> AbstractContextManager[None]:
        """Make fp32 mean fp32: cuDNN otherwise keeps 10 bits of what it convolves (TF32)."""
        full = self.device.type == "cuda" and self.dtype == torch.float32
        return cudnn_flags(allow_tf32=False) if full else nullcontext()

    def _run(self, x: Tensor) -> Tensor:
        result: Tensor = self.net(x)
        return result

    def _no_room(self, x: Tensor) -> MemoryLimitError:
        needed = self.bytes_per_pixel * x.shape[0] * x.shape[2] * x.shape[3]
        return MemoryLimitError(
            f"{self.name} on {self.device}: no memory for {tuple(x.shape) = }, "
            f"about {needed / 2**20:.0f} MiB",
            hint="give a smaller `tile`, or a `max_memory` to choose one by",
        )


def _named(dtype: torch.dtype) -> Precision:
    """Return the name of the type of activations."""
    names: dict[torch.dtype, Precision] = {
        torch.float32: "fp32",
        torch.bfloat16: "bf16",
        torch.float16: "fp16",
    }
    return names[dtype]


def _dtype(module: Generator, precision: Precision, device: torch.device) -> torch.dtype:
    """Return the type of the activations: one in which the network is known to work.

    Raises OptionError for a precision that was asked for and is not.
    """
    dtype = resolve_precision(precision, device)
    if not isinstance(module, StatedNet) or dtype in module.traits.dtypes:
        return dtype
    if precision == "auto":
        return torch.float32
    known = ", ".join(str(known).removeprefix("torch.") for known in module.traits.dtypes)
    raise OptionError(f"precision = {precision!r}: expected one of {known} with this network")


def _traits(net: InferenceNet, name: str, runtime: str, device: torch.device) -> EngineTraits:
    """Return the traits of a network in PyTorch, in the form in which it runs."""
    stated = net.net.traits if isinstance(net.net, StatedNet) else None
    return EngineTraits(
        name=name,
        runtime=runtime,
        device=device,
        channels=net.net.channels,
        scale=net.net.scale,
        shuffle=net.shuffle,
        halo=stated.halo if stated else halo(net.net),
        alignment=stated.alignment if stated else alignment(net.net),
        tiling=stated is None or stated.tiling,
        dtype=net.dtype,
        input_dtype=net.input_dtype,
        offset=net.offset,
        bytes_per_pixel=bytes_per_pixel(net),
        reentrant=device.type == "cpu",
        adjustable=stated is None,
    )


def _placed(net: InferenceNet, device: torch.device) -> InferenceNet:
    """Return ``net`` itself, its weights on ``device`` and channels-last.

    Those of layers that are not known stay as they are: some see pictures through views.
    """
    known = not isinstance(net.net, PlainNet)
    for weight in (*net.parameters(), *net.buffers()):
        layout = torch.channels_last if known and weight.ndim == 4 else torch.preserve_format
        weight.data = weight.data.to(device, memory_format=layout)
    return net


def bytes_per_pixel(net: InferenceNet) -> int:
    """Return the estimated peak per low-resolution pixel: activations, and both ends in float32."""
    outside = net.net.channels * (1 + net.net.scale**2) * torch.float32.itemsize
    each = 4 if isinstance(net.net, PlainNet) else net.dtype.itemsize  # where casts lie beside
    return int(activation_numbers(net.net) * each * BESIDE_LIVE) + outside
