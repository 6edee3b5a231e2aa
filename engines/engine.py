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
    ``dtype``            of the activations
    ``input_dtype``      of what ``run`` takes: float32, or float16 where nothing finer is looked at
    ``offset``           to be added to what ``run`` gives: 0, or mid-grey where float16 comes out
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
    def input_dtype(self) -> torch.dtype: ...
    @property
    def offset(self) -> float: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def bytes_per_pixel(self) -> int: ...

    def run(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] in [0, 1], of ``input_dtype`` -> the picture before its shuffle.

        The result is [N, channels*shuffle**2, H*scale/shuffle, W*scale/shuffle], float32 or
        float16, in the unit range less ``offset``, not clamped, with strides of the engine's
        choosing. On CUDA it is made on the current stream, and the next run may overwrite it.
        Raises MemoryLimitError when the device has no room, DeviceError when it fails.
        """
        ...
