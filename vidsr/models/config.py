"""The dimensions of a generator: one frozen record, stored inside every checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

Kind = Literal["srresnet", "lite"]
PReLUKind = Literal["shared", "channel"]
OutputRange = Literal["unit", "signed"]


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """What it takes to rebuild a generator before its weights are loaded.

    ``channels`` is 3 for a network on RGB and 1 for a network on luma.
    ``output_range`` is the range the network was trained to put out: ``unit`` is [0, 1],
    ``signed`` is [-1, 1] (the published SRResNet); inputs are always in [0, 1].
    """

    kind: Kind
    scale: int
    channels: int
    width: int
    blocks: int
    prelu: PReLUKind = "channel"
    output_range: OutputRange = "unit"

    def __post_init__(self) -> None:
        checks = (
            (self.kind in get_args(Kind), f"kind = {self.kind!r}, allowed {get_args(Kind)}"),
            (self.scale in (2, 4), f"scale = {self.scale!r}, allowed 2 or 4"),
            (self.channels in (1, 3), f"channels = {self.channels!r}, allowed 1 or 3"),
            (1 <= self.width <= 1024, f"width = {self.width!r}, allowed 1 to 1024"),
            (0 <= self.blocks <= 256, f"blocks = {self.blocks!r}, allowed 0 to 256"),
            (
                self.prelu in get_args(PReLUKind),
                f"prelu = {self.prelu!r}, allowed {get_args(PReLUKind)}",
            ),
            (
                self.output_range in get_args(OutputRange),
                f"output_range = {self.output_range!r}, allowed {get_args(OutputRange)}",
            ),
        )
        for holds, message in checks:
            if not holds:
                raise ValueError(message)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> GeneratorConfig:
        """Read what :meth:`to_json` wrote. Raises ValueError on anything else."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"not a generator's dimensions: {error}") from error
