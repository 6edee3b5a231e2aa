"""Networks between one for clean pictures and those taught from it on coded footage.

Every network on the way from a parent to its descendants works, since the descendants were trained
from it and stay near it (network interpolation, Wang et al. 2018,
https://arxiv.org/abs/1809.00219, section 3.4). So one picture in runs through weights that suit
what its codec did to it, at no cost in run time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

STEPS_BETWEEN = 4
"""Networks from one descendant to the next.

Half a step is 1/8 of that way, which costs 0.01 dB at the most (the gain over bicubic is flat
around its best: lite-x4 over three clips, shares of 0.25 apart differ by 0.02 to 0.1 dB).
"""


@dataclass(frozen=True)
class StrengthCurve:
    """Positions on the way through the descendants, by the expected error of a picture.

    Attributes:
        levels: Errors in levels of 8 bits, root mean square on luma, rising.
        positions: Positions for them, from 0 (the parent) over 1 (the first descendant) on,
            never falling. Errors between two are interpolated; outside the nearest one holds.
    """

    levels: tuple[float, ...]
    positions: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for what is no curve."""
        if not self.levels or len(self.levels) != len(self.positions):
            raise ValueError("a curve needs as many positions as levels, at least one")
        rises = all(low < high for low, high in pairwise((0.0, *self.levels)))
        never_falls = all(low <= high for low, high in pairwise((0.0, *self.positions)))
        if not (rises and never_falls):  # numbers that are no numbers fail as well
            raise ValueError("levels of a curve rise from above 0, and positions never fall")

    def position(self, error_levels: float) -> float:
        """Return the position for an error in levels, 0 for none."""
        if error_levels <= 0:
            return 0.0
        after = bisect_right(self.levels, error_levels)
        if after == len(self.levels):
            return self.positions[-1]
        low, start = (self.levels[after - 1], self.positions[after - 1]) if after else (0.0, 0.0)
        share = (error_levels - low) / (self.levels[after] - low)
        return start + share * (self.positions[after] - start)


@dataclass(frozen=True)
class Strengths:
    """Differences of descendants from their parent, in the order of the errors they are for.

    Attributes:
        curve: Positions for errors.
        differences: Of each descendant, what is to be added to the parent's weights, by name.
    """

    curve: StrengthCurve
    differences: tuple[Mapping[str, Tensor], ...]

    def __post_init__(self) -> None:
        """Raise ValueError for a curve that leads beyond the last descendant."""
        if self.curve.positions[-1] > len(self.differences):
            raise ValueError(
                f"position {self.curve.positions[-1]:g} of a curve with "
                f"{len(self.differences)} descendants"
            )

    @property
    def last_step(self) -> int:
        """Step of the last network; the first is 0, the parent itself."""
        return STEPS_BETWEEN * len(self.differences)

    def step_of(self, error_levels: float) -> int:
        """Return the step of the network for a picture of that expected error in levels."""
        return round(STEPS_BETWEEN * self.curve.position(error_levels))

    def weights(self, parent: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
        """Return the weights of one step, of the dtypes of ``parent``.

        Args:
            parent: Weights of the network for clean pictures, by name.
            step: 0 to ``last_step``.

        Raises:
            ValueError: There is no such step.
        """
        if not 0 <= step <= self.last_step:
            raise ValueError(f"step = {step}: expected 0 to {self.last_step}")
        before, quarter = divmod(step, STEPS_BETWEEN)
        share = quarter / STEPS_BETWEEN
        parts = [(1 - share, before)] + ([(share, before + 1)] if quarter else [])
        result = {}
        for name, weight in parent.items():
            total = weight.float()
            for part, node in parts:
                if node:
                    total = total + part * self.differences[node - 1][name].float()
            result[name] = total.to(weight.dtype) if weight.is_floating_point() else weight
        return result
