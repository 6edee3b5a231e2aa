"""Peers of live streams that are killed, stopped and started again, for the benchmarks of it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import av

from tests.makers.counter import Stamps, read
from tests.servers.faults import black_hole, garbage, refused_port
from tests.servers.process import Server, free_port
from tests.servers.relays import rtmp_server, srt_camera, srt_relay
from tests.servers.rtsp import rtsp_camera, rtsp_recorder
from tests.servers.senders import sender

SIZE = (160, 96)
INTERVAL_S = 0.04
End = Literal["source", "sink"]
Fault = Literal["killed", "stopped", "refused", "black hole", "garbage"]


@dataclass(frozen=True)
class Route:
    """A stream's source and sink, and the peers behind each.

    Args:
        source: The source's address.
        sink: The sink's address.
        peers: What is killed at either end, in the order in which it is started again.
        settings: Options of the stream.
        arrived: Function that tells how much has come behind the sink's peer; None where nobody
            looks there, and the sink's own count is taken.
    """

    source: str
    sink: str
    peers: dict[End, Sequence[Server]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    arrived: Callable[[], int] | None = None


@contextlib.contextmanager
def counted(port: int) -> Iterator[Callable[[], int]]:
    """Yield a function that tells how many datagrams have come to a port."""
    with socket.socket(type=socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", port))
        bound.setblocking(False)
        count = 0

        def come() -> int:
            nonlocal count
            with contextlib.suppress(BlockingIOError):
                while bound.recv(65536):
                    count += 1
            return count

        yield come


def _rtsp(transport: str) -> Callable[[], contextlib.AbstractContextManager[Route]]:
    @contextlib.contextmanager
    def route() -> Iterator[Route]:
        with (
            rtsp_camera(size=SIZE) as camera,
            rtsp_recorder() as (recorder, forward),
            counted(int(forward.rpartition(":")[2])) as arrived,
        ):
            peers: dict[End, Sequence[Server]] = {"source": [camera], "sink": [recorder]}
            yield Route(camera.url, recorder.url, peers, {"transport": transport}, arrived)

    return route


@contextlib.contextmanager
def _rtmp() -> Iterator[Route]:
    with rtmp_server() as source, sender(source.rtmp) as camera, rtmp_server() as target:
        peers: dict[End, Sequence[Server]] = {"source": [camera], "sink": [target.server]}
        yield Route(source.rtmp, target.rtmp, peers)


@contextlib.contextmanager
def _srt() -> Iterator[Route]:
    port, out = free_port(), free_port()
    listener = f"srt://127.0.0.1:{port}?mode=listener&latency=60"
    with (
        srt_camera() as (camera, feed),
        sender(feed),
        srt_relay(listener, f"udp://127.0.0.1:{out}", wait_port=port) as relay,
        counted(out) as arrived,
    ):
        peers: dict[End, Sequence[Server]] = {"source": [camera], "sink": [relay]}
        source, sink = f"{camera.url}?latency=60", f"srt://127.0.0.1:{port}?latency=60"
        yield Route(source, sink, peers, arrived=arrived)


@contextlib.contextmanager
def _udp() -> Iterator[Route]:
    with udp_camera() as (url, camera):
        yield Route(url, f"udp://127.0.0.1:{free_port()}", {"source": [camera]})


@contextlib.contextmanager
def udp_camera(stamps: Path | None = None) -> Iterator[tuple[str, Server]]:
    """Yield the address of a camera that sends by UDP, and its process."""
    url = f"udp://127.0.0.1:{free_port()}"
    options = {"stamps": stamps} if stamps else {}
    with sender(f"{url}?pkt_size=1316", **options) as camera:
        yield url, camera


ROUTES: dict[str, Callable[[], contextlib.AbstractContextManager[Route]]] = {
    "rtsp": _rtsp("tcp"),
    "rtsp over udp": _rtsp("udp"),
    "rtmp": _rtmp,
    "srt": _srt,
    "udp": _udp,
}
# Kinds for which nobody, a peer that never answers and one that sends noise are peers.
CONNECTING = {"rtsp": "rtsp://127.0.0.1:{}/cam", "rtmp": "rtmp://127.0.0.1:{}/live/cam"}
CONNECTING |= {"tcp": "tcp://127.0.0.1:{}"}


@contextlib.contextmanager
def harmful(kind: str, end: End, fault: Fault) -> Iterator[Route]:
    """Yield a route one of whose ends never works."""
    with contextlib.ExitStack() as owned:
        if fault == "refused":
            port = refused_port()
        else:
            port = owned.enter_context(black_hole() if fault == "black hole" else garbage())
        address = CONNECTING[kind].format(port)
        if end == "source":
            yield Route(address, f"udp://127.0.0.1:{free_port()}")
        else:
            url, _ = owned.enter_context(udp_camera())
            yield Route(url, address)


_CONTROL = """
import time, sys
longest = 0.0
last = time.monotonic()
while True:
    time.sleep(0.005)
    now = time.monotonic()
    if now - last > 0.02:
        print(now, now - last, flush=True)
    last = now
"""


class Machine:
    """A process that ticks and does nothing else: what it misses is the machine's doing."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "machine").open("w+")
        self._process = subprocess.Popen([sys.executable, "-c", _CONTROL], stdout=self._file)

    def longest_ms(self, since_s: float) -> float:
        """Return the longest time between two ticks since a moment of the monotonic clock."""
        self._file.seek(0)
        rows = [line.split() for line in self._file.read().splitlines()]
        found = [float(row[1]) for row in rows if len(row) == 2 and float(row[0]) >= since_s]
        return round(1e3 * max(found, default=0.02), 1)

    def close(self) -> None:
        """End."""
        self._process.kill()
        self._process.wait()
        self._file.close()


class Gaps:
    """Times between the pictures that a stream has shown: its ``on_frame``.

    What the sender was late by is taken off: its process is held up by the machine as well.

    Args:
        sent: The moments at which the sender encoded its pictures.
    """

    def __init__(self, sent: Stamps) -> None:
        self.count = 0
        self._sent = sent
        self._last: tuple[float, float] | None = None
        self._longest_s = 0.0

    def __call__(self, image: av.VideoFrame) -> None:
        now_s = time.monotonic()
        number = read(image.to_ndarray(format="gray"), image.width // SIZE[0])
        if number is None:
            return
        sent_s = self._sent.at(number)
        if self._last is not None:
            late_s = max(0.0, sent_s - self._last[1] - INTERVAL_S)
            self._longest_s = max(self._longest_s, now_s - self._last[0] - late_s)
        self._last = now_s, sent_s
        self.count += 1

    def take_ms(self) -> float:
        """Return the longest time between two pictures since the last call, and begin anew."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return round(1e3 * longest_s, 1)
