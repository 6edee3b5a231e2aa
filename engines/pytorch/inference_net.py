"""The network an engine runs: exact rewriting, one precision, and what goes in and comes out."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from vidsr.engines.pytorch.rewrite import shift_output, to_phase_module
from vidsr.models.checkpoint import Generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.phase_net import DifferenceNet, PhaseNet
from vidsr.models.networks.plain_net import PlainNet

MID_GREY = 0.5  # what low precision counts from: halves the rounding of what a tail puts out


class InferenceNet(nn.Module):
    """A generator up to its last shuffle, weights in ``dtype``, conversions at both ends included.

    A ``DifferenceNet`` (lite, unet) in low precision rounds only what it adds to the picture; the
    input is added in fp32. The others round the picture, counted from mid-grey.

    Args:
        input_dtype: Type that ``forward`` takes: float16 where finer input changes nothing.
        offset: Number to add to the result to get the picture.
        half_output: True leaves a float16 result as it is, for a device on which memory traffic
            counts; else the result is float32 and ``offset`` 0.
    The generator is copied.
    """

    def __init__(
        self, module: Generator | PhaseNet, dtype: torch.dtype, *, half_output: bool = False
    ) -> None:
        super().__init__()
        net = copy.deepcopy(to_phase_module(module)).eval()
        self._middle: Tensor | None = None
        # Of some foreign networks nothing is known to shift: they round the picture themselves.
        has_tail = isinstance(getattr(net, "tail", None), nn.Conv2d)
        rounds_picture = has_tail and not isinstance(net, DifferenceNet)
        if rounds_picture and dtype != torch.float32:
            net.tail = shift_output(net.tail, -MID_GREY)
            self._middle = MID_GREY + lost_of_bias(net.tail, dtype)
        self.net, self.dtype = net, dtype
        self._half = half_output and dtype == torch.float16 and rounds_picture
        self.input_dtype = torch.float16 if self._half else torch.float32
        self.offset = MID_GREY if self._half else 0.0
        # Layers of foreign networks are not known: PyTorch casts those that stand it, one by one,
        # and leaves normalisation and softmax in float32.
        self._autocast = isinstance(net, PlainNet) and dtype != torch.float32
        kept = torch.float32 if self._autocast else dtype
        for weight in (*net.requires_grad_(False).parameters(), *net.buffers()):
            if weight.is_floating_point():
                weight.data = weight.data.to(kept)

    def take_weights(self, other: InferenceNet) -> None:
        """Write the weights of ``other``, of the same layers, into this one's own memory.

        On CUDA the copies are queued on the current stream, and graphs that were captured before
        run with the new weights.
        """
        pairs = zip(
            (*self.net.parameters(), *self.net.buffers()),
            (*other.net.parameters(), *other.net.buffers()),
            strict=True,
        )
        with torch.no_grad():
            for own, new in pairs:
                own.copy_(new)
            if self._middle is not None and other._middle is not None:
                self._middle.copy_(other._middle)

    @property
    def config(self) -> GeneratorConfig:
        """Dimensions of a generator of vidsr. Raises ModelError for foreign architectures."""
        return self.net.config

    @property
    def shuffle(self) -> int:
        """Factor of the pixel shuffle left out."""
        return self.net.shuffle

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C*r*r, H*s/r, W*s/r], less ``offset``, not clamped."""
        if isinstance(self.net, DifferenceNet):
            return self._sum(self.net.residual((x - self.net.centre).to(self.dtype)), x)
        if self._autocast:
            with torch.autocast(x.device.type, self.dtype, cache_enabled=False):
                return self.net.phase(x.float()).float()
        picture: Tensor = self.net.phase(x if self.net.casts else x.to(self.dtype))
        if self._half:
            return picture
        if self._middle is None:
            return picture.float()
        return torch.add(picture, self._middle.to(picture.device))  # promotes to float32

    def _sum(self, difference: Tensor, x: Tensor) -> Tensor:
        # Promotes to float32 while adding: 0.19 ms at 320x180 x4, against 1.55 for a conversion
        # and an addition that broadcasts through a five-dimensional view.
        one = self.net.channels == 1 or self.shuffle == 1
        picture = x if one else x.repeat_interleave(self.shuffle**2, dim=1)
        return torch.add(difference, picture)


def lost_of_bias(conv: nn.Conv2d, dtype: torch.dtype) -> Tensor:
    """Return what rounding to ``dtype`` takes from each bias, ``[1, channels, 1, 1]`` float32.

    Near -1/2 bfloat16 has steps of 1/512. Given back in float32, it brings srresnet-x4 in bfloat16
    0.8 dB nearer to itself in float32, on crops of Set5.
    """
    if conv.bias is None:
        return torch.zeros(1, conv.out_channels, 1, 1)
    bias = conv.bias.detach().float()
    return (bias - bias.to(dtype).float()).view(1, -1, 1, 1)
