"""A batch as the command ``vidsr`` runs it: inputs found, checked, run, counted and reported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from vidsr.batch.batch_options import BatchOptions
from vidsr.batch.inputs import find_inputs
from vidsr.batch.items import Item, folders_of, plan_items
from vidsr.batch.name_pattern import NamePattern
from vidsr.errors import InputError, OptionError, OutputError
from vidsr.files import check_folder
from vidsr.run.early_checks import check_options
from vidsr.run.options import RunOptions
from vidsr.run.records.record_file import STANDARD_OUTPUT, as_record, write_record
from vidsr.terminal.command import INTERRUPTED, say
from vidsr.video.locator import Locator
from vidsr.video.sink.target_file import CONTAINERS

NAME = "vidsr"
FAILED = 1
Asked = Callable[[], bool]


def run_batch(
    arguments: argparse.Namespace, options: RunOptions, flags: Mapping[str, str], asked: Asked
) -> int:
    """Run what a command line with several inputs asks for; return the exit status.

    Args:
        arguments: The parsed command line.
        options: The options of every run.
        flags: Flags by the arguments that they stand for.
        asked: True once a signal has come.

    Raises:
        VidsrError: Nothing was begun: an argument is wrong, or inputs contradict one another.
    """
    choices = BatchOptions.of(vars(arguments))
    folder = target_folder(arguments.output)
    pattern = NamePattern.of(choices.name, options)
    check_options(options)
    if arguments.estimate:
        raise OptionError("--estimate with several inputs: expected one.")
    items = plan_items(find_inputs(arguments.inputs, folder), folder, pattern)
    if not items:
        names = ", ".join(map(str, arguments.inputs))
        raise InputError(f"{names}: no videos or pictures there")
    check_report_place(arguments.report, items)
    for place in folders_of(items):
        check_folder(place)
    if arguments.dry_run:
        return _print(items, choices, arguments.report)
    return _run(items, arguments, options, choices, flags, asked)


def target_folder(output: Path | str) -> Path:
    """Return the folder of the targets. Raises OptionError or OutputError for what is none."""
    locator = Locator.of(str(output))
    if not locator.local:
        raise OptionError(f"{locator}: expected a folder for several inputs")
    if locator.path.is_dir():
        return locator.path
    if locator.path.exists():
        raise OutputError(f"{locator}: is a file: expected a folder for several inputs")
    if locator.suffix in CONTAINERS:
        raise OptionError(
            f"{locator}: expected a folder for several inputs", hint=f"write {locator}/ for one."
        )
    return locator.path


def check_report_place(report: str | None, items: list[Item]) -> None:
    """Raise OutputError where the report would take the place of an input or a target."""
    if report is None or report == STANDARD_OUTPUT:
        return
    from vidsr.run.early_checks import check_report

    names = (name for item in items for name in (item.source, item.target))
    check_report(Path(report), tuple(name.path for name in names if name.local))


def _print(items: list[Item], choices: BatchOptions, report: str | None) -> int:
    """Print what would be done."""
    to = sys.stderr if report == STANDARD_OUTPUT else sys.stdout
    files = []
    for item in items:
        skipped = choices.skip_existing and item.done
        note = " (exists: skipped)" if skipped else " (exists)" if item.done else ""
        note = note or (" (empty)" if item.empty else "")
        print(f"{item.source} -> {item.target}{note}", file=to)
        names = {"source": str(item.source), "target": str(item.target)}
        files.append(names | {"exists": item.done, "skipped": skipped})
    megabytes = sum(item.source_bytes for item in items) / 1e6
    print(f"{len(items)} files, {megabytes:.1f} MB", file=to)
    if report:
        write_record(report, as_record({"files": files, "dry_run": True}))
    return 0


def _run(
    items: list[Item],
    arguments: argparse.Namespace,
    options: RunOptions,
    choices: BatchOptions,
    flags: Mapping[str, str],
    asked: Asked,
) -> int:
    from vidsr.batch.batch_run import BatchRun
    from vidsr.batch.outcome import Tally
    from vidsr.batch.shared_engines import SharedEngines
    from vidsr.batch.total_progress import BatchProgress
    from vidsr.run.job import check_machine
    from vidsr.terminal.heap import keep_one_heap

    keep_one_heap()
    check_machine(options)
    tally = Tally(kept=None if arguments.report else 0)
    progress = BatchProgress(arguments.progress, NAME, quiet=arguments.quiet, interrupted=asked)
    try:
        with SharedEngines() as engines:
            left = BatchRun(options, choices, progress, tally, flags, asked, engines).run(items)
    finally:
        progress.view.close()
    if arguments.report:
        write_record(arguments.report, tally.record(left))
    if asked():
        again = "the same command goes on with --skip-existing"
        say(NAME, f"interrupted; {tally.summary(len(items))}; {again}")
        return INTERRUPTED
    if tally.failed or not arguments.quiet:
        say(NAME, tally.summary(len(items)))
    return FAILED if tally.failed else 0
