"""A preview as the command ``vidsr`` makes it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from vidsr.errors import OptionError, OutputError
from vidsr.files import check_writable
from vidsr.preview.names import clip_path, sheet_path
from vidsr.run.early_checks import check_options, check_report
from vidsr.run.options import RunOptions
from vidsr.run.records.record_file import STANDARD_OUTPUT, as_record, write_record
from vidsr.terminal.command import say
from vidsr.video.locator import PIPE, Locator
from vidsr.video.source.source_kinds import choose_source

NAME = "vidsr"


def run_preview(
    arguments: argparse.Namespace, options: RunOptions, asked: Callable[[], bool]
) -> None:
    """Make the preview that a command line asks for. Raises a VidsrError."""
    if len(arguments.inputs) != 1:
        raise OptionError("`preview` with several inputs: expected one.")
    for other in ("dry_run", "estimate", "watch"):
        if getattr(arguments, other):
            raise OptionError(f"`preview` with `{other}`: expected one of them.")
    source = Locator.of(arguments.inputs[0])
    if not source.may_seek:
        raise OptionError(f"{source}: expected a file for a preview, which looks at several places")
    if arguments.output == PIPE:
        raise OptionError("`preview` into a pipe: expected a file such as sheet.png.")
    sheet = sheet_path(source, arguments.output)
    check_options(options)
    choose_source(source).check(source)
    _check_places(source, sheet, arguments.report, named=sheet == arguments.output, options=options)

    from vidsr.notes import Notes
    from vidsr.preview.preview import make_preview
    from vidsr.terminal.heap import keep_heap

    keep_heap()
    made = make_preview(source, sheet, options, Notes(), asked)
    if arguments.report:
        facts = {"source": str(source)} | asdict(made)
        facts |= {"sheet": str(made.sheet), "clip": made.clip and str(made.clip)}
        write_record(arguments.report, as_record(facts))
    if not arguments.quiet:
        say(NAME, made.summary())


def _check_places(
    source: Locator, sheet: Path, report: str | None, *, named: bool, options: RunOptions
) -> None:
    """Raise OutputError where a file of the preview has no place, or takes that of another.

    With ``named`` the sheet has a name that was typed, beside which other files may lie.
    """
    made = (sheet, clip_path(sheet))
    for path in made:
        if source.local and path.resolve() == source.path.resolve():
            raise OutputError(f"{path}: is the source itself", hint="name another picture.")
        if named and path.exists() and not options.overwrite:
            raise OutputError(f"{path}: exists already", hint="`overwrite` replaces it.")
        check_writable(path)
    if report is not None and report != STANDARD_OUTPUT:
        check_report(Path(report), (*made, source.path) if source.local else made)
