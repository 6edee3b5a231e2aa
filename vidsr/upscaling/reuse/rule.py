"""Rule of what counts as standing still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from vidsr.errors import OptionError
from vidsr.option_values import ReuseMode, one_of

USUAL_RATE_HZ = 25.0


@dataclass(frozen=True)
class Reuse:
    """Rule by which parts of a frame are taken from the frame before instead of computed.

    Args:
        mode: ``exact`` takes what has the same source samples, the network's reach included: the
            result is that of ``off``, to the last bit. ``near`` takes a source sample for
            unchanged as long as it is within ``near_levels`` of the one that was computed with:
            the result is exactly that of a picture no sample of which is further off. ``off``
            computes everything.
        near_levels: Greatest difference that ``near`` allows, in levels of 8 bits, 0 to 64.
        refresh_s: Seconds after which ``near`` has taken over every sample anew, more than 0.
        rate_hz: Frames a second, by which ``refresh_s`` is counted, more than 0.

    Raises:
        OptionError: A value is none of these.
    """

    mode: ReuseMode = "exact"
    near_levels: float = 4.0
    refresh_s: float = 10.0
    rate_hz: float = USUAL_RATE_HZ

    def __post_init__(self) -> None:
        modes = get_args(ReuseMode)
        if self.mode not in modes:
            raise OptionError(f"mode = {self.mode!r}: expected {one_of(modes)}.")
        if not 0 <= self.near_levels <= 64:
            raise OptionError(f"near_levels = {self.near_levels!r}: expected 0 to 64.")
        for name, value in (("refresh_s", self.refresh_s), ("rate_hz", self.rate_hz)):
            if not value > 0:
                raise OptionError(f"{name} = {value!r}: expected more than 0.")

    @property
    def refresh_frames(self) -> int:
        """Frames after which ``near`` has taken over every sample anew."""
        return max(1, round(self.refresh_s * self.rate_hz))


EXACT, OFF = Reuse(), Reuse("off")
