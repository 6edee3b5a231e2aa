"""The choice of how a command shows its progress."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from vidsr.video.progress import Progress

ProgressKind = Literal["auto", "bar", "lines", "json", "none"]
KINDS: tuple[str, ...] = get_args(ProgressKind)


def shown_kind(kind: str, *, quiet: bool) -> str:
    """Return the kind that ``auto`` stands for here; any other is its own."""
    if kind != "auto":
        return kind
    return "none" if quiet else "bar" if sys.stderr.isatty() else "lines"


def make_progress(
    kind: str, name: str, *, quiet: bool = False, interrupted: Callable[[], bool] = lambda: False
) -> Progress:
    """Return the receiver of progress of a command.

    Args:
        kind: One of ``KINDS``; ``auto`` is a bar on a terminal and lines elsewhere.
        name: Name of the command.
        quiet: True shows nothing for ``auto``.
        interrupted: True once a signal has come.
    """
    # tqdm, NumPy and PyAV are loaded with these, which a command does when all else is checked.
    from vidsr.terminal.progress_bar import ProgressBar
    from vidsr.terminal.progress_lines import JsonProgress, LineProgress, QuietProgress

    kind = shown_kind(kind, quiet=quiet)
    if kind == "bar":
        return ProgressBar(always=True, interrupted=interrupted)
    if kind == "lines":
        return LineProgress(name, interrupted)
    return JsonProgress(interrupted) if kind == "json" else QuietProgress(interrupted)
