"""Words and values that people type: the choices of every command, sizes of memory, devices.

Nothing but the standard library is imported, so that a command can check what was typed before it
loads PyTorch.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from os import PathLike
from typing import Literal

from vidsr.errors import OptionError

ModelName = str | PathLike[str]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
EngineKind = Literal["auto", "torch", "tensorrt", "compile", "winograd", "openvino", "onnxruntime"]
PipeFormat = Literal["nut", "ts", "y4m", "raw"]
Decoder = Literal["cpu", "cuda"]
Deinterlace = Literal["auto", "field", "off"]
AudioChoice = Literal["copy", "auto", "aac", "opus", "flac", "none"]
Strength = float | Literal["auto"]
Look = Literal["faithful", "crisp"]
ReuseMode = Literal["exact", "near", "off"]

GREATEST_SCALE = 16
"""Greatest factor of a network; vidsr's own have 1, 2 or 4."""

MAX_SIDE = 16384
"""Greatest width or height of a target, in pixels."""

GREATEST_STRENGTH = 2.0
"""Greatest factor on what a codec is expected to have done to a picture."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def model_name(model: object) -> ModelName:
    """Return the name or path of a model, text for bytes. Raises OptionError for other types."""
    if isinstance(model, bytes):
        return os.fsdecode(model)
    if isinstance(model, str | PathLike):
        return model
    raise OptionError(f"model: expected a name or a path, got type {type(model).__name__}.")


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the one of ``known`` that differs from ``given`` in one or two letters, or "".

    A letter too many, too few, another or exchanged with its neighbour counts once. Short words are
    not guessed at when half of them differs: ``-x`` is no ``-q``. What begins one of them alone,
    with three letters or more, is an abbreviation of it.
    """
    known = tuple(known)
    begun = [each for each in known if each.startswith(given)]
    if len(begun) == 1 and len(given.strip("-")) >= 3:
        return begun[0]
    letters = len(given.strip("-"))
    most = min(2, letters // 2)
    rated = [(_letters_apart(given.lower(), each.lower()), each) for each in known]
    apart, found = min(rated, default=(most + 1, ""))
    return found if apart <= most else ""


def _letters_apart(one: str, other: str) -> int:
    """Return how many letters have to be changed to turn one word into the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            steps = [before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)]
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                steps.append(older[j - 2] + 1)
            row.append(min(steps))
    return row[-1]


def one_of(words: Sequence[object]) -> str:
    """Return ``words`` as a phrase for messages: ``1, 2 or 4``."""
    *before, last = map(str, words)
    return f"{', '.join(before)} or {last}" if before else last


def parse_bytes(text: str) -> int:
    """Return the number of bytes that ``512M``, ``2G`` or ``4096`` stands for.

    Raises OptionError.
    """
    match = re.fullmatch(r"(\d{1,300}(?:\.\d{1,18})?)([kmg]?)(?:i?b)?", text.strip().lower())
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < 1:
        raise OptionError(f"memory {text!r}: expected a number such as 512M or 2G.")
    return size


def parse_bitrate(text: str | int) -> int:
    """Return the bits a second that ``8M``, ``800k`` or ``4096`` stands for, k being a thousand.

    Raises ValueError.
    """
    if isinstance(text, int):
        return text
    number = r"(\d{1,9}(?:\.\d{1,9})?)([kmg]?)(?:bit/s|bps)?"
    match = re.fullmatch(number, text.strip().lower()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(text)
    return round(float(match[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[match[2]])


def key_values(given: object) -> tuple[str, ...]:
    """Return settings as ``KEY=VALUE`` each: of a mapping, of one text, or of several.

    Raises ValueError.
    """
    if isinstance(given, str):
        given = (given,)
    if isinstance(given, Mapping):
        return tuple(f"{key}={value}" for key, value in given.items())
    if not isinstance(given, list | tuple):
        raise ValueError(given)
    flat: list[str] = []
    for each in given:  # a command line gives a tuple for each flag
        flat += each if isinstance(each, tuple) else [each]
    return tuple(flat)


def check_device_names(text: str) -> tuple[str, ...]:
    """Return the names in ``cuda:0,cuda:1``, in order; whether they exist here is not asked.

    Raises OptionError for a name that is wrong on every machine.
    """
    names = tuple(text.split(","))
    if len(names) > 1 and not all(names):
        raise OptionError(
            f"device = {text!r}: a name is missing beside a comma, expected such as 'cuda:0,cuda:1'"
        )
    for name in names:
        check_device_name(name)
    return names


def check_device_name(text: str) -> None:
    """Raise OptionError for what is no name of one device on any machine."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise OptionError(f"device = {text!r}: expected 'auto', 'cpu', 'cuda' or 'cuda:N'")


def parse_seconds(text: str) -> float:
    """Return the seconds that ``90``, ``1:30`` or ``0:01:30.5`` stands for. Raises ValueError."""
    parts = text.split(":")
    if not 1 <= len(parts) <= 3:
        raise ValueError(text)
    total = 0.0
    for part in parts:
        total = total * 60 + float(part)
    return total


def parse_strength(text: str) -> Strength:
    """Return the strength that ``auto`` or ``0.5`` stands for. Raises ValueError."""
    return "auto" if text == "auto" else float(text)


def is_strength(value: object) -> bool:
    """Return True for ``"auto"`` and for a number of 0 to ``GREATEST_STRENGTH``."""
    if isinstance(value, str):
        return value == "auto"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= float(value) <= GREATEST_STRENGTH  # type: ignore[arg-type]


def in_words(seconds: float) -> str:
    """Return seconds in words: ``8 s``, ``12 min``, ``3.5 h`` or ``2.1 days``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def parse_rate(text: str) -> Fraction:
    """Return the frame rate that ``25``, ``29.97`` or ``30000/1001`` stands for.

    Raises ValueError.
    """
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(text) from error


def exact_rate(framerate: float | Fraction) -> Fraction:
    """Return a fraction as it is, a float as the simple fraction that it stands for.

    Raises ValueError for what is no finite number.
    """
    if isinstance(framerate, Fraction):
        return framerate
    if not isinstance(framerate, int | float) or not math.isfinite(framerate):
        raise ValueError(framerate)
    return Fraction(framerate).limit_denominator(100_000)
