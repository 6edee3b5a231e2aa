"""Ladder of sizes that hold a frame rate: the usual ones in turn, or the largest of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vidsr.bench.outcome.results import Rung
from vidsr.bench.outcome.stats import Spread
from vidsr.picture.size import Size

LADDER = (
    Size(320, 180),
    Size(480, 270),
    Size(640, 360),
    Size(854, 480),
    Size(960, 540),
    Size(1280, 720),
    Size(1920, 1080),
)
HOPELESS = 0.1  # of real time: larger sizes are not tried
STEP = Size(32, 18)  # every multiple is exactly 16:9, with even sides
FIRST_STEP = 5  # 160x90
LARGEST_STEP = 120  # 3840x2160

Measure = Callable[[Size], tuple[Spread, int]]  # source -> fps, height of the target


def ladder(measure: Measure, rate: float, sizes: Sequence[Size]) -> tuple[Rung, ...]:
    """Return a rung for every size, in rising order; none above a hopeless one is measured."""
    rungs: list[Rung] = []
    hopeless: Rung | None = None
    for size in sizes:
        if hopeless is not None and hopeless.realtime is not None:
            scale = hopeless.target_height // hopeless.height
            reason = f"not measured: {hopeless.height}p is at {hopeless.realtime:.2f}x"
            rungs.append(Rung(size.width, size.height, size.height * scale, rate, reason=reason))
            continue
        rung = _rung(measure, size, rate)
        rungs.append(rung)
        if rung.realtime is not None and rung.realtime < HOPELESS:
            hopeless = rung
    return tuple(rungs)


def _rung(measure: Measure, size: Size, rate: float) -> Rung:
    fps, target_height = measure(size)
    return Rung(size.width, size.height, target_height, rate, fps)


def find_largest(holds: Callable[[int], bool], most: int = LARGEST_STEP) -> int:
    """Return the greatest step from 1 to ``most`` that holds, 0 for none; larger ones are slower.

    Doubles until one does not hold, then halves what is between: no probe above the first has more
    than four times the pixels of what holds.
    """
    low, high = 0, min(FIRST_STEP, most)
    while holds(high):
        if high == most:
            return most
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def find_max(measure: Measure, rate: float, *, confirm: Measure) -> Rung:
    """Return the largest 16:9 source that holds ``rate``, or 32x18 if not even that does.

    ``measure`` searches; ``confirm``, which takes more care, has the last word.
    """

    def rung(measure: Measure, step: int) -> Rung:
        return _rung(measure, Size(STEP.width * step, STEP.height * step), rate)

    largest = max(1, find_largest(lambda step: _holds(rung(measure, step))))
    for step in range(largest, 0, -1):
        found = rung(confirm, step)
        if _holds(found):
            break
    return found


def _holds(rung: Rung) -> bool:
    return rung.realtime is not None and rung.realtime >= 1
