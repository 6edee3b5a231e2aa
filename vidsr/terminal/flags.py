"""Messages that name parameters of the API, as those of a command that has flags for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

PARAMETERS = ("device", "engine", "precision", "wait_for_engine", "decoder", "model", "scale")


def as_flags(text: str, names: Iterable[str] = PARAMETERS) -> str:
    """``device = 'cuda:9'`` as ``--device cuda:9``, wherever in the text."""
    return re.sub(rf"\b({'|'.join(names)}) = ('[^']*'|[\w.-]*\w)", _flag, text)


def _flag(named: re.Match[str]) -> str:
    flag, value = "--" + named[1].replace("_", "-"), named[2].strip("'")
    return flag if value == "True" else f"{flag} {value or named[2]}"
