"""Messages that name arguments of the library, as those of a command that has flags for them."""

from __future__ import annotations

import argparse
import logging
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
    """Return a message of the library as a command gives it.

    ``device = 'cuda:9'``, wherever it is, becomes ``--device cuda:9``, and a lone name between
    backquotes, such as that of ``overwrite``, its flag. Names without a flag stay as they are.
    """

    def flag(named: re.Match[str]) -> str:
        if named["lone"]:
            return flags[named["lone"]]
        name, value = flags[named["name"]], named["value"].strip("'")
        return name if value == "True" else f"{name} {value or named['value']}"

    if not flags:
        return text
    names = "|".join(flags)
    return re.sub(rf"`(?P<lone>{names})`|\b(?P<name>{names}) = (?P<value>{_VALUE})", flag, text)


class FlagFormatter(logging.Formatter):
    """Formatter of a command's log, with flags in place of the arguments that vidsr names.

    Args:
        name: The name that every line begins with.
        flags: The command's flags by argument, as ``flags_of`` returns them.
    """

    def __init__(self, name: str, flags: Mapping[str, str]) -> None:
        super().__init__(f"{name}: %(message)s")
        self._flags = flags

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``; what other packages log is left as it is."""
        line = super().formatMessage(record)
        ours = record.name.partition(".")[0] == "vidsr"
        return as_flags(line, self._flags) if ours else line
