"""A parser of command lines whose errors are one line and name what was probably meant."""

from __future__ import annotations

import argparse
import re
import sys
from difflib import get_close_matches
from typing import NoReturn

_UNKNOWN = re.compile(r"unrecognized arguments: (-[^\s=]+)")
_CHOICE = re.compile(r"invalid choice: '([^']*)'")


class Parser(argparse.ArgumentParser):
    """``argparse.ArgumentParser`` without abbreviations; an error ends with status 2."""

    def __init__(self, prog: str, **more: object) -> None:
        more = {"formatter_class": argparse.RawDescriptionHelpFormatter, **more}
        super().__init__(prog, allow_abbrev=False, **more)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        text = " ".join(message.split()).removesuffix(".")
        print(f"{self.prog}: error: {text}. Hint: {self._hint(message)}", file=sys.stderr)
        sys.exit(2)

    def _hint(self, message: str) -> str:
        unknown, choice = _UNKNOWN.search(message), _CHOICE.search(message)
        if unknown:
            meant = did_you_mean(unknown[1], list(self._option_string_actions))
        else:
            meant = did_you_mean(choice[1], _choices(message)) if choice else ""
        return meant or f"{self.prog} --help lists what is expected."


def _choices(message: str) -> list[str]:
    """Return those that argparse lists: quoted up to Python 3.11, from 3.12 on as they are."""
    listed = message.partition("choose from ")[2].strip(")")
    return [name.strip(" '") for name in listed.split(",")]


def did_you_mean(given: str, allowed: list[str]) -> str:
    """Return a question that names the nearest of ``allowed``; empty where none is near."""
    near = get_close_matches(given, allowed, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else ""
