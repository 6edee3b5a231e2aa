"""Wide 3x3 convolutions with fewer multiplications, for those who ask: ``--engine winograd``.

Winograd's transforms make 64 products of 36 values that a 3x3 kernel otherwise takes 324 for.
PyTorch has them in NNPACK. CPU time against oneDNN, one thread of an AVX-512 EPYC, float32: 64 to
64 channels at 320x180 24.3 instead of 37.9 ms, 48 to 48 15.3 instead of 22.1, 192 to 32 at 160x90
11.8 instead of 15.4, 128 to 128 16.8 instead of 37.6; 32 to 32 9.8 instead of 10.4, 64 to 12 12.6
instead of 11.3, 3 to 64 7.9 instead of 2.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.onednn import adopt_convolutions, has_onednn
from vidsr.errors import DeviceError, OptionError
from vidsr.models.checkpoint import Generator
from vidsr.models.model import Model
from vidsr.models.networks.plain_net import PlainNet
from vidsr.option_values import Precision

FEWEST_IN, FEWEST_OUT = 48, 32  # channels; below that oneDNN is as fast
STEP = 6  # rows and columns that one transform gives, from 8x8
# NNPACK holds all that it has transformed. In strips of this a layer takes up to 10 % longer.
MOST_BYTES = 64 << 20


class WinogradConv2d(nn.Conv2d):
    """A 3x3 convolution by Winograd's transforms, of one picture after the other.

    Large pictures run in strips, which give the bits of the whole: they begin where steps do.
    """

    @classmethod
    def adopt(cls, conv: nn.Conv2d) -> WinogradConv2d:
        """Change the class of ``conv`` in place; its parameters stay what they are."""
        conv.weight.data = conv.weight.data.contiguous()
        if conv.bias is None:
            conv.bias = nn.Parameter(conv.weight.new_zeros(conv.out_channels), requires_grad=False)
        conv.__class__ = cls
        assert isinstance(conv, cls)
        return conv

    def forward(self, input: Tensor) -> Tensor:
        """Map [N, I, H, W] -> [N, O, H, W] float32."""
        results = [self._of_one(picture) for picture in torch.split(input, 1)]
        return results[0] if len(results) == 1 else torch.cat(results)

    def _of_one(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows = self._rows_at_once(width)
        if rows >= height:
            return self._transformed(x, [1, 1])
        out = x.new_empty(1, self.out_channels, height, width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            missing = (0, 0, int(top == 0), int(bottom == height))
            strip = x[:, :, max(top - 1, 0) : bottom + 1]
            out[:, :, top:bottom] = self._transformed(nn.functional.pad(strip, missing), [0, 1])
        return out

    def _rows_at_once(self, width: int) -> int:
        """Return how many rows are transformed at once, a multiple of ``STEP``."""
        steps = -(-width // STEP)
        each = (self.in_channels + self.out_channels) * (STEP + 2) ** 2 * torch.float32.itemsize
        return max(MOST_BYTES // (steps * each), 1) * STEP

    def _transformed(self, x: Tensor, padding: list[int]) -> Tensor:
        return torch._nnpack_spatial_convolution(x, self.weight, self.bias, padding, [1, 1])


class WinogradEngine(TorchEngine):
    """A ``TorchEngine`` in float32 on a CPU, its wide 3x3 convolutions by Winograd's transforms.

    A tile differs from its part of the whole by rounding: a result depends on all pixels of its
    step of six. NNPACK's threads are as many as PyTorch had when they were first needed; several
    callers take turns at them.

    Raises:
        OptionError: The network has no such convolution, or another precision is asked for.
        DeviceError: The device is no CPU, or this PyTorch comes without NNPACK.
    """

    RUNTIME = "winograd"

    def __init__(
        self,
        model: Model | Generator,
        *,
        device: str = "cpu",
        precision: Precision = "auto",
    ) -> None:
        require_winograd(torch.device(device))
        if precision not in ("auto", "fp32"):
            raise OptionError(f"{precision = } with engine = 'winograd': expected auto or fp32.")
        super().__init__(model, device=device, precision="fp32")

    def _tune(self) -> None:
        wide = [layer for layer in self.net.modules() if is_wide(layer)]
        if not wide:
            raise OptionError(
                f"engine = 'winograd': {self.name} has no 3x3 convolution from {FEWEST_IN} "
                f"channels or more to {FEWEST_OUT} or more.",
                hint="engine = 'torch' is as fast",
            )
        if not isinstance(self.net.net, PlainNet) and has_onednn(self.dtype):
            adopt_convolutions(self.net, leave=frozenset(wide))
        for layer in wide:
            assert isinstance(layer, nn.Conv2d)
            WinogradConv2d.adopt(layer)

    def _run(self, x: Tensor) -> Tensor:
        return super()._run(x).contiguous(memory_format=torch.channels_last)


def is_wide(layer: nn.Module) -> bool:
    """Return True for a convolution that is faster by Winograd's transforms."""
    return (
        type(layer) is nn.Conv2d
        and layer.kernel_size == (3, 3)
        and layer.padding in ((1, 1), "same")
        and layer.padding_mode == "zeros"
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.in_channels >= FEWEST_IN
        and layer.out_channels >= FEWEST_OUT
    )


def require_winograd(device: torch.device) -> None:
    """Raise DeviceError where there are no such convolutions. NNPACK begins here."""
    if device.type != "cpu":
        reason = "it runs on a CPU"
    elif hasattr(torch, "_nnpack_spatial_convolution") and torch._nnpack_available():
        return
    else:
        reason = "this PyTorch comes without NNPACK, or NNPACK does not know this CPU"
    raise DeviceError(
        f"engine = 'winograd' on {device}: {reason}.",
        hint="engine = 'torch' runs everywhere",
    )
