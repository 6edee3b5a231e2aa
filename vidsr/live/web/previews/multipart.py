"""Answers that never end: pictures as parts, each taking the place of the one before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

from aiohttp import web

BOUNDARY = "vidsr-picture"
CONTENT_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
# What the system may hold for a viewer: about one picture. It would else take seconds of them.
_SEND_BUFFER = 64 * 1024
_UNSENT = 16 * 1024
STUCK_S = 20.0


def part(jpeg: bytes, labels: Mapping[str, str]) -> bytes:
    """Return a picture as a part, with labels in headers ``X-Vidsr-…``."""
    lines = [f"--{BOUNDARY}", "Content-Type: image/jpeg", f"Content-Length: {len(jpeg)}"]
    lines += [f"X-Vidsr-{name}: {quote(value, safe='')}" for name, value in labels.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + jpeg + b"\r\n"


class Parts:
    """Answer in parts, written one after the other by a single task.

    Args:
        request: What is answered.
        stuck_s: Seconds in which a part has to be taken.
    """

    def __init__(self, request: web.Request, stuck_s: float) -> None:
        self._request = request
        self._stuck_s = stuck_s
        self._response = web.StreamResponse(
            headers={"Content-Type": CONTENT_TYPE, "X-Accel-Buffering": "no"}
        )

    async def begin(self) -> web.StreamResponse:
        """Send the headers, and keep buffers small from now on."""
        transport = self._request.transport
        if transport is not None:
            transport.set_write_buffer_limits(high=0)
            _keep_small(transport.get_extra_info("socket"))
        await self._response.prepare(self._request)
        return self._response

    async def write(self, data: bytes) -> bool:
        """Send a part; return False once the viewer has gone, or has taken nothing for too long."""
        try:
            async with asyncio.timeout(self._stuck_s):
                await self._response.write(data)
                await self._request.writer.drain()
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            return False
        except ConnectionError:
            return False
        return True


def _keep_small(connection: socket.socket | None) -> None:
    if connection is None:
        return
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    with suppress(OSError, AttributeError):  # Linux and macOS
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
