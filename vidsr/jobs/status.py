"""The state of a shared job, seen from its folder alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from vidsr.jobs.orders import Order
from vidsr.option_values import in_words
from vidsr.video.folders.opening import open_folder
from vidsr.video.pieces.job_folder import JobFolder


@dataclass(frozen=True)
class Worker:
    """A piece that is being made: by whom, and how long ago that was renewed, in seconds."""

    piece: int
    host: str
    process: int
    renewed_s: float
    stale: bool


@dataclass(frozen=True)
class Status:
    """A job at one moment.

    Args:
        folder: Its folder.
        source: The name of its source.
        target: The name of its target.
        pieces: How many pieces it has.
        done: How many are finished.
        frames: Frames of these.
        data_bytes: Bytes of these.
        workers: Pieces that are being made.
        left_s: Seconds that the missing pieces take with as many workers; None without a measure.
        size_bytes: Bytes of all pieces in the end, about; None without a measure.
    """

    folder: str
    source: str
    target: str
    pieces: int
    done: int
    frames: int
    data_bytes: int
    workers: tuple[Worker, ...]
    left_s: float | None
    size_bytes: int | None

    @classmethod
    def of(cls, order: Order) -> Status:
        """Return the state of the job of an order."""
        folder = JobFolder(None, open_folder(order.folder))
        heads, workers = folder.heads(), _workers(folder)
        busy = max(1, sum(not worker.stale for worker in workers))
        sized = [head for head in heads if head.frames]
        missing = order.pieces - len(heads)
        mean_s = sum(head.elapsed_s for head in sized) / len(sized) if sized else None
        data = sum(head.data_bytes for head in heads)
        return cls(
            folder=str(order.folder),
            source=str(order.spec.source),
            target=str(order.spec.target),
            pieces=order.pieces,
            done=len(heads),
            frames=sum(head.frames for head in heads),
            data_bytes=data,
            workers=workers,
            left_s=None if mean_s is None else missing * mean_s / busy,
            size_bytes=data * order.pieces // len(heads) if heads else None,
        )

    def to_json(self) -> str:
        """Return the state as a JSON object."""
        return json.dumps(asdict(self), indent=2, allow_nan=False)

    def lines(self) -> list[str]:
        """Return the state for people."""
        left = "" if self.left_s is None else f", about {in_words(self.left_s)} left"
        size = (
            ""
            if self.size_bytes is None
            else f", about {self.size_bytes / 1e6:.1f} MB of video in all"
        )
        first = f"{self.done} of {self.pieces} pieces, {self.frames} frames{left}{size}"
        return [
            f"{self.source} to {self.target}",
            first if self.done < self.pieces else f"{first}: ready for vidsr-job join",
            *(
                f"piece {w.piece}: {w.host}, process {w.process}"
                + (f", silent for {w.renewed_s:.0f} s" if w.stale else "")
                for w in self.workers
            ),
        ]


def _workers(folder: JobFolder) -> tuple[Worker, ...]:
    return tuple(
        Worker(int(one.stem), one.holder.host, one.holder.process, one.renewed_s, one.stale)
        for one in folder.leases()
    )
