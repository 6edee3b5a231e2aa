"""Manual pages of the commands, made from their parsers: ``python -m tools.docs.man_pages DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.docs.programs import PROGRAMS, parser_of, subparsers
from vidsr import __version__

USAGE = "usage: python -m tools.docs.man_pages DIR"


def man_page(program: str) -> str:
    """Return the page of a program in section 1, as roff for man and mandoc."""
    parser = parser_of(program)
    name = program.upper().replace("-", "\\-")
    lines = [f'.TH "{name}" 1 "" "vidsr {__version__}" "vidsr"']
    lines += [".SH NAME", f"{_text(program)} \\- {_text(_purpose(parser))}"]
    lines += [".SH SYNOPSIS", _text(" ".join(_usage(parser).split()))]
    lines += [".SH DESCRIPTION", _text(parser.description or "")]
    lines += _options(parser)
    for word, inner in subparsers(parser):
        lines += [f".SH COMMAND {_text(word).upper()}", _text(inner.description or "")]
        lines += [_text(" ".join(_usage(inner).split())), *_options(inner, heading=".SS")]
    if parser.epilog:
        lines += [".SH EXAMPLES AND EXIT STATUS", ".nf", _text(parser.epilog.rstrip()), ".fi"]
    return "\n".join(lines) + "\n"


def _purpose(parser: argparse.ArgumentParser) -> str:
    """Return the first sentence of the description, as ``man -k`` shows it."""
    first = (parser.description or "").partition(";")[0].partition(". ")[0]
    return first.rstrip(".")


def _usage(parser: argparse.ArgumentParser) -> str:
    return parser.format_usage().removeprefix("usage: ")


def _options(parser: argparse.ArgumentParser, heading: str = ".SH") -> Iterator[str]:
    for group in parser._action_groups:
        shown = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
        shown = [a for a in shown if not isinstance(a, argparse._SubParsersAction)]
        if not shown:
            continue
        yield f"{heading} {_text(group.title or 'options').upper()}"
        for action in shown:
            yield ".TP"
            yield _names(parser, action)
            yield _text(_meaning(parser, action))


def _names(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return the flags in bold and the placeholder in italics."""
    value = ""
    if action.nargs != 0:
        shown = parser.formatter_class(prog=parser.prog)._format_args(
            action, action.dest.upper() if action.option_strings else action.dest
        )
        value = f"\\fI{_text(shown)}\\fR"
    flags = ", ".join(f"\\fB{_text(flag)}\\fR" for flag in action.option_strings)
    return f"{flags} {value}".strip()


def _meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser.formatter_class(prog=parser.prog)._expand_help(action) if action.help else ""


def _text(text: str) -> str:
    """Return text that roff prints as it is."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("%%", "%")
    return "\n".join(
        "\\&" + line if line[:1] in (".", "'") else line for line in escaped.split("\n")
    )


def main() -> int:
    """Write a page for every command into a folder; return the exit status."""
    if len(sys.argv) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        if " " not in program:
            (folder / f"{program}.1").write_text(man_page(program), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
