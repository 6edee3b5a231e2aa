"""A kind of model files of its own: a line of text, and a network of foreign architecture."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.model import Model
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.picture.size import Size

MAGIC = "nearest neighbour "


class Nearest(nn.Module):
    """Repeats every sample ``scale`` times each way, where a side is a multiple of 4."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] % 4 == x.shape[3] % 4 == 0
        assert min(x.shape[2:]) >= 8
        return x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)


class NearestLoader:
    """Reads ``nearest neighbour 2``."""

    def detect(self, path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC.encode()

    def load(self, path: Path, name: str) -> Model:
        text = path.read_text().removeprefix(MAGIC).strip()
        if not text.isdecimal():
            raise ModelError(f"{path}: expected a scale, got {text!r}")
        traits = NetworkTraits(
            scale=int(text),
            in_channels=1,
            out_channels=1,
            halo=0,
            alignment=4,
            minimum=Size(8, 8),
        )
        return Model(name, PlainNet(Nearest(int(text)), traits), path)
