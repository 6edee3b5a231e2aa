"""A preview as the command ``vidsr`` makes it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from vidsr.errors import OptionError, OutputError
from vidsr.files import check_writable
from vidsr.run.early_checks import check_options
from vidsr.run.options import RunOptions
from vidsr.run.records.record_file import as_record, write_record
from vidsr.terminal.command import say
from vidsr.video.locator import PIPE, Locator
from vidsr.video.source.source_kinds import choose_source

NAME = "vidsr"
ENDING = "_preview.png"


def run_preview(
    arguments: argparse.Namespace, options: RunOptions, asked: Callable[[], bool]
) -> None:
    """Make the preview that a command line asks for. Raises a VidsrError."""
    if len(arguments.inputs) != 1:
        raise OptionError("`preview` with several inputs: expected one.")
    source = Locator.of(arguments.inputs[0])
    if not source.may_seek:
        raise OptionError(f"{source}: expected a file for a preview, which looks at several places")
    if arguments.output == PIPE:
        raise OptionError("`preview` into a pipe: expected a file such as sheet.png.")
    sheet = sheet_path(source, arguments.output)
    if sheet == arguments.output and sheet.exists() and not options.overwrite:
        raise OutputError(f"{sheet}: exists already", hint="`overwrite` replaces it.")
    check_options(options)
    choose_source(source).check(source)
    check_writable(sheet)

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


def sheet_path(source: Locator, output: Path | str | None) -> Path:
    """Return the picture to write: the target itself if it is a PNG, else one named after it."""
    if output is None:
        place = source.path if source.local else Path(source.name)
    else:
        place = Path(output)
        if place.suffix.lower() == ".png":
            return place
        if place.is_dir() or str(output).endswith("/"):
            place = place / source.name
    return place.with_name(place.stem.replace("%", "") + ENDING)
