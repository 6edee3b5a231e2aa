"""Sixteen cameras in one process of vidsr-live: what each of them gets, and the memory of all.

    python benchmarks/live_cameras.py --seconds 20 --json benchmarks/results/live-cameras.json

One process sends all cameras by UDP, out of step with each other. Counted is within one window,
which begins when all of them run and their models have been warmed: the share of its frames that
each camera was shown, and the time of the workers that it got. With ``drop`` every frame shown is
of the full level, and there is too little time for all of them; with ``ladder`` frames go down
instead.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

import av  # noqa: E402
import numpy as np  # noqa: E402
from live_process import Ticks, footprint, grown, peak_rss_mib  # noqa: E402

from tests.servers.process import free_port  # noqa: E402
from vidsr.bench.machine import others_now, this_host  # noqa: E402
from vidsr.live.base.options import Late  # noqa: E402

RUNS_WITHIN_S = 90.0
SETTLES_S = 5.0
BAR_SPREAD, BAR_RSS_MIB = 1.10, 1536.0
X264 = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1", "crf": "30"}
OPTIONS = {"flush_packets": "1", "omit_video_pes_length": "0"}


def send(ports: Sequence[int], size: tuple[int, int], rate: int) -> None:
    """Send a moving picture to every port, until killed."""
    width, height = size
    noise = np.random.default_rng(0).integers(60, 200, (height * 3 // 2, 2 * width), np.uint8)
    outputs = []
    for port in ports:
        url = f"udp://127.0.0.1:{port}?pkt_size=1316"
        output = av.open(url, "w", format="mpegts", options=OPTIONS)
        stream: Any = output.add_stream("libx264", rate=rate, options=dict(X264))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = (
            width,
            height,
            "yuv420p",
            rate,
        )
        outputs.append((output, stream))
    began_s = time.monotonic()
    for number in itertools.count():
        turn, camera = divmod(number, len(outputs))
        time.sleep(max(0.0, began_s + number / rate / len(outputs) - time.monotonic()))
        output, stream = outputs[camera]
        at = 2 * turn % width
        picture = np.ascontiguousarray(noise[:, at : at + width])
        image = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        image.pts, image.time_base = turn, Fraction(1, rate)
        output.mux(stream.encode(image))


@dataclass(frozen=True)
class Share:
    """What one camera got within the window."""

    name: str
    received: int
    shown: dict[str, int]
    dropped: dict[str, int]

    @property
    def part(self) -> float:
        """The share of its frames that were shown."""
        return sum(self.shown.values()) / max(1, self.received)


def config_of(ports: Sequence[int], arguments: argparse.Namespace, late: Late) -> Any:
    """Return the streams as a configuration has them; each sends to a port without a reader."""
    from vidsr.live.base.options import ServiceOptions, StreamOptions
    from vidsr.live.base.records import stream_options
    from vidsr.live.service.spec import Config, StreamSpec

    settings = {"model": arguments.model, "late": late, "reuse": "off"}
    options = stream_options(StreamOptions(), settings)
    streams = []
    for index, port in enumerate(ports):
        sinks = (f"udp://127.0.0.1:{free_port()}",)
        streams.append(StreamSpec(f"camera-{index}", f"udp://127.0.0.1:{port}", sinks, options))
    return Config(ServiceOptions(device="cpu"), tuple(streams))


def await_running(service: Any) -> None:
    """Wait until every stream has shown frames. Raises TimeoutError."""
    ends_s = time.monotonic() + RUNS_WITHIN_S
    while not all(status.tally.shown for status in service.statuses()):
        if time.monotonic() > ends_s:
            raise TimeoutError("expected every camera to be shown")
        time.sleep(0.1)
    time.sleep(SETTLES_S)


def share_of(before: Any, after: Any) -> Share:
    """Return what a stream got between two snapshots."""
    was, now = before.tally, after.tally
    dropped: Mapping[str, int] = now.dropped
    return Share(
        name=after.name,
        received=now.received - was.received,
        shown=grown(now.shown, was.shown),
        dropped=grown(dropped, was.dropped),
    )


def measure(arguments: argparse.Namespace, late: Late) -> dict[str, Any]:
    """Return what every camera got, and what the process cost."""
    from vidsr.live.service.service import Service

    ports = [free_port() for _ in range(arguments.cameras)]
    command = [sys.executable, __file__, "--send", *map(str, ports), "--rate", str(arguments.rate)]
    sender = subprocess.Popen([*command, "--size", *map(str, arguments.size)], cwd=ROOT)
    try:
        with Service(config_of(ports, arguments, late)) as service:
            await_running(service)
            ticks, before, device = Ticks(), service.statuses(), service.service().devices[0]
            began_s = time.monotonic()
            time.sleep(arguments.seconds)
            after, seconds = service.statuses(), time.monotonic() - began_s
            busy_s = service.service().devices[0].busy_s - device.busy_s
            tick_ms, now = ticks.take_ms(), footprint()
            ticks.close()
    finally:
        sender.kill()
        sender.wait()
    shares = [share_of(*pair) for pair in zip(before, after, strict=True)]
    latencies = [status.latency_p95_s for status in after if status.latency_p95_s is not None]
    return {
        "late": late,
        "seconds": round(seconds, 1),
        "workers_busy": round(busy_s / seconds / device.workers, 3),
        **spreads(shares),
        "latency_p95_ms": round(1e3 * max(latencies)),
        "longest_tick_ms": tick_ms,
        "process": asdict(now),
        "peak_rss_mib": peak_rss_mib(),
        "cameras": [asdict(share) for share in shares],
    }


def spreads(shares: Sequence[Share]) -> dict[str, Any]:
    """Return how much was shown, and how far apart the most and the least of it are."""
    levels = sorted({name for share in shares for name in share.shown})
    by_level = {name: [share.shown.get(name, 0) for share in shares] for name in levels}
    return {
        "shown": round(sum(share.part for share in shares) / len(shares), 4),
        "spread": spread([share.part for share in shares]),
        "least_and_most_by_level": {name: [min(n), max(n)] for name, n in by_level.items()},
    }


def spread(parts: Sequence[float]) -> float:
    """Return the largest through the smallest, infinity where somebody got nothing."""
    return round(max(parts) / min(parts), 3) if min(parts) else float("inf")


def line(row: dict[str, Any], held: bool) -> str:
    """Return a row for people."""
    return (
        f"{row['late']}: {row['shown']:.0%} shown, most / least {row['spread']:.3f}, levels "
        f"{row['least_and_most_by_level']}, peak {row['peak_rss_mib']:.0f} MiB, longest tick "
        f"{row['longest_tick_ms']} ms: {'holds' if held else 'DOES NOT HOLD'}"
    )


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--size", type=int, nargs=2, default=[96, 64])
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--model", default="lite-fast-x2")
    parser.add_argument("--late", choices=get_args(Late), action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--send", type=int, nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        send(arguments.send, tuple(arguments.size), arguments.rate)
        return 0
    others, rows = others_now(), []
    for late in arguments.late or ("drop", "ladder"):
        row = measure(arguments, late)
        held = row["spread"] <= BAR_SPREAD and row["peak_rss_mib"] <= BAR_RSS_MIB
        rows.append(row | {"holds": held})
        print(line(row, held), flush=True)
    if arguments.json is not None:
        facts = {
            "host": asdict(this_host(None, others)),
            **{name: getattr(arguments, name) for name in ("cameras", "size", "rate", "model")},
            "bars": {"spread": BAR_SPREAD, "rss_mib": BAR_RSS_MIB},
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
