"""Handler of HLS files: playlists and segments that the streams' own sinks write."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from aiohttp import web

from vidsr.live.base.status import StreamsView
from vidsr.live.web.labels import sink_labels

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
}
# One name without a slash, and none that begins with a dot: no way leads out of the folder.
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.(?:m3u8|ts|m4s|mp4)")


class HlsFiles:
    """Handler of HLS files.

    Args:
        view: The streams, whose sinks name their folders.
    """

    def __init__(self, view: StreamsView) -> None:
        self._view = view

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file of a sink's folder."""
        folder = self._folder(request.match_info["name"], request.match_info["sink"])
        name = request.match_info["file"]
        if folder is None or not _FILE.fullmatch(name) or not _is_plain(folder / name):
            raise web.HTTPNotFound(text="no such file\n")
        path = folder / name
        return web.FileResponse(path, headers={"Content-Type": CONTENT_TYPES[path.suffix]})

    def _folder(self, name: str, wanted: str) -> Path | None:
        stream = self._view.status(name)
        sinks = () if stream is None else stream.sinks
        labels = sink_labels(sinks)
        return next(
            (one.folder for one, label in zip(sinks, labels, strict=True) if label == wanted), None
        )


def _is_plain(path: Path) -> bool:
    """Return True for a file that is no link and nothing special."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
