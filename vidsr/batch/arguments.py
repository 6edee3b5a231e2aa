"""The part of the command line that is about several inputs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidsr.batch.batch_options import ON_ERROR, SETTLED_S
from vidsr.batch.inputs import names_several
from vidsr.batch.list_files import SIGN, is_option_file
from vidsr.batch.option_files import words_of
from vidsr.option_values import parse_seconds
from vidsr.terminal.names import typed_name
from vidsr.terminal.parser import Parser, reader
from vidsr.video.locator import PIPE
from vidsr.video.sink.target_file import CONTAINERS

SEPARATORS = ("/", "\\")


class BatchParser(Parser):
    """A parser of command lines with inputs anywhere among the flags, and flags in files."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does; ``@NAME.toml`` stands for flags, which those typed overrule."""
        words = self._with_files(args)
        found, rest = super().parse_known_args(words, namespace)
        names = _names_among(rest)
        if names is not None:
            found.inputs = [*found.inputs, *map(typed_name, names)]
            rest = []
        found.input = found.inputs[0] if found.inputs else None
        return found, rest

    def _with_files(self, args: Sequence[str] | None) -> Sequence[str] | None:
        import sys

        words = sys.argv[1:] if args is None else list(args)
        files = [word for word in words if is_option_file(word)]
        if not files:
            return args
        flags = [flag for name in files for flag in words_of(Path(name[len(SIGN) :]), self)]
        return [*flags, *(word for word in words if word not in files)]


def _names_among(rest: Sequence[str]) -> list[str] | None:
    """Return the words that argparse left over, where all of them are names; else None."""
    before = rest[: rest.index("--")] if "--" in rest else rest
    if any(word.startswith("-") and word != PIPE for word in before):
        return None
    return [*before, *rest[len(before) + 1 :]]


def typed_target(text: str) -> Path | str:
    """Return the name of a target; one that ends as a folder's does stays as it was typed."""
    return text if text.endswith(SEPARATORS) else typed_name(text)


def add_batch_options(group: argparse._ArgumentGroup) -> None:
    """Add the flags of batches."""
    group.add_argument("--name", metavar="PATTERN", help="of targets ({stem}_{scale}x{suffix})")
    group.add_argument("--skip-existing", action="store_true", help="leave out what is done")
    group.add_argument(
        "--on-error",
        choices=ON_ERROR,
        default="continue",
        metavar="WHAT",
        help="continue with the next input, or stop (continue)",
    )
    group.add_argument("--watch", action="store_true", help="take what comes into the folders")
    group.add_argument(
        "--settle",
        type=reader(parse_seconds, "0 or more seconds", lambda value: 0 <= value < 1e6),
        metavar="TIME",
        help=f"rest of a file until it is taken, with --watch ({SETTLED_S:g})",
    )


def is_batch(arguments: argparse.Namespace) -> bool:
    """Return True if the command line asks for several targets in a folder."""
    inputs, output = arguments.inputs, arguments.output
    if len(inputs) > 1 or arguments.watch:
        return True
    if not inputs or output is None:
        return False
    if names_folder(output):
        return True
    return names_several(inputs[0]) and Path(output).suffix.lower() not in CONTAINERS


def names_folder(output: Path | str) -> bool:
    """Return True for a target that is a folder, or is written as one."""
    # A name may be too long for the file system: what writes there says so.
    return str(output).endswith(SEPARATORS) or (output != PIPE and os.path.isdir(output))
