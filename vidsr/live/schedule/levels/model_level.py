"""A level that is a model: sessions of one stream on the engines that all streams share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from vidsr.live.schedule.levels.blank import blank
from vidsr.live.schedule.levels.model_store import Lease
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling.session import Session

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
    """

    def __init__(
        self,
        name: str,
        lease: Lease,
        target: Callable[[VideoFormat], VideoFormat],
        side_by_side: int = 1,
    ) -> None:
        self.name, self._lease, self._target = name, lease, target
        traits = lease.upscaler.engine.traits
        alone = traits.stateful or not traits.reentrant
        self.side_by_side = 1 if alone else side_by_side
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._source: VideoFormat | None = None
        self._closed = False

    def warm(self, source: VideoFormat) -> float:
        """Upscale grey frames; return the seconds of the fastest."""
        frame, best_s = blank(source), float("inf")
        for _ in range(WARM_FRAMES):
            began_s = time.monotonic()
            self.upscale(frame)
            best_s = min(best_s, time.monotonic() - began_s)
        self.reset()
        return best_s

    def upscale(self, frame: Frame) -> Frame:
        """Return the large frame, in memory of its own.

        Raises:
            VidsrError: The model, the device or the memory fails.
        """
        with self._session(frame.format) as session:
            large: Frame
            (large,) = session.push(frame)
            if not session.pool.on_gpu:
                return large
            # Lent by the device's ring, while streams hold frames for as long as they like.
            own = tuple(plane.clone() for plane in large.planes)
            large.release()
            return replace(large, planes=own, release=_nothing)

    def reset(self) -> None:
        """Forget the frames before, as at a cut or after a reconnect."""
        with self._lock:
            for session in self._idle:
                session.reset()

    def batch_key(self, source: VideoFormat) -> Hashable:
        """Return None: frames are upscaled one by one."""
        return None

    def upscale_batch(self, frames: Sequence[Frame], size: int) -> list[Frame]:
        """Upscale frames one by one."""
        return [self.upscale(frame) for frame in frames]

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
        try:
            yield session
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
        return session or self._lease.upscaler.session(self._target(source), held=1, latency=0)


def _nothing() -> None:
    pass
