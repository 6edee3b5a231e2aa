"""The reference of one command, made from its parser."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tools.docs.markdown import code, page, table
from tools.docs.programs import parser_of, subparsers

HEAD = ("option", "values", "meaning")
HELP = "`--help` prints the same in the terminal."


def commands_page(program: str) -> str:
    """Return the page of a program: usage, every option, examples."""
    parser = parser_of(program)
    inner = [_section(name, sub) for name, sub in subparsers(parser)]
    return page(f"# {program}", *_body(parser), *inner, HELP)


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    return page(f"## {name}", *_body(parser, level=3))


def _body(parser: argparse.ArgumentParser, level: int = 2) -> Iterator[str]:
    yield parser.description or ""
    with _wide():
        yield code(parser.format_usage().removeprefix("usage: "))
    for group in parser._action_groups:
        rows = [_row(action) for action in group._group_actions if _shown(action)]
        if rows:
            yield f"{'#' * level} {(group.title or 'options').capitalize()}"
            yield table(HEAD, rows)
    if parser.epilog:
        yield f"{'#' * level} Examples and exit status"
        yield code(parser.epilog)


def _shown(action: argparse.Action) -> bool:
    left_out = isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
    return action.help != argparse.SUPPRESS and not left_out


def _row(action: argparse.Action) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    meaning = (action.help or "").replace("%%", "%").replace("%(prog)s", "the program")
    return names or f"`{_metavar(action)}`", _values(action), meaning


def _values(action: argparse.Action) -> str:
    if action.nargs == 0 or not action.option_strings:
        return ""
    return f"`{_metavar(action)}`"


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.metavar:
        return action.metavar
    if action.choices:
        return ", ".join(map(str, action.choices))
    return action.dest.upper() if action.option_strings else action.dest


@contextmanager
def _wide() -> Iterator[None]:
    """Have argparse fill lines of 90 columns, whatever the terminal is."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "92"
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
