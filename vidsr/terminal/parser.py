"""A parser of command lines whose errors are one line and name what was probably meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from vidsr.option_values import nearest

T = TypeVar("T")

_UNKNOWN = re.compile(r"unrecognized arguments: (-[^\s=]+)")
_NAME = re.compile(r"-[^=]*(\.[a-z]\w*|%\d*d.*)", re.IGNORECASE)  # -5.5 is a number
_CHOICE = re.compile(r"invalid choice: '([^']*)'")


class UsageExit(SystemExit):
    """Exit with status 2 for a command line that is wrong.

    Attributes:
        message: What is wrong.
        hint: What was probably meant, or where to look.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(2)
        self.message, self.hint = message, hint


class Parser(argparse.ArgumentParser):
    """``argparse.ArgumentParser`` without abbreviations; an error ends with status 2."""

    def __init__(self, prog: str, **more: object) -> None:
        more = {"formatter_class": argparse.RawDescriptionHelpFormatter, **more}
        super().__init__(prog, allow_abbrev=False, **more)  # type: ignore[arg-type]

    _words: tuple[str, ...] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, and remember the words for hints."""
        self._words = tuple(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        text = " ".join(message.split()).removesuffix(".")
        hint = self._hint(message)
        print(f"{self.prog}: error: {text}. Hint: {hint}", file=sys.stderr)
        raise UsageExit(text, hint)

    def _hint(self, message: str) -> str:
        unknown, choice = _UNKNOWN.search(message), _CHOICE.search(message)
        if dashed := self._dashed_name():
            return f"write ./{dashed} for a name that begins with a dash."
        if unknown:
            meant = did_you_mean(unknown[1], list(self._option_string_actions))
        else:
            meant = did_you_mean(choice[1], _choices(message)) if choice else ""
        return meant or f"{self.prog} --help lists what is expected."

    def _dashed_name(self) -> str:
        """Return the first word that is a name with a leading dash; "" if there is none."""
        known = self._option_string_actions
        return next((w for w in self._words if w not in known and _is_dashed_name(w)), "")


def _is_dashed_name(word: str) -> bool:
    """Return True for what begins as an option and is a file's name rather than that."""
    return word.startswith("-") and bool(_NAME.fullmatch(word) or Path(word).exists())


def reader(
    parse: Callable[[str], T], expected: str, holds: Callable[[T], bool] = lambda _: True
) -> Callable[[str], T]:
    """Return a ``type`` for an argument: ``parse``, whose refusals say what was expected.

    ``parse`` raises ValueError for what is no value; ``holds`` is True for one in range.
    """

    def read(text: str) -> T:
        try:
            value = parse(text)
            right = holds(value)
        except ValueError:
            right = False
        if not right:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return read


def whole(least: int) -> Callable[[str], int]:
    """Return a ``type`` for whole numbers of at least ``least``."""
    return reader(int, f"a whole number of {least} or more", lambda number: number >= least)


def _choices(message: str) -> list[str]:
    """Return those that argparse lists: quoted up to Python 3.11, from 3.12 on as they are."""
    listed = message.partition("choose from ")[2].strip(")")
    return [name.strip(" '") for name in listed.split(",")]


def did_you_mean(given: str, known: list[str]) -> str:
    """Return a question that names the nearest of ``known``; empty where none is near."""
    near = nearest(given, known)
    return f"did you mean {near}?" if near else ""
