"""PyAV as a sender of numbered pictures to any address, and bytes for pipes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.process import Server, running

PROGRAM = [sys.executable, "-m", "tests.servers.sending_program"]


def sending_command(url: str, **options: Any) -> list[str]:
    """Return the command of a sender; ``pipe:1`` is its standard output, with ``format``.

    Args:
        url: ``rtmp:``, ``rtsp:``, ``udp:``, ``tcp:`` (with ``?listen=1`` to be called) or a path.
        options: Those of ``sending_program`` with ``_`` for ``-``: ``codec``, ``sound``, ``size``
            and ``then_size`` ("160x96"), ``rate``, ``gop``, ``frames``, ``first``, ``change_at``,
            ``stamps``, ``format``; ``pace=False`` sends as fast as is taken.
    """
    command = [*PROGRAM, url]
    if not options.pop("pace", True):
        command.append("--no-pace")
    return command + [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]


@contextlib.contextmanager
def sender(url: str, **options: Any) -> Iterator[Server]:
    """Send numbered pictures until all are sent or the test leaves."""
    with running(Server(sending_command(url, **options), url=url)) as server:
        yield server


def write_clip(path: Path, **options: Any) -> Path:
    """Write numbered pictures into a file, in the container of its suffix."""
    import subprocess

    formats = {".ts": "mpegts", ".nut": "nut", ".y4m": "yuv4mpegpipe", ".mp4": "mp4"}
    options = {"format": formats[path.suffix], "pace": False, "frames": 50, **options}
    subprocess.run(sending_command(str(path), **options), check=True, timeout=60)
    return path
