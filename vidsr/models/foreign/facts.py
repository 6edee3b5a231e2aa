"""Facts about a model, whatever its file and its architecture, for whoever shows or runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

ColorOrder = Literal["rgb", "bgr", "luma"]
FileFormat = Literal["safetensors", "pickle", "ncnn", "onnx", "method"]
Purpose = Literal["upscale", "restore"]
ReachKind = Literal["exact", "measured", "unknown"]
FloatName = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Reach:
    """Reach of a network in space, and how much of it is known.

    Attributes:
        kind: ``exact``: counted from the layers or found by a probe, tiles equal the whole frame;
            ``measured``: ``pixels`` around a tile leave ``error_levels``; ``unknown``: neither.
        pixels: Pixels of the input around a tile; None for ``unknown``.
        error_levels: Root mean square of what ``measured`` tiles differ by, in levels of 8 bits.
    """

    kind: ReachKind
    pixels: int | None = None
    error_levels: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a kind that its numbers do not fit."""
        if self.kind not in get_args(ReachKind):
            raise ValueError(f"kind = {self.kind!r}: expected one of {get_args(ReachKind)}")
        if (self.pixels is None) != (self.kind == "unknown"):
            raise ValueError(f"pixels = {self.pixels}: expected a number unless kind is 'unknown'")
        if (self.error_levels is None) != (self.kind != "measured"):
            raise ValueError("error_levels: expected a number for kind 'measured', and only there")


UNKNOWN_REACH = Reach("unknown")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """Facts about a model of any origin.

    Attributes:
        architecture: Name of the architecture with its dimensions, such as ``Compact 64x16``.
        file_format: Kind of the file.
        purpose: ``upscale``, or ``restore`` for a network that keeps the size.
        scale: Factor from low to high resolution, 1 or more.
        in_channels: Channels that the network takes: 3, or 1 for luma and grey.
        out_channels: Channels of the picture that comes out.
        color_order: Order of the channels.
        full_scale: Number that stands for white at both ends: 1.0 or 255.0.
        reach: Reach in space.
        multiple: Number that heights and widths are multiples of.
        minimum: Smallest side of a picture in pixels.
        fixed_size: (height, width) of the only picture that the network takes; None for any.
        precisions: Types of activations in which the network is known, or stated, to work.
        licence: Licence that the file names; None where it names none.
        parameters: Number of weights.
    """

    architecture: str
    file_format: FileFormat
    purpose: Purpose
    scale: int
    in_channels: int
    out_channels: int
    color_order: ColorOrder
    reach: Reach
    full_scale: float = 1.0
    multiple: int = 1
    minimum: int = 1
    fixed_size: tuple[int, int] | None = None
    precisions: tuple[FloatName, ...] = ("fp32",)
    licence: str | None = None
    parameters: int = 0
