"""The progress of all inputs beside that of each: a second bar, lines, or objects."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Never, Protocol

from tqdm import tqdm

from vidsr.batch.items import Item
from vidsr.option_values import in_words
from vidsr.terminal.command import say
from vidsr.terminal.progress_choice import make_progress, shown_kind
from vidsr.terminal.progress_lines import EVERY_S
from vidsr.video.info import SourceInfo
from vidsr.video.progress import Progress

_FORMAT = "{desc} {percentage:3.0f}% {bar} [{elapsed}<{remaining}]{postfix} files"


class Total:
    """The share of all inputs that is done, counted in bytes of sources, which are known at once.

    Args:
        sizes: Bytes of every input.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = [max(1, size) for size in sizes]
        self.number = 0
        self.begin_s = time.perf_counter()
        self.all_bytes, self.done_bytes = sum(self.sizes), 0.0

    def begin(self) -> None:
        """Go on to the next input."""
        self.number += 1
        self._before = self.done_bytes

    def reach(self, part: float) -> None:
        """Take how much of the input is done, of 0 to 1."""
        self.done_bytes = self._before + min(1.0, part) * self.sizes[self.number - 1]

    def end(self, *, skipped: bool) -> None:
        """End an input. One that was skipped took no time and counts no more."""
        if skipped:
            self.all_bytes -= self.sizes[self.number - 1]
            self.done_bytes = self._before
        else:
            self.reach(1.0)

    @property
    def left_s(self) -> float | None:
        """Seconds still to go; None before anything is done."""
        if not self.done_bytes:
            return None
        taken_s = time.perf_counter() - self.begin_s
        return taken_s * (self.all_bytes - self.done_bytes) / self.done_bytes

    @property
    def percent(self) -> float:
        """Per cent of all bytes that are done."""
        return 100 * self.done_bytes / self.all_bytes if self.all_bytes else 100.0


class TotalView(Protocol):
    """A way to show what a ``Total`` counts."""

    def begin(self, total: Total, item: Item) -> None: ...
    def update(self, total: Total) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


class SilentView:
    """A view that prints lines of outcomes alone."""

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, total: Total, item: Item) -> None:
        """Do nothing."""

    def update(self, total: Total) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Print a line on stderr."""
        say(self.name, text)

    def close(self) -> None:
        """End."""


class LineView(SilentView):
    """A view that prints a line for each input, and for all every 30 s."""

    def __init__(self, name: str, every_s: float = EVERY_S) -> None:
        super().__init__(name)
        self._every_s, self._last_s = every_s, time.perf_counter()

    def begin(self, total: Total, item: Item) -> None:
        """Print the names."""
        self.say(f"file {total.number} of {len(total.sizes)}: {item.source} -> {item.target}")

    def update(self, total: Total) -> None:
        """Print a line where the last one is old enough."""
        now_s = time.perf_counter()
        if now_s - self._last_s < self._every_s:
            return
        self._last_s = now_s
        left = "" if total.left_s is None else f", {in_words(total.left_s)} left"
        place = f"file {total.number} of {len(total.sizes)}"
        self.say(f"all: {total.percent:.0f} %, {place}{left}")


class JsonView(SilentView):
    """A view that prints objects: ``file`` for each input, ``message`` for what is said."""

    def begin(self, total: Total, item: Item) -> None:
        """Print which input begins, and how far all are."""
        left_s = total.left_s
        self._print(
            "file",
            file=total.number,
            files=len(total.sizes),
            source=str(item.source),
            target=str(item.target),
            percent=round(total.percent, 1),
            all_left_s=None if left_s is None else round(left_s, 1),
        )

    def say(self, text: str) -> None:
        """Print a sentence as an object."""
        self._print("message", text=text)

    def _print(self, event: str, **facts: Any) -> None:
        with suppress(OSError):
            print(json.dumps({"event": event} | facts), file=sys.stderr, flush=True)


class BarView(SilentView):
    """A view that draws a bar for all above the bar of each input."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._bar: tqdm[Never] | None = None

    def begin(self, total: Total, item: Item) -> None:
        """Draw the bar, with the number of the input."""
        if self._bar is None:
            self._bar = tqdm(
                total=total.all_bytes,
                desc="all",
                bar_format=_FORMAT,
                dynamic_ncols=True,
                leave=False,
                position=0,
            )
        self._bar.set_postfix_str(f"{total.number}/{len(total.sizes)}", refresh=False)
        self.say(f"file {total.number} of {len(total.sizes)}: {item.source} -> {item.target}")
        self.update(total)

    def update(self, total: Total) -> None:
        """Draw how far all are."""
        if self._bar is not None:
            self._bar.total = total.all_bytes
            self._bar.update(int(total.done_bytes) - self._bar.n)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        with suppress(OSError):
            tqdm.write(f"{self.name}: {text}", file=sys.stderr)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class FileProgress:
    """A receiver of the progress of one input, which tells that of all."""

    def __init__(self, inner: Progress, total: Total, view: TotalView) -> None:
        self._inner, self._total, self._view = inner, total, view
        self._frames: int | None = None

    def start(self, info: SourceInfo) -> None:
        """Remember how many frames there are."""
        self._frames = info.frames
        self._inner.start(info)

    def frame(self, done: int, output_bytes: int) -> None:
        """Count a frame, and show how far all are."""
        self._inner.frame(done, output_bytes)
        if self._frames:
            self._total.reach(done / self._frames)
            self._view.update(self._total)

    def close(self) -> None:
        """End the input."""
        self._inner.close()


class BatchProgress:
    """The progress of a batch, as the command was asked to show it.

    Args:
        kind: One of ``vidsr.terminal.progress_choice.KINDS``.
        name: Name of the command.
        quiet: True shows errors alone for ``auto``.
        interrupted: True once a signal has come.
    """

    def __init__(
        self, kind: str, name: str, *, quiet: bool, interrupted: Callable[[], bool]
    ) -> None:
        self._kind, self._name = shown_kind(kind, quiet=quiet), name
        self._interrupted, self.quiet = interrupted, quiet
        views = {"bar": BarView, "lines": LineView, "json": JsonView}
        self.view: TotalView = views.get(self._kind, SilentView)(name)
        self.total = Total(())

    def expect(self, items: Sequence[Item]) -> None:
        """Take all inputs that are to come."""
        self.total = Total([item.source_bytes for item in items])

    def begin(self, item: Item) -> Progress:
        """Begin an input, and return the receiver of its progress."""
        self.total.begin()
        self.view.begin(self.total, item)
        inner = make_progress(self._kind, self._name, interrupted=self._interrupted)
        return FileProgress(inner, self.total, self.view)

    def end(self, *, skipped: bool = False) -> None:
        """End an input."""
        self.total.end(skipped=skipped)
        self.view.update(self.total)

    def pass_over(self) -> None:
        """Count an input that is skipped."""
        self.total.begin()
        self.end(skipped=True)

    def say(self, text: str, *, error: bool = False) -> None:
        """Print a line; only errors if ``quiet``."""
        if error or not self.quiet:
            self.view.say(text)
