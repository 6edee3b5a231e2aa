"""Latency of live streams from end to end: camera, vidsr, peer and reader, all on this machine.

    python benchmarks/live_latency.py --seconds 10 --json benchmarks/results/live-latency.json

Every picture carries its number; the sender writes down when it encoded which, and the reader when
it decoded it. ``own`` is vidsr's share: from the arrival of a frame's last packet until its packet
was handed to the sink. Servers that are not installed leave their rows out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

import av  # noqa: E402
from live_process import Ticks  # noqa: E402

from tests.makers.counter import Stamps, read  # noqa: E402
from tests.servers.process import free_port  # noqa: E402
from tests.servers.relays import rtmp_server, srt_camera, srt_relay  # noqa: E402
from tests.servers.rtsp import rtsp_camera, rtsp_recorder, sdp_of  # noqa: E402
from tests.servers.senders import sender, sending_command  # noqa: E402
from vidsr.bench.machine import others_now, this_host  # noqa: E402

SIZE = (320, 176)  # the numbers' squares need multiples of 16
SCALE = 2
STDIN = "pipe:0"
COMES_WITHIN_S = 40.0  # the first picture: PyTorch is loaded meanwhile
SETTLED_S = 2.0  # after the first picture, before latency counts
READER = {"fpsprobesize": "0", "analyzeduration": "200000"}
READER_RTP = {**READER, "protocol_whitelist": "file,udp,rtp", "reorder_queue_size": "0"}


@dataclass(frozen=True)
class Ends:
    """Source and sink of a path, and where its output is read.

    Args:
        source: The source's address.
        sink: The sink's address.
        reading: The address that the reader opens.
        reader: Options of FFmpeg for it.
        settings: Options of the stream.
    """

    source: str
    sink: str
    reading: str
    reader: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What was measured on one path; times in milliseconds where they are no seconds.

    ``numbers`` counts pictures that the reader saw, ``missing`` those between its first and last
    that it did not see, ``uncounted`` as many of these as vidsr has not counted as dropped.
    ``longest_tick_ms`` is the longest time between two ticks of a thread of vidsr's process, from
    its first picture on; what the machine did besides is in it.
    """

    path: str
    numbers: int
    missing: int
    uncounted: int
    out_of_order: int
    repeated: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    own_p50_ms: float | None
    own_p95_ms: float | None
    first_frame_s: float | None
    first_age_ms: float | None
    received: int
    shown: dict[str, int]
    dropped: dict[str, int]
    longest_tick_ms: float | None = None


def udp_in(port: int) -> str:
    """Return the address at which a reader takes datagrams."""
    return f"udp://127.0.0.1:{port}?fifo_size=50000&overrun_nonfatal=1"


@contextlib.contextmanager
def rtsp_path(stamps: Path, transport: str) -> Iterator[Ends]:
    """Yield a camera by RTSP, and a recorder that passes the packets on as RTP.

    A player of RTSP would read just these. A transport stream costs its reader one more frame.
    """
    with (
        rtsp_camera(size=SIZE, stamps=stamps) as camera,
        rtsp_recorder(forward_as="rtp") as (recorder, forward),
    ):
        described = stamps.with_name("record.sdp")
        described.write_text(sdp_of(forward))
        settings = {"transport": transport}
        yield Ends(camera.url, recorder.url, str(described), READER_RTP, settings)


@contextlib.contextmanager
def rtmp_path(stamps: Path, sound: str = "none") -> Iterator[Ends]:
    """Yield RTMP of a server, and another name of it."""
    with rtmp_server() as server, sender(server.rtmp, size=_size(), stamps=stamps, sound=sound):
        target = server.rtmp.replace("/cam", "/large")
        yield Ends(server.rtmp, target, target, {**READER, "rtmp_live": "live"})


@contextlib.contextmanager
def hls_path(stamps: Path) -> Iterator[Ends]:
    """Yield HLS of a server, and a folder that it serves."""
    with rtmp_server() as server, sender(server.rtmp, size=_size(), stamps=stamps):
        folder = server.folder / "large"
        reading = f"{server.http}/large/index.m3u8"
        yield Ends(server.hls, f"hls:{folder}", reading, {"live_start_index": "-1"})


@contextlib.contextmanager
def srt_path(stamps: Path) -> Iterator[Ends]:
    """Yield SRT at both ends, of 60 ms each."""
    port, out = free_port(), free_port()
    listener = f"srt://127.0.0.1:{port}?mode=listener&latency=60"
    with (
        srt_camera() as (camera, feed),
        sender(feed, size=_size(), stamps=stamps),
        srt_relay(listener, f"udp://127.0.0.1:{out}", wait_port=port),
    ):
        yield Ends(f"{camera.url}?latency=60", f"srt://127.0.0.1:{port}?latency=60", udp_in(out))


@contextlib.contextmanager
def udp_path(stamps: Path) -> Iterator[Ends]:
    """Yield datagrams at both ends."""
    source, out = free_port(), free_port()
    with sender(f"udp://127.0.0.1:{source}?pkt_size=1316", size=_size(), stamps=stamps):
        address = f"udp://127.0.0.1:{source}"
        yield Ends(address, f"udp://127.0.0.1:{out}", udp_in(out), READER)


PATHS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Ends]]] = {
    "RTSP over TCP to RTSP": lambda stamps: rtsp_path(stamps, "tcp"),
    "RTSP over UDP to RTSP": lambda stamps: rtsp_path(stamps, "udp"),
    "RTMP to RTMP": rtmp_path,
    "RTMP to RTMP, with sound": lambda stamps: rtmp_path(stamps, "aac"),
    "HLS to HLS": hls_path,
    "SRT to SRT": srt_path,
    "UDP to UDP": udp_path,
}
PIPES = "pipe to pipe"


def _size() -> str:
    return f"{SIZE[0]}x{SIZE[1]}"


def read_numbers(url: str, options: dict[str, str], stamps: Stamps, seconds: float) -> list[Any]:
    """Return (number, moment, latency in ms) of every picture in ``seconds`` from the first on."""
    seen: list[Any] = []
    ends_s = time.monotonic() + COMES_WITHIN_S
    while time.monotonic() < ends_s:
        with contextlib.suppress(av.error.FFmpegError, OSError):
            given: Any = {"format": "nut"} if url == STDIN else {"timeout": (5.0, 2.0)}
            with av.open(url, options=options, **given) as container:
                if not container.streams.video:  # sound has come first
                    continue
                container.streams.video[0].codec_context.thread_type = "SLICE"
                for frame in container.decode(video=0):
                    now_s = time.monotonic()
                    number = read(frame.to_ndarray(format="gray"), SCALE)
                    if not seen:
                        ends_s = now_s + seconds
                    if number is not None:
                        seen.append((number, now_s, 1e3 * (now_s - stamps.at(number))))
                    if now_s > ends_s:
                        break
        time.sleep(0.1)
    return seen


def start_reader(ends: Ends, stamps: Path, seconds: float, stdin: IO[bytes] | None = None) -> Any:
    """Start a process that reads numbers and prints them as JSON."""
    command = [sys.executable, __file__, "--read", ends.reading, "--stamps", str(stamps)]
    command += ["--seconds", str(seconds), "--options", json.dumps(ends.reader)]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, cwd=ROOT)


def measure(path: str, seconds: float) -> Row:
    """Return what one path of the library shows."""
    from vidsr.live import Stream

    with tempfile.TemporaryDirectory() as folder:
        stamps = Path(folder, "stamps")
        first: list[tuple[float, float]] = []
        with PATHS[path](stamps) as ends:
            time.sleep(2.0)  # a segment of HLS has to be there
            sent = Stamps(stamps)

            def on_frame(image: av.VideoFrame) -> None:
                if not first:
                    ticks.take_ms()
                    now_s = time.monotonic()
                    number = read(image.to_ndarray(format="gray"), SCALE)
                    first.append((now_s, now_s - sent.at(number or 0)))

            stream = Stream(
                ends.source, ends.sink, model="lite-fast-x2", on_frame=on_frame, **ends.settings
            )
            ticks = Ticks()
            reader = start_reader(ends, stamps, seconds + SETTLED_S)
            begun_s = time.monotonic()
            with stream:
                out, _ = reader.communicate(timeout=seconds + 2 * COMES_WITHIN_S)
                status, tick_ms = stream.stats(), ticks.take_ms()
            ticks.close()
        tally, seen = status.tally, json.loads(out)
    own = (status.latency_p50_s, status.latency_p95_s)
    row = _row(
        path,
        seen,
        own,
        first_s=first[0][0] - begun_s if first else None,
        age_s=first[0][1] if first else None,
        counts=(tally.received, dict(tally.shown), {str(k): n for k, n in tally.dropped.items()}),
    )
    return replace(row, longest_tick_ms=tick_ms)


def measure_pipes(seconds: float) -> Row:
    """Return what the command shows between two pipes."""
    with tempfile.TemporaryDirectory() as folder:
        stamps, report = Path(folder, "stamps"), Path(folder, "report.json")
        frames = round(25 * (seconds + COMES_WITHIN_S))
        sending = sending_command(
            "pipe:1", format="nut", size=_size(), stamps=stamps, frames=frames
        )
        live = [sys.executable, "-m", "vidsr.live.service.cli", "pipe:nut", "-o", "pipe:nut", "-q"]
        live += ["--model", "lite-fast-x2", "--report", str(report)]
        camera = subprocess.Popen(sending, stdout=subprocess.PIPE, cwd=ROOT)
        stream = subprocess.Popen(live, stdin=camera.stdout, stdout=subprocess.PIPE, cwd=ROOT)
        reader = start_reader(
            Ends("", "", STDIN, READER), stamps, seconds + SETTLED_S, stream.stdout
        )
        out, _ = reader.communicate(timeout=seconds + 2 * COMES_WITHIN_S)
        for process in (camera, stream):
            process.terminate()
            process.wait(10)
        facts = json.loads(report.read_text(encoding="utf-8"))["streams"][0]
    own = tuple(facts[key] / 1e3 for key in ("latency_p50_ms", "latency_p95_ms"))
    frames_of = facts["frames"]
    dropped = {name: count for name, count in frames_of["dropped"].items() if count}
    counts = (frames_of["received"], frames_of["shown"], dropped)
    return _row(PIPES, json.loads(out), own, first_s=None, age_s=None, counts=counts)


def _row(
    path: str,
    seen: Sequence[Any],
    own: tuple[float | None, ...],
    *,
    first_s: float | None,
    age_s: float | None,
    counts: tuple[int, dict[str, int], dict[str, int]],
) -> Row:
    numbers = [number for number, _, _ in seen]
    if not numbers:
        raise RuntimeError(f"{path}: the reader saw no picture")
    received, shown, dropped = counts
    settled = [ms for _, at_s, ms in seen if at_s - seen[0][1] >= SETTLED_S] or [seen[-1][2]]
    settled.sort()
    missing = max(numbers) - min(numbers) + 1 - len(set(numbers))
    steps = [after - before for before, after in pairwise(numbers)]
    return Row(
        path=path,
        numbers=len(numbers),
        missing=missing,
        uncounted=max(0, missing - sum(dropped.values())),
        out_of_order=sum(step < 0 for step in steps),
        repeated=sum(step == 0 for step in steps),
        p50_ms=_at(settled, 0.5),
        p95_ms=_at(settled, 0.95),
        p99_ms=_at(settled, 0.99),
        own_p50_ms=_ms(own[0]),
        own_p95_ms=_ms(own[1]),
        first_frame_s=None if first_s is None else round(first_s, 2),
        first_age_ms=_ms(age_s),
        received=received,
        shown=shown,
        dropped=dropped,
    )


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))], 1)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1e3 * seconds, 1)


def run(paths: Sequence[str], seconds: float) -> Iterator[Row]:
    """Yield the row of each path; say why one is left out."""
    for path in paths:
        try:
            row = measure_pipes(seconds) if path == PIPES else measure(path, seconds)
        except BaseException as error:  # what skips a test for want of a server is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            print(f"{path}: left out: {error}", file=sys.stderr)
            continue
        print(
            f"{path}: {row.numbers} pictures, {row.missing} missing, p50 {row.p50_ms} ms",
            flush=True,
        )
        yield row


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--path", action="append", choices=(*PATHS, PIPES))
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--stamps", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, default={}, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read is not None:
        stamps = Stamps(arguments.stamps)
        seen = read_numbers(arguments.read, arguments.options, stamps, arguments.seconds)
        print(json.dumps(seen))
        return
    others = others_now()
    rows = list(run(arguments.path or (*PATHS, PIPES), arguments.seconds))
    facts = {
        "host": asdict(this_host(None, others)),
        "size": SIZE,
        "scale": SCALE,
        "model": "lite-fast-x2",
        "rate": 25,
        "seconds": arguments.seconds,
        "rows": [asdict(row) for row in rows],
    }
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
