"""A progress line on a terminal: frames, fps, speed against realtime, time left, output size."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Never

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from vidsr.video.info import SourceInfo

_FORMAT = (
    "{desc} {percentage:3.0f}% {bar} {n_fmt}/{total_fmt} frames {rate_fmt} "
    "[{elapsed}<{remaining}]{postfix}"
)


class ProgressBar:
    """A receiver of progress that draws on stderr if that is a terminal, or ``always``.

    Every frame raises KeyboardInterrupt once ``interrupted`` is true.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        always: bool = False,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.quiet, self._always, self._interrupted = quiet, always, interrupted
        self._bar: tqdm[Never] | None = None
        self._redirection = ExitStack()

    def start(self, info: SourceInfo) -> None:
        self._begin, self._rate = time.perf_counter(), float(info.rate)
        self._bar = tqdm(
            total=info.frames,
            desc="vidsr",
            unit="frame",
            unit_scale=False,
            bar_format=_FORMAT if info.frames else None,
            disable=True if self.quiet else False if self._always else None,  # None: if a terminal
            dynamic_ncols=True,
            leave=False,
        )
        if not self._bar.disable:  # notes go above the bar, not into it
            self._redirection.enter_context(logging_redirect_tqdm())

    def frame(self, done: int, output_bytes: int) -> None:
        assert self._bar is not None
        if self._interrupted():
            raise KeyboardInterrupt
        if self._bar.total is not None and done > self._bar.total:
            self._bar.total = done
        video_s, elapsed_s = done / self._rate, time.perf_counter() - self._begin
        speed = video_s / elapsed_s if elapsed_s else 0.0
        self._bar.set_postfix_str(f"{speed:.2f}x, {output_bytes / 1e6:.1f} MB", refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._redirection.close()
