"""History of fake pictures: critics judge earlier ones, too, and forget no trick."""

from __future__ import annotations

import torch
from torch import Tensor

LENGTH = 50
"""Pictures kept, as Zhu et al. 2017 do after Shrivastava et al. 2017."""


class History:
    """Buffer of up to ``length`` pictures ``[C, H, W]``, exchanged at random."""

    def __init__(self, length: int = LENGTH) -> None:
        self._length = length
        self._kept: list[Tensor] = []

    def exchange(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Take ``[N, C, H, W]`` and return as many, half of them from earlier calls.

        While there is room, pictures are kept and returned. After that each is either returned, or
        takes the place of one that is kept, which is returned instead; both are as likely.
        """
        return torch.stack([self._one(picture, generator) for picture in pictures.detach()])

    def _one(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        if len(self._kept) < self._length:
            self._kept.append(picture.clone())
            return picture
        swap, place = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        if swap < 0.5:
            return picture
        index = int(place * self._length)
        earlier, self._kept[index] = self._kept[index], picture.clone()
        return earlier

    def state(self) -> list[Tensor]:
        return list(self._kept)

    def restore(self, state: list[Tensor], device: torch.device) -> None:
        self._kept = [picture.to(device) for picture in state]
