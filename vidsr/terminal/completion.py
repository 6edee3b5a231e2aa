"""Completion of command lines in bash, zsh and fish, through argcomplete where it is installed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping

ASKED = "_ARGCOMPLETE"
"""Variable of the environment by which argcomplete's shell code asks a program."""

Words = Mapping[str, Callable[[], Iterable[str]]]


def complete(parser: argparse.ArgumentParser, words: Words) -> None:
    """Answer the shell and end the process, where the shell asks what may follow.

    Args:
        parser: Parser of the command, whose flags and choices are offered.
        words: Values of options that may be names and are no fixed choices, by their flags; files
            are offered beside them.
    """
    if ASKED not in os.environ:
        return
    try:
        import argcomplete
        from argcomplete.completers import FilesCompleter
    except ImportError:  # completion was set up by another environment's argcomplete
        return
    files = FilesCompleter()
    for action in parser._actions:
        for flag in set(action.option_strings) & set(words):
            action.completer = _Names(words[flag], files)  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


class _Names:
    """Completer of names and of files."""

    def __init__(self, names: Callable[[], Iterable[str]], files: Callable[..., object]) -> None:
        self._names, self._files = names, files

    def __call__(self, prefix: str, **more: object) -> list[str]:
        """Return what begins with ``prefix``."""
        found = self._files(prefix, **more)
        paths = list(found) if isinstance(found, Iterable) else []
        return [*(name for name in self._names() if name.startswith(prefix)), *map(str, paths)]
