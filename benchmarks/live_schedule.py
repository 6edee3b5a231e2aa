"""What the scheduler of live streams does under load: on virtual time, and on this machine.

    python benchmarks/live_schedule.py --json result.json

The first part runs the policy alone, with a clock that it is told: one camera whose full level
takes 50 to 200 % of the time there is, pairs of weights 2:1, 200 cameras on one device, batches.
A pause is one of the machine, 150 ms, once in four seconds of work. The second part runs its
threads with levels that sleep, and counts the machine's own pauses beside.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from tests.live.schedule.streams import TINY, Stream, StubLevel  # noqa: E402
from vidsr.bench.machine import others_now, this_host  # noqa: E402
from vidsr.live.base.items import Result  # noqa: E402
from vidsr.live.schedule.scheduler import Scheduler  # noqa: E402
from vidsr.live.schedule.trial.simulation import Camera, Device, simulate  # noqa: E402

PAUSES = 0.25  # a second of work
STEPS = (1.0, 0.45, 0.06)  # times of the levels of a ladder, as parts of the first
PERCENTILES = (50, 95, 99)
NAMES = {"0": "full", "1": "fast", "2": "last", "a": "full", "b": "fast", "c": "last"}
TICK_S, PAUSE_S = 0.005, 0.03  # how often a thread wakes, and how late counts as a pause


@dataclass(frozen=True)
class Case:
    """Cameras on a simulated device; ``weights`` compares the first half with the second."""

    name: str
    cameras: Sequence[Camera]
    device: Device = field(default_factory=lambda: Device(pauses=PAUSES))
    seconds: float = 120.0
    weights: bool = False


def cases() -> Iterator[Case]:
    """Yield all simulated cases."""
    for full_s in (0.02, 0.036, 0.044, 0.08):
        level_s = tuple(full_s * step for step in STEPS)
        ladder = Camera(level_s=level_s, deadline_s=0.12)
        percent = f"{full_s / 0.04:.0%}"
        yield Case(f"one camera, {percent}, ladder", [ladder])
        yield Case(f"one camera, {percent}, ladder, no pauses", [ladder], Device())
        yield Case(
            f"one camera, {percent}, drop", [replace(ladder, level_s=level_s[:1], late="drop")]
        )
    for workers in (1, 2):
        heavy = Camera(level_s=(0.08,), late="drop", weight=2.0)
        pair = [heavy, replace(heavy, weight=1.0, first_s=0.013)]
        device = Device(workers=workers, pauses=PAUSES)
        yield Case(f"weights 2:1, 80 ms, {workers} workers", pair, device, weights=True)
    many = [Camera(first_s=0.0002 * i, level_s=(0.0004, 0.00018, 0.000025)) for i in range(200)]
    drop = [replace(one, level_s=one.level_s[:1], late="drop") for one in many]
    yield Case("200 cameras, 200 %, ladder", many, seconds=10.0)
    yield Case("200 cameras, 200 %, ladder, no pauses", many, Device(), seconds=10.0)
    yield Case("200 cameras, 200 %, drop", drop, seconds=10.0)
    weighted = [replace(one, weight=2.0) for one in drop[:100]] + drop[100:]
    yield Case("200 cameras, 200 %, drop, half of weight 2", weighted, seconds=10.0, weights=True)
    batch = [replace(one, level_s=(0.0004,), batch="engine") for one in many]
    gpu = Device(batch_gain=0.3, pauses=PAUSES)
    yield Case("200 cameras, 200 % one by one, batches", batch, gpu, seconds=10.0)


def row(case: Case) -> dict[str, Any]:
    """Run a case and sum it up."""
    outcomes = simulate(case.cameras, case.device, case.seconds)
    counts = [sum(outcome.shown.values()) for outcome in outcomes]
    received = sum(outcome.received for outcome in outcomes)
    latencies_s = [s for outcome in outcomes for s in outcome.latencies_s]
    half = len(counts) // 2
    batches: Counter[int] = sum((outcome.batches for outcome in outcomes), Counter())
    return {
        "name": case.name,
        "received": received,
        "shown": round(sum(counts) / received, 4),
        "by_level": _shares(sum((o.shown for o in outcomes), Counter()), received),
        "dropped": _shares(sum((o.dropped for o in outcomes), Counter()), received),
        "unaccounted": sum(outcome.in_flight for outcome in outcomes),
        "latency_ms": percentiles(latencies_s),
        "later_than_deadline_and_service_ms": round(
            1000 * max(outcome.overshoot_s for outcome in outcomes), 1
        ),
        "steps": dict(sum((o.changes for o in outcomes), Counter())),
        "fewest_and_most": [min(counts), max(counts)],
        "ratio": round(sum(counts[:half]) / sum(counts[half:]), 3) if case.weights else None,
        "batches": _shares(batches, sum(batches.values())) if case.device.batch_gain < 1 else None,
    }


def _shares(counts: Counter[Any], whole: int) -> dict[str, float]:
    return {str(name): round(count / whole, 4) for name, count in sorted(counts.items())}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return percentiles and the greatest, in milliseconds."""
    ordered = sorted(seconds) or [float("nan")]
    found = {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in PERCENTILES}
    return {name: round(1000 * s, 1) for name, s in (found | {"max": ordered[-1]}).items()}


def on_this_machine(seconds: float) -> dict[str, Any]:
    """Send 25 frames a second through a worker whose full level sleeps for 80 ms."""
    latencies_s: list[float] = []

    def note(result: Result) -> None:
        latencies_s.append(time.monotonic() - result.arrival.arrived_s)

    stream, pauses_s = Stream(on_deliver=note), list[float]()
    ended = threading.Event()
    ticker = threading.Thread(target=_tick, args=(ended, pauses_s))
    with Scheduler(1) as scheduler:
        levels = [StubLevel(name, 0.08 * part) for name, part in zip("abc", STEPS, strict=True)]
        scheduler.join(stream, levels, TINY)
        time.sleep(0.5)
        ticker.start()
        began_s = time.monotonic()
        for number in range(round(25 * seconds)):
            time.sleep(max(0.0, began_s + number / 25 - time.monotonic()))
            scheduler.submit(stream, stream.arrival())
        time.sleep(0.5)
    ended.set()
    ticker.join()
    stream.check()
    return {
        "received": stream.sent,
        "shown": round(len(stream.delivered) / stream.sent, 4),
        "by_level": _shares(stream.levels, stream.sent),
        "dropped": _shares(Counter(stream.dropped), stream.sent),
        "latency_ms": percentiles(latencies_s),
        "deadline_ms": round(1000 * stream.deadline_s),
        "pauses_of_the_machine": len(pauses_s),
        "longest_pause_ms": round(1000 * max(pauses_s, default=0.0), 1),
    }


def _tick(ended: threading.Event, pauses_s: list[float]) -> None:
    while not ended.is_set():
        began_s = time.monotonic()
        time.sleep(TICK_S)
        late_s = time.monotonic() - began_s - TICK_S
        if late_s > PAUSE_S:
            pauses_s.append(late_s)


def table(result: dict[str, Any]) -> str:
    """Return the table of ``docs/how-it-works/scheduling.md``."""
    rows = [
        "| | shown | at level | latency p50 | p95 | p99 |",
        "| --- | ---: | --- |" + " ---: |" * 3,
    ]
    real = result["on_this_machine"]
    paused = f"{real['pauses_of_the_machine']} pauses of up to {real['longest_pause_ms']:.0f} ms"
    sleeping = {"name": f"on a busy machine, levels that sleep 80, 36 and 5 ms, {paused}"}
    for found in [*result["simulated"], sleeping | real]:
        levels = ", ".join(f"{NAMES[key]} {share:.0%}" for key, share in found["by_level"].items())
        ms = " | ".join(f"{found['latency_ms'][f'p{p}']:.0f} ms" for p in PERCENTILES)
        ratio = f", shown {found['ratio']:.2f} : 1" if found.get("ratio") else ""
        rows.append(f"| {found['name']}{ratio} | {found['shown']:.1%} | {levels} | {ms} |")
    return "\n".join(rows)


def with_table(page: str, result: dict[str, Any]) -> str:
    """Return a page with the result's table between its marks."""
    before, begins, rest = page.partition("<!-- schedule -->\n")
    _, ends, after = rest.partition("<!-- /schedule -->")
    return f"{before}{begins}\n{table(result)}\n\n{ends}{after}"


def line(found: dict[str, Any]) -> str:
    """Return a row for people."""
    ms = found["latency_ms"]
    extra = f", ratio {found['ratio']}" if found.get("ratio") else ""
    return (
        f"{found.get('name', 'this machine, 200 %, ladder'):44} shown {found['shown']:.1%} "
        f"{found['by_level']}, p50 {ms['p50']}, p95 {ms['p95']}, p99 {ms['p99']} ms{extra}"
    )


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Measure the scheduler of live streams.")
    parser.add_argument("--seconds", type=float, default=30.0, help="on this machine (30)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    parser.add_argument("--page", type=Path, metavar="FILE", help="a page whose table is written")
    args = parser.parse_args()
    others = others_now()
    simulated = []
    for case in cases():
        simulated.append(row(case))
        print(line(simulated[-1]), flush=True)
    machine = on_this_machine(args.seconds)
    print(line(machine))
    result = {
        "machine": asdict(this_host(None, others)),
        "simulated": simulated,
        "on_this_machine": machine,
    }
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    if args.page:
        args.page.write_text(with_table(args.page.read_text(encoding="utf-8"), result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
