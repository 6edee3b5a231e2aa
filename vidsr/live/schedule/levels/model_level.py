"""A level that is a model: sessions of one stream on the engines that all streams share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from vidsr.errors import MemoryLimitError
from vidsr.live.schedule.levels.blank import blank
from vidsr.live.schedule.levels.model_store import Lease
from vidsr.live.schedule.levels.together import upscale_batch
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling.format_run import FormatRun
from vidsr.upscaling.reuse.rule import OFF, Reuse
from vidsr.upscaling.session import Flow, Session

WARM_FRAMES = 3  # the first one plans memory and fills caches


class ModelLevel:
    """A model as one stream uses it.

    A network that keeps a state has one session, others one for each frame in work at once.

    Args:
        name: Name of the level.
        lease: Model, closed with the level.
        target: Function from a source's format to that of the frames that come out; a size that
            the model does not make is reached by a final Lanczos resize.
        side_by_side: Most frames at once.
        batches: True to upscale frames of several streams at once; None does so on GPUs. Cameras
            gain nothing by it on a CPU: 8.3 to 8.8 ms a frame of 320x180 in batches of 1 to 8.
        reuse: What is taken from one frame for the next; on a CPU only.
    """

    def __init__(
        self,
        name: str,
        lease: Lease,
        target: Callable[[VideoFormat], VideoFormat],
        side_by_side: int = 1,
        batches: bool | None = None,
        reuse: Reuse = OFF,
    ) -> None:
        self.name, self._lease, self._target = name, lease, target
        traits = lease.upscaler.engine.traits
        self._reuse = reuse
        self.reuses = reuse.mode != "off" and traits.device.type == "cpu" and not traits.stateful
        wanted = traits.device.type == "cuda" if batches is None else batches
        self._batches = wanted and not traits.stateful
        alone = traits.stateful or not traits.reentrant
        self.side_by_side = 1 if alone else side_by_side
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._source: VideoFormat | None = None
        self._together: FormatRun | None = None
        self._here = threading.local()
        self._closed = False

    def warm(self, source: VideoFormat) -> float:
        """Upscale grey frames; return the seconds of the fastest."""
        best_s = float("inf")
        for number in range(WARM_FRAMES):
            frame = blank(source, (1 + number) / (2 + WARM_FRAMES))  # nothing of it is reused
            began_s = time.monotonic()
            self.upscale(frame)
            best_s = min(best_s, time.monotonic() - began_s)
        if self._lease.upscaler.engine.traits.stateful:
            self.reset()  # else what reuse has learnt of a whole frame's time stays
        return best_s

    def upscale(self, frame: Frame) -> Frame:
        """Return the large frame, in memory of its own.

        Raises:
            VidsrError: The model, the device or the memory fails.
        """
        with self._session(frame.format) as session:
            large: Frame
            (large,) = session.push(frame)
            self._here.share = session.reused.last_share
            if not session.pool.on_gpu:
                return large
            # Lent by the device's ring, while streams hold frames for as long as they like.
            own = tuple(plane.clone() for plane in large.planes)
            large.release()
            return replace(large, planes=own, release=_nothing)

    @property
    def last_share(self) -> float:
        """Share of the pixels that was computed of the calling thread's last frame."""
        share: float = getattr(self._here, "share", 1.0)
        return share

    def changed_share(self, frame: Frame) -> float:
        """Return the share of the pixels that ``upscale`` would compute now; waits for nobody."""
        with self._lock:
            if frame.format != self._source or not self._idle:
                return 1.0
            session = self._idle.pop()
        with self._back(session, frame.format):
            return session.changed_share(frame)

    def reset(self) -> None:
        """Forget the frames before, as at a cut or after a reconnect."""
        with self._lock:
            for session in self._idle:
                session.reset()

    def batch_key(self, source: VideoFormat) -> Hashable:
        """Return what frames in one batch have in common: the model and both formats."""
        upscaler = self._lease.upscaler
        return (id(upscaler), source, self._target(source)) if self._batches else None

    def upscale_batch(self, frames: Sequence[Frame], size: int) -> list[Frame]:
        """Return the large frames, of ``size`` at once; one by one where there is no room."""
        pool, run = self._lease.upscaler.pool, self._run(frames[0].format)
        try:
            with pool.planner.admitted(run):
                return upscale_batch(pool, run, frames, size)
        except MemoryLimitError:
            return [self.upscale(frame) for frame in frames]

    def _run(self, source: VideoFormat) -> FormatRun:
        """Return the way of batches, whose plan of memory is kept."""
        with self._lock:
            if self._together is None or self._together.source != source:
                upscaler = self._lease.upscaler
                target = self._target(source)
                self._together = FormatRun(upscaler.pool, 0, source, target, upscaler.notes)
            return self._together

    def close(self) -> None:
        """Give the sessions and the model up."""
        with self._lock:
            self._closed = True
            sessions, self._idle = self._idle, []
        for session in sessions:
            session.close()
        self._lease.close()

    @contextmanager
    def _session(self, source: VideoFormat) -> Iterator[Session]:
        """Lend a session that no other thread uses."""
        session = self._take(source)
        with self._back(session, source):
            yield session

    @contextmanager
    def _back(self, session: Session, source: VideoFormat) -> Iterator[None]:
        """Put a session back where others find it, or close it after an error."""
        try:
            yield
        except BaseException:
            session.close()
            raise
        with self._lock:
            if not self._closed and source == self._source:
                self._idle.append(session)
                return
        session.close()

    def _take(self, source: VideoFormat) -> Session:
        with self._lock:
            old: list[Session] = []
            if source != self._source:
                old, self._idle, self._source = self._idle, [], source
            session = self._idle.pop() if self._idle else None
        for one in old:
            one.close()
        if session is not None:
            return session
        flow = Flow(self._target(source), held=1, latency=0)
        return Session(self._lease.upscaler.pool, flow, reuse=self._reuse)


def _nothing() -> None:
    pass
