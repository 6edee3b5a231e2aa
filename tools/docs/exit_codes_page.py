"""The page of errors and exit codes, made from the tree of exceptions."""

from __future__ import annotations

from collections.abc import Iterator

import vidsr.errors
from tools.docs.markdown import page, table
from vidsr.errors import VidsrError

INTRODUCTION = """\
A command ends with one of these numbers and prints one line that names the cause and, where
there is one, a hint. In Python the same causes are exceptions: each is a `vidsr.VidsrError` and
also the builtin that it resembles, carries `message` and `hint`, and has `exit_code`."""
OTHERS = (
    ("0", "", "", "The command did what it was asked for."),
    ("130", "`KeyboardInterrupt`", "", "Ctrl-C ended the command."),
    (
        "143",
        "`KeyboardInterrupt`",
        "",
        "SIGTERM ended the command; other signals are 128 + number.",
    ),
)


def exit_codes_page() -> str:
    """Return the table of exit codes with the exceptions behind them."""
    rows = [OTHERS[0], *map(_row, _tree(VidsrError)), *OTHERS[1:]]
    return page(
        "# Errors and exit codes",
        INTRODUCTION,
        table(("code", "exception", "also a", "cause"), rows),
    )


def _tree(kind: type[VidsrError]) -> Iterator[type[VidsrError]]:
    """Yield an exception of ``vidsr.errors`` and those derived from it, parents first."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == vidsr.errors.__name__:
            yield from _tree(child)


def _row(kind: type[VidsrError]) -> tuple[str, str, str, str]:
    named = [base for base in kind.__bases__ if base.__module__ == "builtins"]
    also = ", ".join(f"`{base.__name__}`" for base in named if base is not Exception)
    cause = (kind.__doc__ or "").partition("\n")[0]
    return str(kind.exit_code), f"`{kind.__name__}`", also, cause
