"""Values that people type, parsed."""

from __future__ import annotations

import re

from vidsr.errors import OptionError

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_bytes(text: str) -> int:
    """Return the number of bytes that ``512M``, ``2G`` or ``4096`` stands for.

    Raises OptionError.
    """
    match = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)([kmg]?)(?:i?b)?", text.strip().lower())
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < 1:
        raise OptionError(f"memory {text!r}: allowed are numbers such as 512M or 2G.")
    return size
