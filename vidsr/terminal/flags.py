"""Messages that name arguments of the library, as those of a command that has flags for them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

_VALUE = r"'[^']*'|\([\d, ]+\)|-?[\w.-]*\w"


def flags_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the long flags of a parser and its subcommands, by the arguments they stand for.

    Arguments without a flag stand under their placeholder, such as ``MODEL``.
    """
    found: dict[str, str] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found |= flags_of(inner)
        elif not action.option_strings and isinstance(action.metavar, str):
            found[action.dest] = action.metavar
        for flag in action.option_strings:
            if flag.startswith("--"):
                found[flag[2:].replace("-", "_")] = flag
    return found


def as_flags(text: str, flags: Mapping[str, str]) -> str:
    """Return ``text`` with ``device = 'cuda:9'``, wherever it is, written ``--device cuda:9``."""

    def flag(named: re.Match[str]) -> str:
        name, value = flags[named[1]], named[2].strip("'")
        return name if value == "True" else f"{name} {value or named[2]}"

    if not flags:
        return text
    return re.sub(rf"\b({'|'.join(flags)}) = ({_VALUE})", flag, text)
