"""Methods without learning in files: TOML with a method, a scale and every number.

method = "map-tv"
scale = 4
rounds = 100
strength = 0.02
softness = 0.5

What comes out follows from these lines, so that the file stands for the model wherever the file of
weights stands for another: in checksums of runs, and in what is remembered of tiles.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from vidsr.classical.methods import NUMBERS
from vidsr.errors import ModelError
from vidsr.models.networks.classical_net import ClassicalNet

LONGEST = 1 << 16  # bytes
SCALES = range(2, 9)
MOST_ROUNDS = 10_000


def load_method(path: Path) -> ClassicalNet:
    """Read a method. Raises ModelError."""
    try:
        if path.stat().st_size > LONGEST:
            raise ModelError(f"{path}: expected at most {LONGEST} bytes")
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    method = stated.get("method")
    if not isinstance(method, str) or method not in NUMBERS:
        raise ModelError(f"{path}: method = {method!r}: expected one of {', '.join(NUMBERS)}")
    wanted = ("method", "scale", *NUMBERS[method])
    if set(stated) != set(wanted):
        raise ModelError(f"{path}: expected {', '.join(wanted)}, got {', '.join(stated)}")
    scale = _whole(path, "scale", stated["scale"], SCALES.start, SCALES.stop - 1)
    rounds = _whole(path, "rounds", stated["rounds"], 0, MOST_ROUNDS)
    others = [name for name in NUMBERS[method] if name != "rounds"]
    numbers = {name: _positive(path, name, stated[name]) for name in others}
    return ClassicalNet(method, scale, {"rounds": rounds} | numbers)


def _whole(path: Path, name: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ModelError(f"{path}: {name} = {value!r}: expected a whole number, {least} to {most}")
    return value


def _positive(path: Path, name: str, value: Any) -> float:
    if type(value) not in (int, float) or not 0 < value < 1e6:
        raise ModelError(f"{path}: {name} = {value!r}: expected a number above 0")
    if name == "step" and value >= 2:
        raise ModelError(f"{path}: step = {value!r}: expected less than 2, beyond it grows")
    return float(value)
