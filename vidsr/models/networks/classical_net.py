"""Methods without learning as generators: they look for a picture that shrinks to the given one."""

from __future__ import annotations

from functools import lru_cache, partial

import torch
from torch import Tensor, nn

from vidsr.classical.captures import Capture, capture
from vidsr.classical.methods import Numbers, enlarged, method_of
from vidsr.classical.observation import Observation
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.picture.size import Size

LEVELS = 255.0  # the range that the methods' numbers count in
KEPT = 16  # captures; tiles of a frame have up to nine sizes
KERNEL_REACH = 2  # small pixels that the cubic kernel, antialiased, looks to either side


class ClassicalNet(PlainNet):
    """A method on luma, its picture taken as the bicubic shrinking of what is sought.

    Args:
        method: A name of ``vidsr.classical.methods.NUMBERS``.
        scale: Factor from low to high resolution.
        numbers: All numbers of the method.
    """

    def __init__(self, method: str, scale: int, numbers: Numbers) -> None:
        traits = NetworkTraits(
            scale=scale,
            in_channels=1,
            out_channels=1,
            halo=reach_of(method, scale, numbers),
            eager_only=True,
            dtypes=(torch.float32,),
        )
        stated = ", ".join(f"{name} {number:g}" for name, number in numbers.items())
        super().__init__(_Method(method, scale, numbers), traits, f"{method} ({stated})")


class _Method(nn.Module):
    """A method from unit range to unit range; it has no weights."""

    def __init__(self, method: str, scale: int, numbers: Numbers) -> None:
        super().__init__()
        self._stated = method, scale, numbers
        self._method, self._scale = method_of(method, numbers), scale
        self._captured = lru_cache(maxsize=KEPT)(partial(_bicubic_capture, scale))

    def __deepcopy__(self, memo: dict[int, object]) -> _Method:
        """Return the same method without what this one keeps of sizes, so that copies are alike."""
        return type(self)(*self._stated)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, 1, H, W] in [0, 1] -> [N, 1, s*H, s*W] in [0, 1]."""
        frames = LEVELS * x[:, 0]  # pictures as channels, which no method mixes
        size = Size(frames.shape[2], frames.shape[1])
        seen = Observation(frames, self._captured(size, frames.device))
        large = self._method(enlarged(frames, self._scale), [seen])
        return (large.clamp(0, LEVELS) / LEVELS)[:, None]


def _bicubic_capture(scale: int, size: Size, device: torch.device) -> Capture:
    way = capture(size, scale)
    return Capture(way.down.to(device), way.across.to(device), scale)


def reach_of(method: str, scale: int, numbers: Numbers) -> int | None:
    """Return the reach in small pixels where it is counted, else None.

    A round of back-projection goes from a sample to small pixels, and from these to the samples
    that they were captured from; the picture that it begins with is an interpolation. Projections
    follow one another within a round, and descent has a step that follows from the picture's size:
    their reach is not counted.

    Neither is that of factors that are no powers of two: the weights of interpolation then round
    differently from place to place, which at factor 3 leaves 5e-4 levels between a tile and the
    whole. At factors 2, 4 and 8 they are equal to the last bit.
    """
    if method != "ibp" or scale & (scale - 1):
        return None
    return int(2 * KERNEL_REACH * numbers["rounds"]) + KERNEL_REACH
