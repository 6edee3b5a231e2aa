"""The loop of a batch: one input after the other; what fails is said, and the next one begins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vidsr.batch.batch_options import BatchOptions
from vidsr.batch.items import Item
from vidsr.batch.outcome import Outcome, Tally
from vidsr.batch.shared_engines import SharedEngines
from vidsr.batch.total_progress import BatchProgress
from vidsr.errors import ContainerError, InputError, NoInputError, OutputError, VidsrError
from vidsr.run.executor import LocalExecutor
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec
from vidsr.terminal.command import OUT_OF_MEMORY, Failure
from vidsr.terminal.heap import return_free

logger = logging.getLogger("vidsr")
# Faults of one file alone, after which engines are as good as before.
_OF_A_FILE = (InputError, OutputError, ContainerError)


class BatchRun:
    """The runs of a batch with one set of options.

    Args:
        options: The options of every run.
        choices: The options of the batch.
        progress: What shows how far it is.
        tally: What counts outcomes.
        flags: Flags by the arguments that they stand for, for messages.
        interrupted: True once a signal has come.
        engines: The models that are loaded.
    """

    def __init__(
        self,
        options: RunOptions,
        choices: BatchOptions,
        progress: BatchProgress,
        tally: Tally,
        flags: Mapping[str, str],
        interrupted: Callable[[], bool],
        engines: SharedEngines,
    ) -> None:
        self._options, self._choices = options, choices
        self._progress, self._tally, self._flags = progress, tally, flags
        self._interrupted, self._engines = interrupted, engines

    def run(self, items: Sequence[Item]) -> list[Item]:
        """Run all; return those whose turn did not come, after a signal or an error."""
        self._progress.expect(items)
        for number, item in enumerate(items):
            try:
                failed = self._one(item)
            except KeyboardInterrupt:
                return list(items[number:])
            if failed and self._choices.on_error == "stop":
                return list(items[number + 1 :])
        return []

    def _one(self, item: Item) -> bool:
        """Run one; return True if it failed. Raises KeyboardInterrupt."""
        if self._interrupted():
            raise KeyboardInterrupt
        if self._choices.skip_existing and item.done:
            self._tally.add(Outcome(item))
            self._progress.pass_over()
            return False
        outcome = self._outcome(item)
        return_free()
        self._progress.end()
        self._tally.add(outcome)
        if outcome.report is not None:
            self._progress.say(outcome.report.summary())
        elif outcome.failure is not None:
            self._progress.say(f"error: {described(item, outcome.failure)}", error=True)
        return outcome.failure is not None

    def _outcome(self, item: Item) -> Outcome:
        receiver, engines = self._progress.begin(item), self._engines
        options, choices = self._options, self._choices
        if item.empty and (choices.skip_existing or choices.watch):
            options = replace(options, overwrite=True)
        spec = JobSpec(item.source, item.target, options)
        try:
            check_source(item)
            make_folder(item)
            return Outcome(item, LocalExecutor(progress=receiver, engines=engines).run(spec))
        except VidsrError as error:
            if not isinstance(error, _OF_A_FILE):
                engines.drop()
            return Outcome(item, failure=Failure.of(error, self._flags))
        except MemoryError:
            engines.drop()
            return Outcome(item, failure=Failure("MemoryError", "out of memory", "", OUT_OF_MEMORY))
        except Exception as error:  # a fault of vidsr itself: the inputs after it are not to blame
            logger.debug("unexpected", exc_info=True)
            engines.drop()
            kind = type(error).__name__
            return Outcome(item, failure=Failure(kind, f"unexpected {kind}: {error}", "", 1))


def check_source(item: Item) -> None:
    """Raise InputError for a file that is not there or out of reach; no folder is made for it."""
    if item.source.kind != "file":
        return
    try:
        item.source.path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoInputError(f"{item.source}: no such file or folder") from error
    except OSError as error:
        raise InputError(f"{item.source}: cannot be opened: {error.strerror}") from error


def make_folder(item: Item) -> None:
    """Create the folder of a target. Raises OutputError."""
    folder = item.target.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror}") from error


def described(item: Item, failure: Failure) -> str:
    """Return a failure in words that name the input."""
    stop = "" if failure.message.endswith((".", "?", "!")) else "."
    hint = f"{stop} Hint: {failure.hint}" if failure.hint else ""
    named = any(str(name) in failure.message for name in (item.source, item.target))
    return f"{'' if named else f'{item.source}: '}{failure.message}{hint}"
