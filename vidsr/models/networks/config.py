"""The dimensions of a generator: one frozen record, stored inside every checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, get_args

Kind = Literal["srresnet", "lite", "espcn", "srcnn", "rrdb", "unet"]
PReLUKind = Literal["shared", "channel"]
OutputRange = Literal["unit", "signed"]
NormKind = Literal["batch", "none"]

# The other fields say something of every kind, or are checked to have one value.
_SAYS_OF: dict[str, tuple[Kind, ...]] = {
    "prelu": ("srresnet", "lite"),
    "norm": ("srresnet",),
    "growth": ("rrdb",),
    "levels": ("unet",),
}
MEANINGLESS = {"prelu": "channel", "norm": "none", "growth": 32, "levels": 2}
"""Values of fields where they say nothing: those that training has always written."""


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Dimensions that it takes to rebuild a generator before its weights are loaded.

    Attributes:
        scale: Factor: 2 or 4, and 1 for ``unet``, which restores at the same size.
        channels: 3 for a network on RGB, 1 for a network on luma.
        width: Channels of the first layer.
        blocks: Number that repeat: residual blocks (srresnet; unet: on every grid), convolutions
            (lite), dense blocks (rrdb); 1 for espcn and srcnn, which repeat nothing.
        prelu: Slopes of srresnet and lite: one for all, or one a channel.
        output_range: Range that srresnet was trained to put out: ``unit`` is [0, 1], ``signed`` is
            [-1, 1] (as published); inputs are in [0, 1] always, and so is the rest.
        norm: Batch normalisation of srresnet: ``batch`` (as published) or ``none``.
        growth: Channels that each convolution of a dense block of rrdb adds.
        levels: Number of times that unet halves the grid.
        stride: Pixels of the input from one sample of the finest grid of lite or unet to the next.

    Fields that say nothing of a kind hold ``MEANINGLESS``, whatever was given: dimensions that
    mean the same are equal, whichever fields a file of any age states.
    """

    kind: Kind
    scale: int
    channels: int
    width: int
    blocks: int
    prelu: PReLUKind = "channel"
    output_range: OutputRange = "unit"
    norm: NormKind = "batch"
    growth: int = 32
    levels: int = 2
    stride: int = 1

    def __post_init__(self) -> None:
        for name, values in (
            ("kind", get_args(Kind)),
            ("prelu", get_args(PReLUKind)),
            ("output_range", get_args(OutputRange)),
            ("norm", get_args(NormKind)),
        ):
            if getattr(self, name) not in values:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected one of {values}")
        self._check_kind()
        for name, (low, high) in _bounds(self.kind):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                span = f"{low} to {high}" if low < high else str(low)
                raise ValueError(f"{name} = {value!r}: expected {span} for {self.kind}")
        for name in self._meaningless():
            object.__setattr__(self, name, MEANINGLESS[name])

    def _meaningless(self) -> Iterator[str]:
        """Yield the fields of which the network is built the same, whatever they are."""
        for name, kinds in _SAYS_OF.items():
            if self.kind not in kinds:
                yield name
        if self.width == 1 and self.kind in _SAYS_OF["prelu"]:  # one for all is one a channel
            yield "prelu"

    def _check_kind(self) -> None:
        """Check what depends on the kind and is no range."""
        scales = (1,) if self.kind == "unet" else (2, 4)
        unit = self.kind == "srresnet" or self.output_range == "unit"
        halves = self.kind not in ("espcn", "srcnn") or self.width in range(2, 1025, 2)
        strides = (1, 2) if self.kind in ("lite", "unet") else (1,)
        checks = (
            (_is_one_of(self.scale, scales), "scale", " or ".join(map(str, scales))),
            (_is_one_of(self.channels, (1, 3)), "channels", "1 or 3"),
            (unit, "output_range", "'unit'"),
            (halves, "width", "even numbers of 2 to 1024"),  # the second layer has half of it
            (_is_one_of(self.stride, strides), "stride", " or ".join(map(str, strides))),
        )
        for holds, name, expected in checks:
            if not holds:
                raise ValueError(
                    f"{name} = {getattr(self, name)!r}: expected {expected} for {self.kind}"
                )

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> GeneratorConfig:
        """Read what ``to_json`` wrote, now or before it knew every field.

        Raises ValueError on anything else.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"not a generator's dimensions: {error}") from error


def _is_one_of(value: object, values: tuple[int, ...]) -> bool:
    return type(value) is int and value in values


def _bounds(kind: Kind) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, least and greatest of the whole numbers."""
    yield "width", (1, 1024)
    match kind:
        case "srresnet" | "lite":
            yield "blocks", (0, 256)
        case "espcn" | "srcnn":
            yield "blocks", (1, 1)
        case "rrdb":
            yield "blocks", (1, 64)
            yield "growth", (1, 256)
        case "unet":
            yield "blocks", (1, 16)
            yield "levels", (2, 3)
