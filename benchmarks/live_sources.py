#!/usr/bin/env python3
"""Measure live sources on loopback: first frame, its age, latency, and return after a restart.

``python -m benchmarks.live_sources [KIND ...]``, from the root of the repository; the servers are
those of the tests (``tools/install_servers.sh``). Latency is from the moment at which a picture is
given to its encoder until its frame is handed on; what the machine does besides is in it.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from tests.live.sources.receiving import Recorder, receiving
from tests.makers.counter import Stamps
from tests.servers.process import Server, free_port
from tests.servers.relays import rtmp_server, srt_camera
from tests.servers.rtsp import rtsp_camera
from tests.servers.senders import sender
from vidsr.live.base.options import SourceOptions

FRAMES = 75
START_FRAMES = 15  # after which latency is that of the steady stream
AWAY_S = 2.0


@dataclass(frozen=True)
class Peer:
    """A source's address, and what is killed and started again behind it."""

    url: str
    servers: tuple[Server, ...]
    options: SourceOptions


@contextlib.contextmanager
def peer(kind: str, stamps: Path) -> Iterator[Peer]:
    """Start the peer of a kind."""
    options, port = SourceOptions(), free_port()
    with contextlib.ExitStack() as owned:
        start = owned.enter_context
        if kind.startswith("rtsp"):
            options = SourceOptions(transport="udp" if kind.endswith("udp") else "tcp")
            codec, _, _ = kind.removeprefix("rtsp-").partition("-")
            camera = start(rtsp_camera(codec=codec, stamps=stamps))  # type: ignore[arg-type]
            yield Peer(camera.url, (camera,), options)
        elif kind in ("rtmp", "rtmp-sound", "hls"):
            nginx = start(rtmp_server())
            sound = "aac" if kind == "rtmp-sound" else "none"
            pushing = start(sender(nginx.rtmp, stamps=stamps, sound=sound))
            time.sleep(4)
            url = nginx.hls if kind == "hls" else nginx.rtmp
            yield Peer(url, (nginx.server, pushing), options)
        elif kind.startswith("srt"):
            secret = "&passphrase=correct-horse" if kind.endswith("secret") else ""
            relay, feed = start(srt_camera(query=secret))
            start(sender(feed, stamps=stamps))
            time.sleep(2)
            yield Peer(f"{relay.url}?latency=60000{secret}", (relay,), options)
        else:
            url = f"{kind}://127.0.0.1:{port}"
            query = "?listen=1" if kind == "tcp" else "?pkt_size=1316"
            sending = start(sender(url + query, stamps=stamps))
            time.sleep(2)
            yield Peer(url, (sending,), options)


KINDS = (
    *("rtsp-h264-tcp", "rtsp-h264-udp", "rtsp-h265-tcp", "rtsp-mjpeg-tcp", "rtmp", "rtmp-sound"),
    *("udp", "tcp", "srt", "srt-secret", "hls"),
)


def back_s(recorder: Recorder, servers: tuple[Server, ...]) -> float:
    """Return the time from a peer's return until a frame of it, in seconds.

    Of senders the start of the program is in it, a second.
    """
    for server in servers:
        server.kill()
    time.sleep(AWAY_S)
    for server in servers:
        server.start()
    began_s = time.monotonic()
    recorder.wait(lambda: recorder.frames[-1].at_s > began_s, 20)
    return recorder.frames[-1].at_s - began_s


def measure(kind: str) -> str:
    """Return a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stamps")
        with peer(kind, path) as there, receiving(there.url, there.options) as recorder:
            recorder.wait_frames(FRAMES, 30)
            stamps, first = Stamps(path), recorder.frames[0]
            ages_ms = [1e3 * (f.at_s - stamps.at(f.number or 0)) for f in recorder.frames]
            cuts = quantiles(ages_ms[START_FRAMES:], n=100)
            row = f"| {kind} | {first.at_s - recorder.began_s:.2f} | {ages_ms[0]:.0f} "
            row += "".join(f"| {cuts[percent - 1]:.1f} " for percent in (50, 95, 99))
            return row + f"| {back_s(recorder, there.servers):.2f} | {dict(recorder.dropped)} |"


def main() -> None:
    """Print the table of the kinds that are asked for."""
    print("| source | first frame s | its age ms | p50 ms | p95 ms | p99 ms | back s | dropped |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in sys.argv[1:] or KINDS:
        print(measure(kind), flush=True)


if __name__ == "__main__":
    main()
