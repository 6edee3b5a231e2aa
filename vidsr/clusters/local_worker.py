"""The program of a worker on this machine."""

from __future__ import annotations

import threading

from vidsr.clusters.messages import Event, WorkOrder
from vidsr.clusters.piece_worker import PieceWorker
from vidsr.clusters.wire import argument, open_wire
from vidsr.terminal.lifeline import end_with_parent

EVERY_S = 0.25  # between two events of frames


def main() -> None:
    """Make the pieces that come in, one after the other, until the other end closes."""
    # The end of the pipe is seen within a moment too, but till then nobody could go on.
    end_with_parent()
    wire = open_wire()
    worker = PieceWorker(WorkOrder.from_json(argument()))
    over = threading.Event()

    def count() -> None:
        while not over.wait(EVERY_S):
            if (frames := worker.frames()).piece >= 0:
                wire.tell(frames)

    threading.Thread(target=count, name="vidsr-count", daemon=True).start()
    wire.tell(Event("room", count=1))
    while (given := wire.given.get()) is not None:
        wire.tell(worker.make(given))
    over.set()
    worker.close()


if __name__ == "__main__":
    main()
