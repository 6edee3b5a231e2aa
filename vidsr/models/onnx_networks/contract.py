"""The contract of an ONNX network: what it takes, what it gives, and how that was found out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

ValueRange = Literal["unit", "byte", "signed"]
Order = Literal["rgb", "bgr", "luma"]
Layout = Literal["nchw", "nhwc"]
FloatType = Literal["float32", "float16", "uint8"]
RANGE_WORDS = {"unit": "0 to 1", "byte": "0 to 255", "signed": "-1 to 1"}


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a network: its input or its output.

    Attributes:
        name: Name of the tensor.
        type: Type of its numbers.
        layout: Order of its axes.
        range: Numbers of black and white.
        order: Order of its channels; ``luma`` for one.
    """

    name: str
    type: FloatType
    layout: Layout = "nchw"
    range: ValueRange = "unit"
    order: Order = "rgb"

    def __post_init__(self) -> None:
        """Raise ValueError for words that mean nothing."""
        for name, words in (
            ("type", FloatType),
            ("layout", Layout),
            ("range", ValueRange),
            ("order", Order),
        ):
            if getattr(self, name) not in get_args(words):
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected {get_args(words)}")


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a network takes and gives, found by running it.

    Attributes:
        input: The end that takes a picture.
        output: The end that gives one.
        scale: Factor from low to high resolution.
        multiple: Number that heights and widths are multiples of.
        minimum: Smallest side in pixels.
        fixed_size: (height, width) of the only picture that it takes; None for any.
        fixed_batch: Number of pictures that it takes at once; 1 where that is open, too.
        likeness_db: PSNR of what it made of a drawn scene against the scene drawn larger.
        rivals: Other readings under which it is as like, in words; empty for none.
        bytes_per_pixel: Peak of activations per pixel of the input, measured; 0 where it was not.
        seconds_per_pixel: Time for a pixel of the input on two threads, measured.
    """

    input: End
    output: End
    scale: int
    multiple: int = 1
    minimum: int = 1
    fixed_size: tuple[int, int] | None = None
    fixed_batch: int = 1
    likeness_db: float = 0.0
    rivals: tuple[str, ...] = ()
    bytes_per_pixel: int = 0
    seconds_per_pixel: float = 0.0

    @property
    def channels(self) -> int:
        """Channels of the picture: 3 for RGB, 1 for luma."""
        return 1 if self.input.order == "luma" else 3

    def describe(self) -> str:
        """Return one sentence for people."""
        order = {"rgb": "RGB", "bgr": "BGR", "luma": "luma"}
        parts = [_both(order[self.input.order], order[self.output.order])]
        parts.append(_both(RANGE_WORDS[self.input.range], RANGE_WORDS[self.output.range]))
        parts.append(_both(self.input.type, self.output.type))
        if self.input.layout == "nhwc":
            parts.append("channels last")
        if self.fixed_size:
            parts.append(f"{self.fixed_size[1]}x{self.fixed_size[0]} only, in windows")
        elif self.multiple > 1:
            parts.append(f"sides of multiples of {self.multiple}")
        rivals = f"; {'; '.join(self.rivals)}" if self.rivals else ""
        return f"x{self.scale}, {', '.join(parts)}; likeness {self.likeness_db:.0f} dB{rivals}"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Contract:
        """Read what ``to_json`` wrote. Raises ValueError on anything else."""
        try:
            data = json.loads(text)
            data |= {name: End(**data[name]) for name in ("input", "output")}
            data["rivals"] = tuple(data["rivals"])
            data["fixed_size"] = tuple(data["fixed_size"]) if data["fixed_size"] else None
            return cls(**data)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a network's contract: {error}") from error


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one} in, {other} out"
