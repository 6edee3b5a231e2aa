"""Generators through PyTorch, on a processor or on CUDA."""

from __future__ import annotations

import copy
import platform
import re
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from vidsr.engines.footprint import activation_numbers
from vidsr.engines.reach import alignment, halo
from vidsr.engines.rewrite import shift_output, to_phase_module
from vidsr.errors import DeviceError, MemoryLimitError, OptionError
from vidsr.models.checkpoint import Generator
from vidsr.models.forms import DifferenceNet, PhaseNet
from vidsr.models.zoo import Model

Precision = Literal["auto", "fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MID_GREY = 0.5  # what low precision counts from: halves the rounding of what a tail puts out

# Peak of resident memory on a CPU over live activations, measured. Windows of 0.06 megapixels: lite
# and srresnet 0.7 to 1.1, espcn and srcnn 0.8 to 1.0, rrdb 1.2 to 1.5, unet 0.8 to 2 (the heap does
# not reuse small tensors of many sizes at once). Of 0.1 to 0.6: rrdb 1.1 to 1.2, unet 0.9 to 1.15.
BESIDE_LIVE = 1.25


def resolve_device(text: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` -> a device that is there.

    Raises OptionError for other text, DeviceError for a GPU that is absent.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise OptionError(f"device = {text!r}, allowed 'auto', 'cpu', 'cuda' or 'cuda:N'")
    present = torch.cuda.is_available()
    if text == "cpu" or (text == "auto" and not present):
        return torch.device("cpu")
    if not present:
        raise DeviceError(
            f"device = {text!r}, but PyTorch sees no CUDA device",
            hint="use --device cpu, or install a CUDA build of PyTorch and a driver for it",
        )
    index = int(text.partition(":")[2] or torch.cuda.current_device())
    count = torch.cuda.device_count()
    if index >= count:
        raise DeviceError(f"device = {text!r}, but there are {count}", hint="they count from 0")
    return torch.device("cuda", index)


def has_native_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated, it is slower than float32.

    ``mkldnn``'s own answer is no help on x86: it is yes wherever AVX-512 can emulate.
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        asks = (getattr(torch.cpu, f"_is_{n}_supported", None) for n in ("avx512_bf16", "amx_tile"))
        return any(ask is not None and bool(ask()) for ask in asks)
    return _takes_bf16()


def _takes_bf16() -> bool:
    """Whether oneDNN runs bfloat16 here at all, be it emulated."""
    ask = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return ask is not None and bool(ask())


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The type of the activations; ``auto`` is fp16 on CUDA, bf16 where a CPU has it, else fp32.

    Raises OptionError for unknown names and for fp16 on a CPU, which would be emulated.
    """
    if precision not in get_args(Precision):
        raise OptionError(f"precision = {precision!r}, allowed {', '.join(get_args(Precision))}")
    if precision != "auto":
        if precision == "fp16" and device.type == "cpu":
            raise OptionError("precision = 'fp16' on a CPU", hint="use bf16, fp32 or auto there")
        return DTYPES[precision]
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if has_native_bf16() else torch.float32


def _has_onednn(dtype: torch.dtype) -> bool:
    present: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return present and (dtype == torch.float32 or _takes_bf16())


class DirectConv2d(nn.Conv2d):
    """A convolution that always goes to oneDNN.

    ``nn.Conv2d`` leaves inputs of up to 20480 numbers to another algorithm, whose sums differ in
    the last bit: a small tile would then not equal its part of a large frame.
    """

    @classmethod
    def adopt(cls, conv: nn.Conv2d) -> DirectConv2d:
        """Change the class of ``conv`` in place; its parameters stay what they are."""
        conv.__class__ = cls
        assert isinstance(conv, cls)
        return conv

    def forward(self, input: Tensor) -> Tensor:
        """[N, I, H, W] -> [N, O, H, W]."""
        assert self.padding_mode == "zeros"
        padding = [int(n) for n in self.padding]
        out: Tensor = torch.mkldnn_convolution(
            input, self.weight, self.bias, padding, self.stride, self.dilation, self.groups
        )
        return out


class TorchEngine:
    """An :class:`vidsr.engines.engine.Engine` on PyTorch, weights laid out channels-last.

    The generator is copied. In fp32 on a CPU, what comes out for a pixel does not depend on the
    size of the picture around it, to the last bit.
    A ``DifferenceNet`` (lite, unet) in bf16 or fp16 rounds only what it adds to the picture; the
    input is added in fp32. The others round the picture, counted from mid-grey.
    bf16 against fp32, untrained networks, root mean square (greatest) difference of full scale:
    lite-x4 1e-4 (4e-4), twelve times less than adding in bf16; srresnet-x4 1.5e-3 (8e-3).
    """

    def __init__(
        self,
        model: Model | Generator,
        *,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        module = model.module if isinstance(model, Model) else model
        self.device = resolve_device(device)
        self.dtype = resolve_precision(precision, self.device)
        net = copy.deepcopy(to_phase_module(module)).eval()
        config, self._middle = net.config, 0.0
        if not isinstance(net, DifferenceNet) and self.dtype != torch.float32:
            self._middle = MID_GREY
            net.tail = shift_output(net.tail, -MID_GREY)
        self.name = model.name if isinstance(model, Model) else f"{config.kind}-x{config.scale}"
        self.channels, self.scale, self.shuffle = config.channels, config.scale, net.shuffle
        self.halo, self.alignment = halo(net), alignment(net)
        self.bytes_per_pixel = self._bytes_per_pixel(net)
        for weight in (*net.requires_grad_(False).parameters(), *net.buffers()):
            weight.data = weight.data.to(
                self.device,
                self.dtype,
                memory_format=torch.channels_last if weight.ndim == 4 else torch.preserve_format,
            )
        self.net = net
        if self.device.type == "cpu" and _has_onednn(self.dtype):
            for layer in self.net.modules():
                if isinstance(layer, nn.Conv2d):
                    DirectConv2d.adopt(layer)

    def _bytes_per_pixel(self, net: PhaseNet) -> int:
        """Activations in ``dtype``, input and output in float32."""
        outside = self.channels * (1 + self.scale**2) * torch.float32.itemsize
        return int(activation_numbers(net) * self.dtype.itemsize * BESIDE_LIVE) + outside

    def run(self, x: Tensor) -> Tensor:
        """See :meth:`vidsr.engines.engine.Engine.run`. The result is an inference tensor."""
        try:
            with torch.inference_mode():
                return self._run(x.contiguous(memory_format=torch.channels_last))
        except torch.OutOfMemoryError as error:
            raise self._no_room(x) from error
        except RuntimeError as error:
            if "alloc" in str(error) and "memory" in str(error):
                raise self._no_room(x) from error
            raise DeviceError(f"{self.name} on {self.device}: {error}") from error

    def _run(self, x: Tensor) -> Tensor:
        if not isinstance(self.net, DifferenceNet):
            picture: Tensor = self.net.phase(x.to(self.dtype)).float()
            return picture.add_(self._middle) if self._middle else picture
        difference: Tensor = self.net.residual((x - 0.5).to(self.dtype))
        # Promotes to float32 while adding: 0.19 ms at 320x180 x4, against 1.55 for a conversion
        # and an addition that broadcasts through a five-dimensional view.
        one = self.channels == 1 or self.shuffle == 1
        picture = x if one else x.repeat_interleave(self.shuffle**2, dim=1)
        return torch.add(difference, picture)

    def _no_room(self, x: Tensor) -> MemoryLimitError:
        needed = self.bytes_per_pixel * x.shape[0] * x.shape[2] * x.shape[3]
        return MemoryLimitError(
            f"{self.name} on {self.device}: no memory for {tuple(x.shape) = }, "
            f"about {needed / 2**20:.0f} MiB",
            hint="give a smaller --tile, or a --max-memory to choose one by",
        )
