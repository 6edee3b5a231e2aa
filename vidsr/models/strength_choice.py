"""Choice of the network for each frame by what its codec did to it."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.option_values import GREATEST_STRENGTH, Strength, is_strength
from vidsr.picture.coding_error import CodingError


class StrengthChoice:
    """Rule from a frame's coding error to a step of a model's strengths, and what it chose.

    Threads may ask at once: the step depends on nothing but the frame.

    Args:
        model: Network with its strengths, or without any: then every step is 0.
        strength: Number by which the expected error is multiplied: 0 takes every picture as
            clean, 1 (``auto``) as what the codec says, up to 2.

    Raises:
        OptionError: ``strength`` is out of range, or a number for a model without strengths.
    """

    def __init__(self, model: Model, strength: Strength = "auto") -> None:
        self._factor = factor_of(strength)
        self._strengths = model.strengths
        if model.strengths is None and strength not in ("auto", 0):
            raise OptionError(
                f"strength = {strength!r}: {model.name} has one network for all pictures",
                hint="leave `strength` out, or choose a model that has networks for coded footage.",
            )
        self._chosen: Counter[int] = Counter()
        self._lock = Lock()

    def step(self, error: CodingError | None) -> int:
        """Return the step for a frame, and count it."""
        step = self.step_of(error)
        with self._lock:
            self._chosen[step] += 1
        return step

    def step_of(self, error: CodingError | None) -> int:
        """Return the step for a frame without counting it."""
        if self._strengths is None or error is None:
            return 0
        return self._strengths.step_of(self._factor * error.levels)

    @property
    def last_step(self) -> int:
        """Step of the strongest network, 0 where there is only one."""
        return 0 if self._strengths is None else self._strengths.last_step

    def taken_as_clean(self, step: int) -> None:
        """Count a frame of ``step`` as one of step 0: the engine has no other network."""
        with self._lock:
            self._chosen[0] += 1
            self._chosen[step] -= 1
            self._chosen = +self._chosen  # without what is 0

    def count_anew(self) -> None:
        """Forget what was chosen so far: another run begins."""
        with self._lock:
            self._chosen.clear()

    def record(self) -> dict[str, int]:
        """Return ``chosen`` with the keys of JSON."""
        return {str(step): frames for step, frames in self.chosen.items()}

    @property
    def chosen(self) -> dict[int, int]:
        """Number of frames by step, in the order of steps."""
        with self._lock:
            return dict(sorted(self._chosen.items()))


def factor_of(strength: Strength) -> float:
    """Return the number that a strength stands for. Raises OptionError."""
    if not is_strength(strength):
        raise OptionError(f"strength = {strength!r}: expected 'auto' or 0 to {GREATEST_STRENGTH:g}")
    return 1.0 if strength == "auto" else float(strength)
