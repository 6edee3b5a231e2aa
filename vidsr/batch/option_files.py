"""Options from a file: TOML whose keys are named like the long flags, turned into flags."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vidsr.errors import InputError, NoInputError, OptionError
from vidsr.option_values import nearest

NOT_IN_FILES = ("help", "version", "list_models")


def words_of(path: Path, parser: argparse.ArgumentParser) -> list[str]:
    """Return the flags that a file of options stands for.

    Args:
        path: A TOML file such as ``scale = 2``; a table, such as ``[encoder-option]``, becomes
            ``KEY=VALUE`` each.
        parser: The parser of the command, which knows the flags.

    Raises:
        InputError: The file cannot be read, or is no TOML.
        OptionError: A key is unknown, or its value has a type that no flag takes.
    """
    known = _flags(parser)
    words: list[str] = []
    for key, value in _read(path).items():
        action = known.get(key.replace("-", "_"))
        if action is None:
            near = nearest(key.replace("_", "-"), [name.replace("_", "-") for name in known])
            hint = f"did you mean {near}?" if near else "keys are the long flags, without dashes."
            raise OptionError(f"{path}: unknown option {key!r}", hint=hint)
        words += _words(path, key, action, value)
    return words


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise NoInputError(f"{path}: no such file of options") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: no file of options: {error}") from error


def _flags(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return the actions of long flags by their names as keys."""
    return {
        flag[2:].replace("-", "_"): action
        for action in parser._actions
        for flag in action.option_strings
        if flag.startswith("--") and flag[2:].replace("-", "_") not in NOT_IN_FILES
    }


def _words(path: Path, key: str, action: argparse.Action, value: Any) -> Iterator[str]:
    flag = action.option_strings[-1]
    switch = action.nargs == 0
    if switch != isinstance(value, bool):
        expected = "true or false" if switch else "a text or a number"
        raise OptionError(f"{path}: {key} = {value!r}: expected {expected}")
    if switch:
        yield from [flag] if value else []
        return
    for prefix, each in _values(value):
        if prefix and isinstance(each, bool):  # settings of encoders know true and false
            each = str(each).lower()
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            named = prefix and f" {prefix[:-1]}"
            raise OptionError(f"{path}: {key}{named} = {each!r}: expected a text or a number")
        yield f"{flag}={prefix}{each}"


def _values(value: Any) -> list[tuple[str, Any]]:
    """Return values, each behind ``KEY=`` if it is of a table."""
    if isinstance(value, Mapping):
        return [(f"{name}=", each) for name, each in value.items()]
    return [("", each) for each in (value if isinstance(value, list) else [value])]
