"""DySample: a picture sampled between the pixels of its features, where the network says."""

from __future__ import annotations

import torch
from torch import Tensor, nn

REACH = 0.5  # of what a place is moved by, at a full scope


class DySample(nn.Module):
    """Upsampler that learnt where to look (Liu et al., 2023), in float32: places are fractions.

    Args:
        channels: Channels of the picture that it makes.
        scale: Factor; the features have ``channels * scale**2`` channels.
    """

    init_pos: Tensor  # of the samples of a pixel around its middle, as the file has them

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        features = channels * scale**2
        self.scale, self.groups = scale, channels if scale % 2 else 4
        places = 2 * self.groups * scale**2
        self.offset = nn.Conv2d(features, places, 1)
        self.scope = nn.Conv2d(features, places, 1, bias=False)
        self.end_conv = nn.Conv2d(features, channels, 1) if scale > 1 else None
        self.register_buffer("init_pos", torch.zeros(1, places, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C*s*s, H, W] -> [N, C, s*H, s*W], float32."""
        n, features, height, width = x.shape
        moved = _conv(self.offset, x) * torch.sigmoid(_conv(self.scope, x)) * REACH
        moved = (moved + self.init_pos.float()).view(n, 2, -1, height, width)
        across = torch.arange(width, device=x.device, dtype=torch.float32) + 0.5
        down = torch.arange(height, device=x.device, dtype=torch.float32)[:, None] + 0.5
        places = torch.stack(
            (2 * (moved[:, 0] + across) / width - 1, 2 * (moved[:, 1] + down) / height - 1), 1
        )
        fine = nn.functional.pixel_shuffle(places.flatten(1, 2), self.scale)
        fine = fine.view(n, 2, self.groups, *fine.shape[2:]).permute(0, 2, 3, 4, 1)
        grouped = x.reshape(n * self.groups, features // self.groups, height, width)
        found = nn.functional.grid_sample(
            grouped, fine.flatten(0, 1), "bilinear", "border", align_corners=False
        )
        found = found.view(n, features, *found.shape[2:])
        return found if self.end_conv is None else _conv(self.end_conv, found)


def _conv(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return a convolution of one pixel in float32, whatever the type of its weights."""
    bias = None if conv.bias is None else conv.bias.float()
    return nn.functional.conv2d(x, conv.weight.float(), bias)
