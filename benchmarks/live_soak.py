"""Streams of several kinds for a long time, with a peer killed every few seconds: nothing leaks.

    python benchmarks/live_soak.py --minutes 20 --json benchmarks/results/live-soak.json

One process has a steady stream, from UDP to UDP, and one of RTSP, RTMP and SRT each, as far as
their servers are installed. Every ``--every`` seconds the source or the sink of the next one is
killed, and started again a second later. Sampled once a second are the process's resident memory,
threads, descriptors and children.

The rule: between the medians of the second and of the last quarter of the time, memory has grown by
no more than 4 MiB or 2 %, whichever is more; threads, descriptors and children are as many, one
more or less. The first quarter is warming up.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from live_faults import (  # noqa: E402
    RUNS_WITHIN_S,
    SETTINGS,
    Bench,
    benched,
    is_up,
    returning,
    until,
)
from live_peers import ROUTES, End, Route  # noqa: E402
from live_process import Footprint, footprint  # noqa: E402

from vidsr.bench.machine import others_now, this_host  # noqa: E402
from vidsr.live import Stream  # noqa: E402

KINDS = ("rtsp", "rtmp", "srt")
AWAY_S, BACK_WITHIN_S = 1.0, 15.0
GROWTH_MIB, GROWTH_SHARE, GROWTH_COUNT = 4.0, 0.02, 1
COUNTS = ("threads", "descriptors", "children")


@dataclass(frozen=True)
class Victim:
    """A stream whose peers are killed, and one of its ends."""

    kind: str
    stream: Stream
    route: Route
    end: End


@dataclass(frozen=True)
class Loss:
    """A peer that was killed, and came back."""

    kind: str
    end: End
    back_s: float | None
    steady_gap_ms: float
    tick_ms: float
    machine_tick_ms: float


@dataclass
class Course:
    """All that is noted."""

    samples: list[Footprint] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)


@contextlib.contextmanager
def victims(bench: Bench) -> Iterator[list[Victim]]:
    """Yield the ends of all streams that run; say why one is left out."""
    with contextlib.ExitStack() as owned:
        found: list[Victim] = []
        for kind in KINDS:
            try:
                route = owned.enter_context(ROUTES[kind]())
            except BaseException as error:  # what skips a test for want of a server
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                print(f"{kind}: left out: {error}", file=sys.stderr)
                continue
            settings: dict[str, Any] = {**SETTINGS, **route.settings}
            made = Stream(route.source, route.sink, name=kind, engines=bench.engines, **settings)
            stream = owned.enter_context(made)
            until(lambda: is_up(stream), RUNS_WITHIN_S, f"{kind} to run")  # noqa: B023
            found += [Victim(kind, stream, route, end) for end in route.peers]
        yield found


def lose(bench: Bench, victim: Victim, course: Course) -> None:
    """Kill the peers of a victim, and start them again."""
    peers = victim.route.peers[victim.end]
    bench.begin()
    for peer in peers:
        peer.kill()
    watch(course, AWAY_S)
    for peer in peers:
        peer.start()
    began_s = time.monotonic()
    returned = returning(victim.stream, victim.route, victim.end)
    back_s = None
    while time.monotonic() - began_s < BACK_WITHIN_S:
        if returned():
            back_s = round(time.monotonic() - began_s, 2)
            break
        watch(course, 0.05)
    row = bench.row(victim.kind, victim.end, "killed", back_s)
    course.losses.append(
        Loss(row.kind, row.end, back_s, row.steady_gap_ms, row.tick_ms, row.machine_tick_ms)
    )


def watch(course: Course, seconds: float) -> None:
    """Sample once a second, for a time."""
    ends_s = time.monotonic() + seconds
    while (now_s := time.monotonic()) < ends_s:
        if not course.samples or now_s - course.samples[-1].at_s >= 1.0:
            course.samples.append(footprint())
        time.sleep(max(0.0, min(0.25, ends_s - time.monotonic())))


def soak(bench: Bench, minutes: float, every_s: float) -> tuple[Course, dict[str, Any]]:
    """Run, and return what was noted, with what became of each stream."""
    course = Course()
    with victims(bench) as found:
        ends_s = time.monotonic() + 60 * minutes  # from when all of them run
        for victim in cycle(found):
            turn_s = time.monotonic()
            if turn_s + every_s > ends_s:
                break
            lose(bench, victim, course)
            watch(course, every_s - (time.monotonic() - turn_s))
        watch(course, ends_s - time.monotonic())
        streams = {victim.kind: _facts(victim.stream) for victim in found}
    return course, streams


def _facts(stream: Stream) -> dict[str, Any]:
    tally = stream.tally
    return {
        "connects": tally.connects,
        "sink_restarts": sum(tally.sink_restarts.values()),
        "received": tally.received,
        "shown": dict(tally.shown),
        "dropped": {str(name): count for name, count in tally.dropped.items()},
    }


def verdict(samples: Sequence[Footprint]) -> dict[str, Any]:
    """Return how the second and the last quarter differ, and whether the rule holds."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    rss = [median(sample.rss_mib for sample in part) for part in (early, late)]
    counts = {
        name: [median(getattr(sample, name) for sample in part) for part in (early, late)]
        for name in COUNTS
    }
    flat = rss[1] - rss[0] <= max(GROWTH_MIB, GROWTH_SHARE * rss[0])
    held = flat and all(after - before <= GROWTH_COUNT for before, after in counts.values())
    return {"rss_mib": rss, **counts, "holds": held}


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between two losses (20)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    others = others_now()
    with benched() as bench:
        course, streams = soak(bench, arguments.minutes, arguments.every)
    found = verdict(course.samples)
    backs = [loss.back_s for loss in course.losses if loss.back_s is not None]
    facts = {
        "host": asdict(this_host(None, others)),
        "minutes": arguments.minutes,
        "losses": len(course.losses),
        "never_back": len(course.losses) - len(backs),
        "longest_back_s": max(backs, default=None),
        "longest_steady_gap_ms": max((loss.steady_gap_ms for loss in course.losses), default=0.0),
        "longest_tick_ms": max((loss.tick_ms for loss in course.losses), default=0.0),
        "flat": found,
        "streams": streams,
        "lost": [asdict(loss) for loss in course.losses],
        "samples": [_rounded(sample, course.samples[0].at_s) for sample in course.samples[::10]],
    }
    print(json.dumps({name: value for name, value in facts.items() if name != "samples"}, indent=1))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return 0 if found["holds"] and len(backs) == len(course.losses) else 1


def _rounded(sample: Footprint, began_s: float) -> dict[str, float]:
    return asdict(sample) | {"at_s": round(sample.at_s - began_s, 1)}


if __name__ == "__main__":
    sys.exit(main())
