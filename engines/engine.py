"""What every engine promises: a generator on a device, run up to its last pixel shuffle."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Engine(Protocol):
    """A generator that runs. Not safe for use by several threads at once.

    ``channels``         3 for a network on RGB, 1 for a network on luma
    ``scale``            from low to high resolution: 2, 4, or 1 for a restorer
    ``shuffle``          factor of the pixel shuffle left out, a divisor of ``scale``
    ``halo``             radius of the receptive field in low-resolution pixels
    ``alignment``        windows of a picture start at multiples of it; 1 without a coarse grid
    ``dtype``            of the activations; inputs and outputs are float32 whatever it is
    ``bytes_per_pixel``  estimated peak of activations per low-resolution input pixel
    """

    @property
    def name(self) -> str: ...
    @property
    def channels(self) -> int: ...
    @property
    def scale(self) -> int: ...
    @property
    def shuffle(self) -> int: ...
    @property
    def halo(self) -> int: ...
    @property
    def alignment(self) -> int: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def bytes_per_pixel(self) -> int: ...

    def run(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] float32 in [0, 1] on ``device`` -> the picture before its shuffle.

        The result is [N, channels*shuffle**2, H*scale/shuffle, W*scale/shuffle] float32 in the
        unit range, not clamped, with strides of the engine's choosing.
        Raises MemoryLimitError when the device has no room, DeviceError when it fails.
        """
        ...
