"""Limits on the connections that FFmpeg has opened in this process, which it has no options for.

Without them small packets wait for the peer's answer to the last one, and a peer that is cut off
shows only when the kernel's buffers are full, which takes minutes at the rate of a small stream.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
from contextlib import suppress

UNHEARD_MS = 5000
SEND_BYTES = 512 << 10  # 20 Mbit/s at 200 ms there and back


def limit_sockets() -> int:
    """Set the limits on every connection of TCP of this process; return their number."""
    found = 0
    for descriptor in _sockets():
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as peer:
            if peer.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            if peer.type == socket.SOCK_STREAM:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
                if sys.platform == "linux":
                    timeout = socket.TCP_USER_TIMEOUT
                    peer.setsockopt(socket.IPPROTO_TCP, timeout, UNHEARD_MS)
                found += 1
    return found


def _sockets() -> list[int]:
    """Return the descriptors of this process that are sockets of any kind."""
    found = []
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # that of the folder itself is closed by now
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(int(name))
    return found
