"""Over-parameterised convolutions that are plain ones by the time they run.

Training sees ``project(expand(x)) + x`` with a wide middle; since both are linear, their product
is formed on the weights, so a step costs what the plain network costs and the export is exact.
The idea is that of SESR (Bhardwaj et al., 2021) and ECBSR (Zhang et al., 2021).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vidsr.models.networks.lite import Lite


class WideConv(nn.Module):
    """Weights of one convolution as a product, plus identity where shapes allow it."""

    def __init__(self, plain: nn.Conv2d, middle: int) -> None:
        super().__init__()
        out_channels, in_channels = plain.weight.shape[:2]
        self.expand = nn.Parameter(torch.empty(middle, *plain.weight.shape[1:]))
        self.project = nn.Parameter(torch.empty(out_channels, middle))
        nn.init.kaiming_normal_(self.expand, nonlinearity="linear")
        nn.init.normal_(self.project, std=middle**-0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.identity = in_channels == out_channels and plain.stride == (1, 1)

    @torch.no_grad()
    def hold(self, weight: Tensor, bias: Tensor) -> None:
        """Become the plain convolution ``weight [out, in, k, k]``, ``bias [out]``.

        Its kernel, less the identity, is factored by singular values; spare columns of the
        projection become zero, behind which the spare kernels keep their random values.
        Raises ValueError if the middle is too narrow for that.
        """
        out_channels = weight.shape[0]
        if self.project.shape[1] < out_channels:
            raise ValueError(f"middle = {self.project.shape[1]}, expected {out_channels} or more")
        rest = (weight - self._identity(weight)).flatten(1).double()
        u, s, v = torch.linalg.svd(rest, full_matrices=False)
        rank, root = len(s), s.sqrt()
        self.project.zero_()
        self.project[:, :rank] = (u * root).float()
        self.expand[:rank] = (root[:, None] * v).float().view(rank, *weight.shape[1:])
        self.bias.copy_(bias)

    def _identity(self, like: Tensor) -> Tensor:
        if not self.identity:
            return torch.zeros_like(like)
        eye = torch.eye(like.shape[0], device=like.device, dtype=like.dtype)
        return nn.functional.pad(eye[:, :, None, None], [like.shape[-1] // 2] * 4)

    def weight(self) -> Tensor:
        """Return the plain kernel ``[out, in, k, k]``."""
        kernel = torch.einsum("om,mihw->oihw", self.project, self.expand)
        return kernel + self._identity(kernel)


class WideLite(nn.Module):
    """``Lite`` whose convolutions are ``WideConv`` while it learns; their own weights go unused."""

    def __init__(self, lite: Lite, middle: int = 128) -> None:
        super().__init__()
        self.lite = lite
        self.wide = nn.ModuleDict()
        for name, module in self.lite.named_modules():
            if isinstance(module, nn.Conv2d):
                self.wide[name.replace(".", "-")] = WideConv(module, middle)
                module.requires_grad_(False)
        tail = self.wide["tail"]
        assert isinstance(tail, WideConv)
        nn.init.zeros_(tail.project)  # start as nearest-neighbour upscaling

    @property
    def generator(self) -> Lite:
        """Return the plain network; its convolutions hold no weights of their own."""
        return self.lite

    @torch.no_grad()
    def hold(self, weights: Mapping[str, Tensor]) -> None:
        """Become the plain network with these weights, up to rounding."""
        own = dict(self.lite.named_parameters())
        for name, value in weights.items():
            if name.startswith("activations"):
                own[name].copy_(value)
        for key, conv in self.wide.items():
            assert isinstance(conv, WideConv)
            name = key.replace("-", ".")
            conv.hold(weights[f"{name}.weight"], weights[f"{name}.bias"])

    def plain_weights(self) -> dict[str, Tensor]:
        """Return names and values of the plain network's tensors, differentiable."""
        tensors: dict[str, Tensor] = {
            n: p for n, p in self.lite.named_parameters() if n.startswith("activations")
        }
        for key, conv in self.wide.items():
            assert isinstance(conv, WideConv)
            name = key.replace("-", ".")
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = conv.weight(), conv.bias
        return tensors

    def forward(self, x: Tensor) -> Tensor:
        """Run [N, 1, H, W] through the plain network itself: [N, 1, s*H, s*W]."""
        out: Tensor = torch.func.functional_call(self.lite, self.plain_weights(), (x,))
        return out
