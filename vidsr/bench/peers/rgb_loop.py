"""Loop of scripts around a network: RGB in and out, whole pictures of floats in between.

As in scripts, the encoder is given RGB and nothing of the source's matrix: what comes out is
BT.601 without a tag. From a BT.709 source that alone keeps luma 39 dB from what it should be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import av
import torch
from torch import Tensor

from vidsr.bench.peers.job import Opened, PeerJob, Watch
from vidsr.bench.peers.loop import read_images
from vidsr.picture.luma import LUMA

Network = Callable[[Tensor], Tensor]
NOTE = "pictures are BT.601, whatever the source is"

# BT.601 on full-range RGB, as Pillow and OpenCV have it (JFIF).
_RED, _GREEN, _BLUE = LUMA
_TO_YCBCR = torch.tensor(
    [
        [_RED, _GREEN, _BLUE],
        [-0.5 * _RED / (1 - _BLUE), -0.5 * _GREEN / (1 - _BLUE), 0.5],
        [0.5, -0.5 * _GREEN / (1 - _RED), -0.5 * _BLUE / (1 - _RED)],
    ]
)
_TO_RGB = torch.linalg.inv(_TO_YCBCR)


def open_rgb_loop(
    job: PeerJob, network: Network, *packages: str, note: str | None = None
) -> Opened[av.VideoFrame]:
    """Open a peer around ``network``, from float32 [1, C, h, w] in [0, 1] to [1, C, H, W]."""
    watch = Watch()
    luma = job.model.traits.in_channels == 1
    body = (
        partial(_on_luma, network, watch, job.scale) if luma else partial(_on_rgb, network, watch)
    )
    read = partial(read_images, job.source)
    told = f"{note}; {NOTE}" if note else NOTE
    return Opened(read, partial(_upscale, body), watch, told, ("torch", "av", *packages))


@torch.inference_mode()
def _upscale(body: Network, image: av.VideoFrame) -> av.VideoFrame:
    samples = torch.from_numpy(image.to_ndarray(format="rgb24"))
    large = body(samples.permute(2, 0, 1)[None].float() / 255)
    levels = (large[0].clamp(0, 1) * 255).round().to(torch.uint8)
    return av.VideoFrame.from_ndarray(levels.permute(1, 2, 0).contiguous().numpy(), format="rgb24")


def _on_rgb(network: Network, watch: Watch, rgb: Tensor) -> Tensor:
    with watch.run():
        return network(rgb)


def _on_luma(network: Network, watch: Watch, scale: int, rgb: Tensor) -> Tensor:
    ycbcr = _mixed(_TO_YCBCR, rgb)
    with watch.run():
        luma = network(ycbcr[:, :1].contiguous())
    chroma = torch.nn.functional.interpolate(ycbcr[:, 1:], scale_factor=scale, mode="bicubic")
    return _mixed(_TO_RGB, torch.cat([luma, chroma], dim=1))


def _mixed(matrix: Tensor, picture: Tensor) -> Tensor:
    return torch.einsum("oc,nchw->nohw", matrix, picture)
