"""Faults of every kind of peer, and what a stream beside them notices of it.

    python benchmarks/live_faults.py --json benchmarks/results/live-faults.json

One stream runs all the time, from UDP to UDP at 25 frames a second; the others come and go, each
with a peer that is killed, stopped, refuses, never answers or sends noise. Of every fault this
tells the longest time between two pictures of the steady stream and between two ticks of a thread
of the same process; the same of a process that only ticks; and when the stream was back.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from live_peers import (  # noqa: E402
    CONNECTING,
    ROUTES,
    End,
    Fault,
    Gaps,
    Machine,
    Route,
    harmful,
    udp_camera,
)
from live_process import Ticks  # noqa: E402

from tests.makers.counter import Stamps  # noqa: E402
from tests.servers.process import free_port  # noqa: E402
from vidsr.bench.machine import others_now, this_host  # noqa: E402
from vidsr.live import Engines, Stream  # noqa: E402

BAR_MS, BAR_BACK_S = 100.0, 2.5
SETTINGS: dict[str, Any] = {"ladder": ["bicubic"], "scale": 2}
RUNS_WITHIN_S, BACK_WITHIN_S = 30.0, 30.0
AWAY_S, STOPPED_S, HARMED_S = 1.0, 8.0, 7.0


@dataclass(frozen=True)
class Row:
    """What a fault did, from its beginning until the stream was back.

    ``steady_gap_ms`` is what lay between two pictures, without what their sender was late by.

    ``back_s`` is None where nobody comes back; ``machine_tick_ms`` is a process that only ticks.
    """

    kind: str
    end: End
    fault: Fault
    back_s: float | None
    steady_gap_ms: float
    tick_ms: float
    machine_tick_ms: float

    @property
    def holds(self) -> bool:
        """True where the bars hold, but for what the machine did to a process beside."""
        allowed_ms = max(BAR_MS, 2 * self.machine_tick_ms)
        quick = self.back_s is None or self.back_s <= BAR_BACK_S
        return self.steady_gap_ms <= allowed_ms and self.tick_ms <= allowed_ms and quick


class Bench:
    """The steady stream and all that watches it."""

    def __init__(self, engines: Engines, folder: Path, gaps: Gaps) -> None:
        self.engines, self.gaps = engines, gaps
        self.ticks, self.machine = Ticks(), Machine(folder)
        self._since_s = time.monotonic()

    def begin(self) -> None:
        """Forget what was before."""
        self.gaps.take_ms()
        self.ticks.take_ms()
        self._since_s = time.monotonic()

    def row(self, kind: str, end: End, fault: Fault, back_s: float | None) -> Row:
        """Return what has been since ``begin``."""
        gap_ms, tick_ms = self.gaps.take_ms(), self.ticks.take_ms()
        machine_ms = self.machine.longest_ms(self._since_s)
        return Row(kind, end, fault, back_s, gap_ms, tick_ms, machine_ms)

    def close(self) -> None:
        """End."""
        self.ticks.close()
        self.machine.close()


def until(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait until something is so; return when. Raises TimeoutError."""
    ends_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > ends_s:
            raise TimeoutError(f"expected {what} within {within_s:g} s")
        time.sleep(0.005)
    return time.monotonic()


def is_up(stream: Stream) -> bool:
    """Return True while source and sinks run."""
    status = stream.stats()
    return status.state == "running" and all(sink.state == "running" for sink in status.sinks)


def returning(stream: Stream, route: Route, end: End) -> Callable[[], bool]:
    """Return a function that tells whether more has come through one end than has by now."""

    def through() -> int:
        tally = stream.tally
        if end == "source":
            return sum(tally.shown.values())
        return sum(tally.sent_bytes.values()) if route.arrived is None else route.arrived()

    before = through()
    return lambda: through() > before + (end == "sink") and is_up(stream)


def strike(stream: Stream, route: Route, end: End, fault: Fault) -> float:
    """Kill or stop the peers of one end; return the seconds until the stream was back."""
    peers = route.peers[end]
    for peer in peers:
        peer.kill() if fault == "killed" else peer.pause()
    time.sleep(AWAY_S if fault == "killed" else STOPPED_S)
    for peer in peers:
        peer.start() if fault == "killed" else peer.resume()
    back_s, returned = time.monotonic(), returning(stream, route, end)
    return round(until(returned, BACK_WITHIN_S, "the stream back") - back_s, 2)


def real_faults(bench: Bench, kind: str) -> Iterator[Row]:
    """Yield the rows of a route whose peers are killed and stopped."""
    with ROUTES[kind]() as route:
        settings: dict[str, Any] = {**SETTINGS, **route.settings}
        stream = Stream(route.source, route.sink, name=kind, engines=bench.engines, **settings)
        with stream:
            until(lambda: is_up(stream), RUNS_WITHIN_S, f"{kind} to run")
            for end in route.peers:
                for fault in FAULTS:
                    time.sleep(1.0)
                    bench.begin()
                    back_s = strike(stream, route, end, fault)
                    yield bench.row(kind, end, fault, back_s)


def constant_faults(bench: Bench, kind: str, end: End, fault: Fault) -> Row:
    """Return the row of a stream one of whose ends never works."""
    bench.begin()
    with harmful(kind, end, fault) as route:
        made = Stream(route.source, route.sink, name=kind, engines=bench.engines, **SETTINGS)
        with made:
            time.sleep(HARMED_S)
    return bench.row(kind, end, fault, None)


FAULTS: tuple[Fault, ...] = ("killed", "stopped")
CONSTANT: tuple[Fault, ...] = ("refused", "black hole", "garbage")
ENDS: tuple[End, ...] = ("source", "sink")


def run(bench: Bench, kinds: list[str]) -> Iterator[Row]:
    """Yield all rows; say why one is left out."""
    for kind in kinds:
        try:
            yield from real_faults(bench, kind) if kind in ROUTES else ()
        except BaseException as error:  # what skips a test for want of a server is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            print(f"{kind}: left out: {error}", file=sys.stderr)
        for end in ENDS if kind in CONNECTING else ():
            for fault in CONSTANT:
                yield constant_faults(bench, kind, end, fault)


@contextlib.contextmanager
def benched() -> Iterator[Bench]:
    """Yield the steady stream, running."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as owned:
        stamps = Path(name, "stamps")
        gaps = Gaps(Stamps(stamps))
        engines = owned.enter_context(Engines("cpu"))
        url, _ = owned.enter_context(udp_camera(stamps))
        sink = f"udp://127.0.0.1:{free_port()}"
        with Stream(url, sink, name="steady", engines=engines, on_frame=gaps, **SETTINGS):
            until(lambda: gaps.count > 50, RUNS_WITHIN_S, "the steady stream to run")
            bench = Bench(engines, Path(name), gaps)
            try:
                yield bench
            finally:
                bench.close()


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", action="append", choices=(*ROUTES, "tcp"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    others, rows = others_now(), []
    with benched() as bench:
        for row in run(bench, arguments.kind or [*ROUTES, "tcp"]):
            rows.append(row)
            back = "" if row.back_s is None else f", back after {row.back_s} s"
            print(
                f"{row.kind} {row.end} {row.fault}: gap {row.steady_gap_ms} ms, tick "
                f"{row.tick_ms} ms, machine {row.machine_tick_ms} ms{back}"
                + ("" if row.holds else ": DOES NOT HOLD"),
                flush=True,
            )
    if arguments.json is not None:
        facts = {
            "host": asdict(this_host(None, others)),
            "bars": {"gap_ms": BAR_MS, "tick_ms": BAR_MS, "back_s": BAR_BACK_S},
            "rows": [asdict(row) | {"holds": row.holds} for row in rows],
        }
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
