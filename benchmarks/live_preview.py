"""What viewers of a live stream cost: CPU time of the server a picture, and who is held back.

    python benchmarks/live_preview.py --json benchmarks/results/live-preview-NAME.json

A stream shows pictures at a steady rate; viewers of a second process take them, and one that is
stuck takes none. The server's process makes the pictures, copies them while somebody looks, codes
and sends them; its CPU time without viewers is subtracted. ``late_ms`` is by how much the producer
of the pictures was late, which viewers must not change.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

import torch  # noqa: E402

from tests.live.web.fakes import FakeView, picture  # noqa: E402
from vidsr.bench.machine import others_now, this_host  # noqa: E402
from vidsr.live.base.status import PicturePair  # noqa: E402
from vidsr.live.web.options import WebOptions  # noqa: E402
from vidsr.live.web.server import WebServer  # noqa: E402
from vidsr.picture.frame import Frame  # noqa: E402

NAME = "door"
PREVIEW_FPS = 5  # of a stream, unless its options say otherwise


@dataclass(frozen=True)
class Case:
    """Viewers to measure.

    Args:
        name: What it is called in the result.
        viewers: Viewers who take every picture.
        stuck: Viewers who take none.
        path: What they look at.
    """

    name: str
    viewers: int
    stuck: int
    path: str = f"/streams/{NAME}/preview.mjpeg"


CASES = (
    Case("nobody", 0, 0),
    Case("one", 1, 0),
    Case("eight", 8, 0),
    Case("eight and a stuck one", 8, 1),
    Case("a stuck one alone", 0, 1),
    Case("one who compares", 1, 0, f"/streams/{NAME}/pairs"),
)


@dataclass(frozen=True)
class Cost:
    """What a case cost.

    Args:
        case: Its name.
        pictures: Pictures that the stream showed.
        cpu_ms: CPU time a picture beyond that of nobody, in milliseconds.
        late_ms: Median and greatest lateness of the stream, in milliseconds.
        received: Pictures that a viewer got, the median over viewers.
        watched: The share of pictures that were copied for viewers.
    """

    case: str
    pictures: int
    cpu_ms: float
    late_ms: tuple[float, float]
    received: float
    watched: float


async def take(port: int, path: str, viewers: int, seconds: float) -> list[int]:
    """Take pictures as so many viewers, and return how many each got."""

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        found = 0
        try:
            async with asyncio.timeout(seconds):
                while data := await reader.read(1 << 17):
                    found += data.count(b"\r\nX-Vidsr-Number")
        except TimeoutError:
            pass
        writer.close()
        return found

    print("ready", flush=True)
    return list(await asyncio.gather(*(one() for _ in range(viewers))))


@contextmanager
def stuck(port: int, path: str) -> Iterator[None]:
    """Be a viewer who asks and takes nothing."""
    with socket.create_connection(("127.0.0.1", port)) as viewer:
        viewer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield


def clip(size: tuple[int, int]) -> list[PicturePair]:
    """Return pictures with detail that moves: smooth noise, and its source at half the size."""
    width, height = size
    draw = torch.Generator().manual_seed(1)
    coarse = torch.rand((1, 1, height // 8, width // 8 + 8), generator=draw)
    wide = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bicubic")[0, 0]
    luma = (wide * 200 + 20).clamp(16, 235).to(torch.uint8)
    pairs = []
    for number in range(8):
        output, source = picture(width, height), picture(width // 2, height // 2)
        moved = luma[:, number * 4 : number * 4 + width].contiguous()
        output = replace(output, planes=(moved, *output.planes[1:]))
        source = replace(source, planes=(moved[::2, ::2].contiguous(), *source.planes[1:]))
        pairs.append(PicturePair(number, output, source, "lite-x2"))
    return pairs


def copied(frame: Frame) -> Frame:
    """Return a copy, as a stream makes one for its viewers."""
    return replace(frame, planes=tuple(plane.clone() for plane in frame.planes))


def play(
    view: FakeView, pairs: Sequence[PicturePair], fps: float, seconds: float
) -> tuple[list[float], int]:
    """Show pictures; return by how many milliseconds each was late, and how many were copied."""
    late, watched = [], 0
    began = time.monotonic()
    for number in range(int(fps * seconds)):
        due = began + number / fps
        time.sleep(max(0.0, due - time.monotonic()))
        late.append((time.monotonic() - due) * 1000)
        pair = pairs[number % len(pairs)]
        if view.watching.get(NAME, 0) and pair.source is not None:
            watched += 1
            output, source = copied(pair.output), copied(pair.source)
            view.push(NAME, PicturePair(number, output, source, pair.level))
    return late, watched


def measure(case: Case, pairs: Sequence[PicturePair], fps: float, seconds: float) -> Cost:
    """Measure a case; its CPU time still contains that of nobody."""
    view = FakeView.of(NAME)
    server = WebServer(view, WebOptions(listen="127.0.0.1:0"))
    server.start()
    port = urlsplit(server.address).port or 0
    order = [sys.executable, __file__, "--take", case.path, "--viewers", str(case.viewers)]
    order += ["--port", str(port), "--seconds", str(seconds + 1)]
    with ExitStack() as inside:
        taker = subprocess.Popen(order, stdout=subprocess.PIPE)
        assert taker.stdout
        taker.stdout.readline()
        for _ in range(case.stuck):
            inside.enter_context(stuck(port, case.path))
        time.sleep(0.3)
        play(view, pairs, fps, 1.0)
        cpu = time.process_time()
        late, watched = play(view, pairs, fps, seconds - 1)
        cpu = time.process_time() - cpu
        received = json.loads(taker.communicate()[0])
    server.stop()
    return Cost(
        case.name,
        len(late),
        cpu * 1000 / len(late),
        (round(statistics.median(late), 2), round(max(late), 2)),
        statistics.median(received) if received else 0.0,
        round(watched / len(late), 3),
    )


def table(result: Mapping[str, Any]) -> str:
    """Return a result as it stands in docs/guides/live-watching.md."""
    rows = [
        "| viewers of one stream | CPU time a picture | at 5 pictures a second |",
        "| --- | ---: | ---: |",
    ]
    for case in result["cases"][1:]:
        share = case["cpu_ms"] * PREVIEW_FPS / 10
        rows.append(f"| {case['case']} | {case['cpu_ms']:.1f} ms | {share:.1f} % of a core |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--seconds", type=float, default=11.0)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 360), metavar=("W", "H"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--take", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--viewers", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.take:
        found = take(options.port, options.take, options.viewers, options.seconds)
        print(json.dumps(asyncio.run(found)))
        return
    torch.set_num_threads(1)
    pairs = clip(tuple(options.size))
    others = others_now()
    costs = [measure(case, pairs, options.fps, options.seconds) for case in CASES]
    nobody = costs[0].cpu_ms
    rows = [replace(cost, cpu_ms=round(cost.cpu_ms - nobody, 3)) for cost in costs]
    rows[0] = replace(costs[0], cpu_ms=0.0)
    for row in rows:
        print(f"{row.case:24} {row.cpu_ms:7.3f} ms a picture, late {row.late_ms}, {row.received}")
    if options.json:
        result = {
            "machine": asdict(this_host(None, others)),
            "size": list(options.size),
            "fps": options.fps,
            "base_cpu_ms": round(nobody, 3),
            "cases": [asdict(row) for row in rows],
        }
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
