"""Values of options in JSON: for each type that JSON lacks, how it is written and read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidsr.option_values import parse_rate


@dataclass(frozen=True)
class JsonValue:
    """The two ways between an option's values and JSON; ``read`` undoes ``write``.

    Args:
        write: A function from a value to what JSON has.
        read: A function from what JSON holds to a value; what it does not know, it returns as it
            is, for the check of the option. Raises ValueError or TypeError.
    """

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _as_is(value: Any) -> Any:
    return value


def _fraction_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction) else value


def _text_as_fraction(value: Any) -> Any:
    return parse_rate(value) if isinstance(value, str) else value


def _path_as_object(value: Any) -> Any:
    # As text alone, a path without a folder would be read as the name of a shipped model.
    return {"path": os.fspath(value)} if isinstance(value, os.PathLike) else value


def _object_as_path(value: Any) -> Any:
    return Path(value["path"]) if isinstance(value, dict) and value.keys() == {"path"} else value


def _list_as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


PLAIN = JsonValue(_as_is, _as_is)
NUMBER = JsonValue(_fraction_as_text, _text_as_fraction)
PATH = JsonValue(_path_as_object, _object_as_path)
PAIR = JsonValue(_as_is, _list_as_tuple)
SIZE = JsonValue(str, _as_is)  # the option itself converts text
