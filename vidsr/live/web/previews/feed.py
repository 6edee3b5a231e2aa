"""Newest picture of one stream, for all who look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vidsr.live.base.status import PicturePair, StreamsView, Watch
from vidsr.live.web.previews.variants import Variant

# A viewer that has taken nothing for so long costs nothing any more.
LINGER_S = 2.0
# A watch that brings nothing for so long is opened again: its stream may have been replaced.
RENEW_S = 3.0
Encode = Callable[[PicturePair, Variant], "asyncio.Future[bytes | None]"]


class Viewer:
    """Somebody who looks, from the first picture to the last.

    Attributes:
        news: Event that is set when one of the feeds has something new, or has ended.
        busy_since_s: When it began to take a picture, on the loop's clock; None while it waits.
    """

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.busy_since_s: float | None = None

    def looks(self, now_s: float) -> bool:
        """Return True unless the viewer is stuck."""
        return self.busy_since_s is None or now_s - self.busy_since_s < LINGER_S


@dataclass(frozen=True)
class _Coded:
    pair: PicturePair
    jpeg: asyncio.Future[bytes | None]


class Feed:
    """Newest picture of a stream, copied and coded only while a viewer looks.

    All calls come from the loop's thread.

    Args:
        name: The stream.
        view: The streams.
        encode: The function that begins to code a picture, elsewhere.
    """

    def __init__(self, name: str, view: StreamsView, encode: Encode) -> None:
        self.name = name
        self.ended = False
        self.pair: PicturePair | None = None
        self._view, self._encode = view, encode
        self._viewers: set[Viewer] = set()
        self._watch: Watch | None = None
        self._newest_s = 0.0
        self._coded: dict[Variant, _Coded] = {}

    def enter(self, viewer: Viewer) -> None:
        """Take a viewer."""
        self._viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Let a viewer go."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self.close()

    @property
    def is_watched(self) -> bool:
        """Return True if the stream makes copies for this feed."""
        return self._watch is not None

    def poll(self, now_s: float) -> None:
        """Look for a newer picture, and tell the viewers; copy nothing while nobody looks."""
        if not any(viewer.looks(now_s) for viewer in self._viewers):
            self.close()
            return
        if self._watch is None or now_s - self._newest_s > RENEW_S:
            self._begin(now_s)
        pair = self._watch.newest() if self._watch else None
        if pair is not None and pair is not self.pair:
            self.pair, self._newest_s = pair, now_s
            self._tell()

    def _begin(self, now_s: float) -> None:
        if self._watch is not None:
            self._watch.close()
        self._watch, self._newest_s = self._view.watch(self.name), now_s
        if self._watch is None:
            self.ended = True
            self._tell()

    def _tell(self) -> None:
        for viewer in self._viewers:
            viewer.news.set()

    async def jpeg(self, pair: PicturePair, variant: Variant) -> bytes | None:
        """Return a picture of the pair, which is coded once for all viewers."""
        known = self._coded.get(variant)
        if known is None or known.pair is not pair:
            known = self._coded[variant] = _Coded(pair, self._encode(pair, variant))
        # One viewer who goes does not end the work that others wait for.
        return await asyncio.shield(known.jpeg)

    def close(self) -> None:
        """End the copying, and let pictures go."""
        if self._watch is not None:
            self._watch.close()
        self._watch, self.pair = None, None
        self._coded.clear()


def fresh(feeds: Iterable[Feed], seen: dict[Feed, PicturePair]) -> list[Feed]:
    """Return the feeds whose newest pair is not the one that was seen last."""
    return [feed for feed in feeds if feed.pair is not None and feed.pair is not seen.get(feed)]
