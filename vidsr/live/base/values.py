"""Values of settings as people write them: with units, in the configuration and on a command line.

PyTorch and PyAV are not imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from vidsr.live.base.settings import Kind, Setting
from vidsr.option_values import exact_rate, parse_bitrate, parse_rate, parse_strength
from vidsr.picture.size import Size

_UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "": 1.0}
_TIME = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ?(ms|s|min|h|)")
_FLAGS = {"true": True, "false": False}


def read_text(setting: Setting, text: str) -> Any:
    """Return the value that ``text`` of a command line stands for.

    Raises ValueError, with what was expected, for what is no value and for one out of range.
    """
    return _checked(setting, text.strip(), _TEXTS[setting.kind])


def read_value(setting: Setting, value: Any) -> Any:
    """Return the value that ``value`` of a TOML file stands for.

    Raises ValueError, with what was expected, for one of a wrong type or out of range.
    """
    if isinstance(value, str) and setting.kind not in ("flag", "texts"):
        if setting.kind in _NUMBERS and setting.kind not in _WITH_UNITS:
            if value != setting.marks.none:
                raise ValueError(setting.expected)
            return None
        return read_text(setting, value)
    if value is None and setting.optional:
        return None
    return _checked(setting, value, _VALUES.get(setting.kind, lambda given: given))


def seconds_of(text: str) -> float:
    """Return the seconds that ``200ms``, ``2s``, ``1.5min`` or ``3`` stands for.

    Raises ValueError.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return float(match[1]) * _UNITS_S[match[2]]


def size_pair(text: str) -> tuple[int, int]:
    """Return (width, height) of ``1280x720``. Raises ValueError."""
    size = Size.parse(text)
    return size.width, size.height


def _checked(setting: Setting, given: Any, read: Callable[[Any], Any]) -> Any:
    if isinstance(given, str) and given == setting.marks.none:
        return None
    try:
        value = read(given)
    except (ValueError, TypeError, ArithmeticError):
        raise ValueError(setting.expected) from None
    if value is None:
        raise ValueError(setting.expected)
    setting.check(value)
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError(text)
    return _FLAGS[text]


def _real(value: Any) -> Any:
    """Return a number as float; anything else as it is, for the check to refuse."""
    return float(value) if type(value) is int else value


_NUMBERS = ("count", "number", "seconds", "bitrate", "rate")
_WITH_UNITS = ("seconds", "bitrate", "rate")
_TEXTS: dict[Kind, Callable[[str], Any]] = {
    "flag": _flag,
    "count": int,
    "number": float,
    "seconds": seconds_of,
    "bitrate": parse_bitrate,
    "rate": parse_rate,
    "size": size_pair,
    "words": str,
    "text": str,
    "texts": _names,
    "strength": parse_strength,
}
_VALUES: dict[Kind, Callable[[Any], Any]] = {
    "number": _real,
    "seconds": _real,
    "strength": _real,
    "rate": lambda value: value if isinstance(value, bool | Fraction) else exact_rate(value),
    "size": lambda value: tuple(value) if isinstance(value, list) else value,
    "texts": lambda value: tuple(value) if isinstance(value, list) else value,
}
