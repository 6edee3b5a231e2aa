"""The watch over folders: what is complete is run at once, until a signal ends it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from vidsr.batch.batch_options import BatchOptions
from vidsr.batch.batch_run import BatchRun
from vidsr.batch.command import FAILED, NAME, target_folder
from vidsr.batch.inputs import Found, in_folder
from vidsr.batch.items import Item, item_of
from vidsr.batch.name_pattern import NamePattern
from vidsr.batch.outcome import Tally
from vidsr.batch.shared_engines import SharedEngines
from vidsr.batch.total_progress import BatchProgress
from vidsr.batch.watch.arrivals import Arrivals
from vidsr.errors import InputError, NoInputError, OptionError
from vidsr.files import check_folder
from vidsr.run.early_checks import check_options
from vidsr.run.job import check_machine
from vidsr.run.options import RunOptions
from vidsr.run.records.record_file import write_record
from vidsr.terminal.command import INTERRUPTED, say
from vidsr.terminal.heap import keep_one_heap
from vidsr.video.locator import Locator

LONGEST_PAUSE_S = 1.0
KEPT_OUTCOMES = 1000  # in a report of a watch, which may go on for months


class Watch:
    """The watch over folders.

    Args:
        folders: What is watched, with all folders below.
        target: The folder of the targets.
        pattern: The names of the targets.
        choices: The options of the batch.
    """

    def __init__(
        self, folders: list[Path], target: Path, pattern: NamePattern, choices: BatchOptions
    ) -> None:
        self._folders, self._target, self._pattern = folders, target, pattern
        self._arrivals = Arrivals(choices.settle)
        self._made: dict[str, str] = {}  # sources by their targets, of this watch

    def look(self) -> list[Item]:
        """Return what has come, is complete, and has no target yet."""
        files = list(self._files())
        items = []
        for found in self._arrivals.look(files):
            if not self._arrivals.take(found):
                continue
            item = item_of(found, self._target, self._pattern)
            known = item.target.text in self._made
            owner = self._made.setdefault(item.target.text, item.source.text)
            if owner != item.source.text:
                say(NAME, f"error: {item.source}: {item.target} is the target of {owner}; skipped")
            elif not item.done:
                items.append(item)
            elif known:  # it rested for long enough, and was not complete
                say(NAME, f"{item.source}: has changed since {item.target} was made of it")
        return items

    def _files(self) -> Iterator[Found]:
        for folder in self._folders:
            with suppress(OSError):  # a folder that goes while it is read
                found = list(in_folder(folder, self._target))
                targets = {item_of(f, self._target, self._pattern).target.text for f in found}
                yield from (f for f in found if f.source.text not in targets)


def watch(
    arguments: argparse.Namespace,
    options: RunOptions,
    flags: Mapping[str, str],
    asked: Callable[[], bool],
) -> int:
    """Watch folders until a signal comes, or an error with ``on_error`` stop; return the status.

    Args:
        arguments: The parsed command line.
        options: The options of every run.
        flags: Flags by the arguments that they stand for.
        asked: True once a signal has come.

    Raises:
        VidsrError: Nothing was begun.
    """
    choices = BatchOptions.of(vars(arguments))
    folders = [_folder(name) for name in arguments.inputs]
    if arguments.dry_run:
        raise OptionError("--dry-run with `watch`: expected one of them.")
    target, pattern = target_folder(arguments.output), NamePattern.of(choices.name, options)
    check_options(options)
    check_folder(target)
    check_machine(options)
    keep_one_heap()
    left: list[Item] = []
    tally = Tally(kept=KEPT_OUTCOMES if arguments.report else 0)
    progress = BatchProgress(arguments.progress, NAME, quiet=arguments.quiet, interrupted=asked)
    watched = Watch(folders, target, pattern, choices)
    pause_s = min(LONGEST_PAUSE_S, max(0.05, choices.settle / 2))
    progress.say(f"watching {', '.join(map(str, folders))}; Ctrl-C ends it")
    try:
        with SharedEngines() as engines:
            run = BatchRun(options, choices, progress, tally, flags, asked, engines)
            while not asked() and _go_on(tally, choices):
                items = watched.look()
                if not items:
                    time.sleep(pause_s)
                    continue
                left = run.run(items)
                progress.view.close()
                if arguments.report:
                    write_record(arguments.report, tally.record())
    except KeyboardInterrupt:
        pass
    finally:
        progress.view.close()
    if arguments.report:
        write_record(arguments.report, tally.record(left))
    say(NAME, f"the watch has ended: {tally.summary()}")
    return INTERRUPTED if asked() else FAILED


def _go_on(tally: Tally, choices: BatchOptions) -> bool:
    return choices.on_error == "continue" or not tally.failed


def _folder(name: Path | str) -> Path:
    locator = Locator.of(name)
    if locator.local and locator.path.is_dir():
        return locator.path
    hint = "expected folders of this machine with --watch."
    if not locator.local or locator.path.exists():
        raise InputError(f"{locator}: is no folder of this machine", hint=hint)
    raise NoInputError(f"{locator}: no such folder", hint=hint)
