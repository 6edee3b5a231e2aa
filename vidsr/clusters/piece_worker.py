"""A worker of a job in a process of its own: opened once, it makes the pieces that it is given."""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from vidsr.clusters.messages import Assignment, Event, WorkOrder
from vidsr.engines.devices import resolve_devices
from vidsr.errors import OutputError, VidsrError
from vidsr.jobs.maker import PieceMaker
from vidsr.jobs.orders import Order
from vidsr.jobs.shared_job import open_order
from vidsr.notes import Notes
from vidsr.option_values import parse_bytes
from vidsr.run.options import RunOptions
from vidsr.upscaling.memory_plan import default_limit
from vidsr.video.info import SourceInfo


class Cancelled(BaseException):
    """The end of a piece that nobody needs any more."""


class Doubts(Notes):
    """A collection of doubts and losses, which are told elsewhere."""

    def _record(self, text: str, level: int) -> None:
        if level >= logging.WARNING:
            self.remember(text)


class Count:
    """A receiver of progress that counts, and ends the piece once it is cancelled."""

    def __init__(self) -> None:
        self.frames, self._over = 0, threading.Event()

    def start(self, info: SourceInfo) -> None:
        """Do nothing."""

    def frame(self, done: int, output_bytes: int) -> None:
        """Count a frame. Raises Cancelled."""
        if self._over.is_set():
            raise Cancelled
        self.frames = done

    def cancel(self) -> None:
        """End the piece at its next frame. Thread-safe."""
        self._over.set()

    def close(self) -> None:
        """Do nothing."""


class PieceWorker:
    """A maker of pieces that opens the job, and loads its model, with the first one.

    ``make`` is one thread's; the other methods may be called meanwhile.
    """

    def __init__(self, order: WorkOrder) -> None:
        self._order, self._count, self._piece = order, Count(), -1
        self._notes = Doubts()
        self._opened = ExitStack()
        self._maker: PieceMaker | None = None
        self.name = f"{socket.gethostname()}, process {os.getpid()}"

    def make(self, given: Assignment) -> Event:
        """Make a piece and return what came of it. Raises Cancelled."""
        self._piece, self._count.frames = given.piece, 0
        try:
            maker = self._maker or self._open()
            frames = maker.make(given.piece, anyway=given.anyway, progress=self._count)
        except VidsrError as error:
            self._shut()
            return Event.of_error("failed", error, given.piece, self.name)
        except BaseException:
            self._shut()
            raise
        finally:
            self._piece = -1
        if frames is None:
            return Event("held", given.piece, by=self.name)
        return Event("made", given.piece, frames, self.name, notes=self._notes.said)

    def ready(self) -> str:
        """Return host and process, which shows that they live."""
        return self.name

    def frames(self) -> Event:
        """Return how many frames of the piece are done that is being made."""
        return Event("frames", self._piece, self._count.frames)

    def cancel(self) -> None:
        """End the piece that is being made at its next frame."""
        self._count.cancel()

    def close(self) -> None:
        """Close the job. May be called twice."""
        self.cancel()
        self._shut()

    def _open(self) -> PieceMaker:
        folder = Path(self._order.folder)
        if not folder.is_dir():
            raise OutputError(
                f"{folder}: there is no such folder here",
                hint="all workers need source and target under the same names, over NFS for one.",
            )
        if self._order.threads is not None:
            torch.set_num_threads(self._order.threads)
        order = Order.read(folder).of_device(self._order.device)
        options = _sharing(order.spec.options, self._order.share)
        order = replace(order, spec=replace(order.spec, options=options))
        shared = self._opened.enter_context(open_order(order, self._notes, alone=False))
        self._maker = self._opened.enter_context(PieceMaker(shared, self._notes))
        return self._maker

    def _shut(self) -> None:
        self._maker = None
        self._opened.close()


def _sharing(options: RunOptions, share: float) -> RunOptions:
    """Return the options of one of several workers on a device: with its part of the memory."""
    if share >= 1:
        return options
    given = options.max_memory
    device = resolve_devices(options.device)[0]
    limit = default_limit(device) if given is None else parse_bytes(str(given))
    return replace(options, max_memory=max(1, int(limit * share)))
