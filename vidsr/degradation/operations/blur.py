"""Point spread functions, and the convolution of pictures with them.

Every kernel is ``[k, k]`` float32 with k odd, sums to 1 and has its centroid at the middle sample,
so that a blurred picture stays where it was. Lengths are in pixels of the picture blurred.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vidsr.errors import OptionError

# From this kernel side on the Fourier transform is faster. 1 x 3 x 256 x 256 / 512 x 512 /
# 720 x 1280 on one busy core, direct -> transform, ms: 3: 0.8 -> 1.5 / 27 -> 6 / 90 -> 27,
# 5: 1.2 -> 1.5 / 28 -> 6 / 94 -> 27, 9: 2.8 -> 1.4 / 35 -> 6 / 115 -> 27,
# 17: 9 -> 1.4 / 60 -> 6 / 200 -> 26.
FFT_FROM = 5
_FINE = 8  # samples per pixel and axis of an antialiased edge


def gaussian_kernel(
    sigma_px: float, *, ratio: float = 1.0, angle_deg: float = 0.0, beta: float = 1.0
) -> Tensor:
    """Return exp(-q^beta / 2) with q the squared distance in units of sigma.

    ``sigma_px`` is measured along ``angle_deg`` (from the x axis towards y, down) and ``ratio``
    times it across. ``beta`` 1 is a Gaussian, more is flatter with steeper sides, less has a peak
    and tails (the generalised Gaussian of Liu et al. 2020). Raises OptionError for a sigma or a
    beta of 0 or less.
    """
    if sigma_px <= 0 or ratio <= 0 or beta <= 0:
        raise OptionError(f"expected numbers above 0, got {sigma_px = }, {ratio = }, {beta = }")
    # As far as a Gaussian goes in three sigma: q^beta = 9.
    reach = sigma_px * max(1.0, ratio) * 9 ** (1 / (2 * beta))
    x, y = _grid(max(1, math.ceil(reach)))
    angle = math.radians(angle_deg)
    along = (x * math.cos(angle) + y * math.sin(angle)) / sigma_px
    across = (y * math.cos(angle) - x * math.sin(angle)) / (sigma_px * ratio)
    return _normal(torch.exp(-0.5 * (along * along + across * across) ** beta))


def motion_kernel(length_px: float, angle_deg: float = 0.0) -> Tensor:
    """Return the path of a camera that moves evenly by ``length_px`` during exposure; 0 is no blur.

    Points of the path are split among their four neighbours bilinearly, which keeps the centroid.
    Raises OptionError for a negative length.
    """
    if length_px < 0:
        raise OptionError(f"length_px: expected 0 or more, got {length_px}")
    radius = math.ceil(length_px / 2) + 1
    angle = math.radians(angle_deg)
    path = torch.linspace(-0.5, 0.5, _FINE * math.ceil(length_px) + 1, dtype=torch.float64)
    if len(path) == 1:
        path = torch.zeros(1, dtype=torch.float64)
    x, y = path * (length_px * math.cos(angle)), path * (length_px * math.sin(angle))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    near_x = (1 - (offsets[None] - x[:, None]).abs()).clamp(min=0)
    near_y = (1 - (offsets[None] - y[:, None]).abs()).clamp(min=0)
    return _normal(near_y.T @ near_x)


def defocus_kernel(radius_px: float) -> Tensor:
    """Return the disc that a lens out of focus makes of a point, with its edge antialiased.

    Raises OptionError for a negative radius.
    """
    if radius_px < 0:
        raise OptionError(f"radius_px: expected 0 or more, got {radius_px}")
    # The radius of one sample's square at least: a smaller disc changes nothing.
    reach = max(0, math.ceil(radius_px - 0.5))
    count = (2 * reach + 1) * _FINE
    place = (torch.arange(count, dtype=torch.float64) - (count - 1) / 2) / _FINE
    inside = (place[:, None] ** 2 + place[None] ** 2 <= max(radius_px, 0.5) ** 2).double()
    return _normal(F.avg_pool2d(inside[None, None], _FINE)[0, 0])


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve ``[N, C, H, W]`` with ``kernel`` ``[k, l]``, k and l odd; same size and range.

    Beyond the edge the picture is mirrored, or its edge repeated where it is smaller than the
    kernel's radius. Raises OptionError for a kernel of even size.
    """
    high, wide = kernel.shape
    if high % 2 == 0 or wide % 2 == 0:
        raise OptionError(f"kernel: expected odd sizes, got {list(kernel.shape)}")
    kernel = kernel.to(x)
    if high == wide == 1:
        return x * kernel
    padded = pad_edges(x, wide // 2, high // 2)
    if max(high, wide) >= FFT_FROM:
        return _by_fft(padded, kernel)
    n, c = x.shape[:2]
    # conv2d correlates; a convolution has the kernel turned by 180 degrees.
    weight = kernel.flip(0, 1)[None, None]
    rows = F.conv2d(padded.flatten(0, 1)[:, None], weight)
    return rows.view(n, c, *x.shape[2:])


def pad_edges(x: Tensor, across: int, down: int) -> Tensor:
    """Add ``across`` columns and ``down`` rows on each side of ``x``, mirrored if possible."""
    small = across >= x.shape[3] or down >= x.shape[2]
    return F.pad(x, (across, across, down, down), mode="replicate" if small else "reflect")


def _by_fft(padded: Tensor, kernel: Tensor) -> Tensor:
    high, wide = kernel.shape
    # Transforms of lengths with large prime factors are slow, multiples of 16 never are very.
    size = [-(-side // 16) * 16 for side in padded.shape[-2:]]
    product = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(kernel, s=size)
    # What wraps around falls on the first k - 1 rows and columns, which are cut off, and the zeros
    # added on what is behind the picture.
    whole: Tensor = torch.fft.irfft2(product, s=size)
    return whole[..., high - 1 : padded.shape[-2], wide - 1 : padded.shape[-1]]


def _grid(radius: int) -> tuple[Tensor, Tensor]:
    """Return x and y ``[2r+1, 2r+1]`` float64, 0 in the middle."""
    line = torch.arange(-radius, radius + 1, dtype=torch.float64)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def _normal(kernel: Tensor) -> Tensor:
    """Scale to sum 1 and make opposite places equal: rounding must not move the centroid."""
    kernel = kernel + kernel.flip(0, 1)
    return (kernel / kernel.sum()).float()
