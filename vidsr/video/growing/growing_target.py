"""A target that is joined in a thread of its own, from pieces that the run has just finished.

The working file is what can be watched. Matroska and transport streams grow into the very target
that joining in the end would make. MP4 and QuickTime keep their tables at the end, where nobody can
read them meanwhile: they grow in fragments, and are joined as usual when all pieces are there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from av.container import OutputContainer

from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.video.growing.ready_pieces import GivenUp, ReadyPieces
from vidsr.video.header import StreamHeader
from vidsr.video.items import Packet
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.joining import JoinSink, Moved, join
from vidsr.video.sink.base import Written
from vidsr.video.sink.output_plan import OutputPlan

FRAGMENTED = ("mp4", "mov")
FLAGS = "frag_keyframe+empty_moov+default_base_moof"


class GrowingSink(JoinSink):
    """The sink of a file that others read meanwhile: what is muxed is on disk at once."""

    def _create(self, options: dict[str, str]) -> OutputContainer:
        options = options | {"flush_packets": "1"}
        if self.plan.target.container in FRAGMENTED:
            flags = (options.get("movflags"), FLAGS)
            options["movflags"] = "+".join(filter(None, flags))
        return super()._create(options)


class GrowingTarget:
    """A target while it grows.

    Whatever goes wrong with it is no reason to lose the run: it is said, and the target is joined
    in the end.

    Args:
        plan: The target.
        header: The source's header.
        notes: What collects losses.
        pieces: The pieces as they are finished.
        folder: Where they lie.
        others: A function that reads the source's other streams from the beginning.
    """

    def __init__(
        self,
        plan: OutputPlan,
        header: StreamHeader,
        notes: Notes,
        pieces: ReadyPieces,
        folder: JobFolder,
        others: Callable[[], Iterable[Packet]],
    ) -> None:
        self._plan, self._header, self._notes = plan, header, notes
        self._pieces, self._folder, self._others = pieces, folder, others
        self._written: Written | None = None
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="vidsr-growing", daemon=True)
        self._thread.start()

    def put(self, piece: int) -> None:
        """Join a piece that has just been finished."""
        self._pieces.put(piece)

    def finish(self) -> Written | None:
        """Put the target in its place and return what was written; None if it is to be joined.

        Raises OutputError where it cannot be put there.
        """
        if self._plan.target.container in FRAGMENTED:
            self._pieces.give_up()  # the fragments have been watched
        self._pieces.end()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._written

    def abort(self) -> None:
        """Give the target up. May be called twice, and after ``finish``."""
        self._pieces.give_up()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._grow():
                pass
        except GivenUp:
            pass
        except Exception as error:
            self._notes.say(f"the target cannot be watched before the end: {error}")

    def _grow(self) -> bool:
        """Return False where the target has to begin anew."""
        with self._open() as sink, _closing(self._others()) as others:
            try:
                join(sink, self._pieces, others, growing=True)
            except Moved:
                return False
            self._put_in_place(sink)
        return True

    def _put_in_place(self, sink: GrowingSink) -> None:
        try:
            self._written = sink.finish()
        except OutputError as error:
            self._failure = error

    @contextmanager
    def _open(self) -> Iterator[GrowingSink]:
        """Yield the sink; what it has written goes unless it was finished."""
        sink = GrowingSink(self._plan, self._header, self._notes, self._folder)
        try:
            yield sink
        finally:
            if self._written is None:
                sink.abort()


@contextmanager
def _closing(packets: Iterable[Packet]) -> Iterator[Iterable[Packet]]:
    """Yield packets; the source that they come from is closed at once."""
    try:
        yield packets
    finally:
        if isinstance(packets, Iterator) and (close := getattr(packets, "close", None)):
            close()


def grower(
    folder: JobFolder, others: Callable[[], Iterable[Packet]]
) -> Callable[[OutputPlan, StreamHeader, Notes, Collection[int]], GrowingTarget]:
    """Return what begins the growing target of a run, given the pieces that are done."""

    def begin(
        plan: OutputPlan, header: StreamHeader, notes: Notes, done: Collection[int]
    ) -> GrowingTarget:
        return GrowingTarget(plan, header, notes, ReadyPieces(folder, done), folder, others)

    return begin
