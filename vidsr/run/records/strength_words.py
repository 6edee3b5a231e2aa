"""The strengths that frames were given, in a few words for people."""

from __future__ import annotations

from collections.abc import Mapping


def strength_words(strengths: Mapping[str, int], last: int) -> str:
    """Return the strength of the median frame, such as ``strength 3 of 8 (2 to 4)``.

    Args:
        strengths: Number of frames by the step of their network.
        last: Step of the strongest network; 0 where there is one network, which gives no words.
    """
    if not last or not strengths:
        return ""
    steps = sorted(int(step) for step, frames in strengths.items() for _ in range(frames))
    lowest, middle, highest = steps[0], steps[(len(steps) - 1) // 2], steps[-1]
    spread = "" if lowest == highest else f" ({lowest} to {highest})"
    return f"strength {middle} of {last}{spread}"
