"""Over-parameterised 3x3 convolutions that are plain ones by the time they run.

Training sees ``project(expand(x)) + x`` with a wide middle; since both are linear, their product
is formed on the weights, so a step costs what the plain network costs and the export is exact.
The idea is that of SESR (Bhardwaj et al., 2021) and ECBSR (Zhang et al., 2021).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidsr.models.config import GeneratorConfig
from vidsr.models.lite import Lite


class WideConv(nn.Module):
    """The weights of one 3x3 convolution as a product, plus identity where shapes allow it."""

    def __init__(self, plain: nn.Conv2d, middle: int) -> None:
        super().__init__()
        out_channels, in_channels = plain.weight.shape[:2]
        self.expand = nn.Parameter(torch.empty(middle, in_channels, 3, 3))
        self.project = nn.Parameter(torch.empty(out_channels, middle))
        nn.init.kaiming_normal_(self.expand, nonlinearity="linear")
        nn.init.normal_(self.project, std=middle**-0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.identity = in_channels == out_channels

    def weight(self) -> Tensor:
        """The plain kernel ``[out, in, 3, 3]``."""
        kernel = torch.einsum("om,mihw->oihw", self.project, self.expand)
        if self.identity:
            eye = torch.eye(kernel.shape[0], device=kernel.device, dtype=kernel.dtype)
            kernel = kernel + nn.functional.pad(eye[:, :, None, None], (1, 1, 1, 1))
        return kernel


class WideLite(nn.Module):
    """A :class:`Lite` whose convolutions are :class:`WideConv` while it learns."""

    def __init__(self, config: GeneratorConfig, middle: int = 128) -> None:
        super().__init__()
        self.lite = Lite(config)
        self.wide = nn.ModuleDict()
        for name, module in self.lite.named_modules():
            if isinstance(module, nn.Conv2d):
                self.wide[name.replace(".", "-")] = WideConv(module, middle)
                module.requires_grad_(False)
        tail = self.wide["tail"]
        assert isinstance(tail, WideConv)
        nn.init.zeros_(tail.project)  # start as nearest-neighbour enlargement

    def plain_weights(self) -> dict[str, Tensor]:
        """Names and values of the plain network's tensors, differentiable."""
        tensors: dict[str, Tensor] = {
            n: p for n, p in self.lite.named_parameters() if n.startswith("activations")
        }
        for key, conv in self.wide.items():
            assert isinstance(conv, WideConv)
            name = key.replace("-", ".")
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = conv.weight(), conv.bias
        return tensors

    def forward(self, x: Tensor) -> Tensor:
        """[N, 1, H, W] -> [N, 1, s*H, s*W], through the plain network itself."""
        out: Tensor = torch.func.functional_call(self.lite, self.plain_weights(), (x,))
        return out
