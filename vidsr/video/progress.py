"""The protocol of what a run reports to while it goes on."""

from __future__ import annotations

from typing import Protocol

from vidsr.video.info import SourceInfo


class Progress(Protocol):
    """A receiver of progress; see ``vidsr.terminal.progress_bar.ProgressBar``."""

    def start(self, info: SourceInfo) -> None: ...
    def frame(self, done: int, output_bytes: int) -> None: ...
    def close(self) -> None: ...
