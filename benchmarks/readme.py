"""Writer of the documentation's figures of speed, from what `vidsr-bench --json` wrote.

    python benchmarks/readme.py            # writes docs/speed.png and the tables of the page
    python benchmarks/readme.py --check    # ends with 1 if the tables are not what it would write

The page is docs/performance.md; its tables stand between two comments, ``<!-- speed -->`` and
``<!-- /speed -->``. All results in benchmarks/results are used, in the order of their names; what
other programs wrote there is not.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE, RESULTS = ROOT / "docs" / "performance.md", ROOT / "benchmarks" / "results"
CHART = ROOT / "docs" / "speed.png"
BEGIN, END = "<!-- speed -->", "<!-- /speed -->"
FORMAT = "vidsr-bench 1"
COLUMNS = (
    "frames a second",
    "CPU ms a frame",
    "vidsr's rate / its",
    "its network's time / vidsr's",
)
PLACE = re.compile(r" --json \S+")  # no part of what is measured

Result = Mapping[str, Any]


def load(folder: Path) -> list[Result]:
    """Load results of vidsr-bench, by name."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [one for one in found if isinstance(one, dict) and one.get("format") == FORMAT]


def number(value: float) -> str:
    """Return three digits, no exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def across(spread: Mapping[str, float]) -> str:
    """Return the median, and least to greatest if there are several."""
    middle, low, high = (number(spread[name]) for name in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def table(results: Sequence[Result]) -> str:
    """Return the Markdown between the comments; empty if nothing was measured."""
    return "\n\n".join(part for result in results for part in _parts(result))


def _parts(result: Result) -> Iterator[str]:
    machine = result["machine"]
    where = [f"{machine['processor']}, {machine['cores']} cores"]
    where += [machine["gpu"]] if machine["gpu"] else []
    yield f"`{PLACE.sub('', result['command'])}` on {', '.join(where)}, commit {machine['commit']}:"
    if result["whole"]:
        yield _rates(result)
        yield from _sentences(result)
    if result["ladder"]:
        yield _ladder(_name(result["setup"]), result["ladder"])
    if result["largest"]:
        yield _largest(result["largest"])


def _largest(rung: Mapping[str, Any]) -> str:
    size = f"{rung['width']}x{rung['height']}"
    if rung["fps"]["median"] < rung["rate"]:
        return f"No 16:9 size from {size} on holds {rung['rate']:g} fps."
    return f"The largest that holds {rung['rate']:g} fps: {size}."


def _rates(result: Result) -> str:
    whole = result["whole"]
    small, large = ("x".join(map(str, whole[name])) for name in ("size", "target_size"))
    rows = [
        (f"{small} to {large}", *COLUMNS),
        ("---", "---:", "---:", "---:", "---:"),
        (
            f"**vidsr, {_name(result['setup'])}**",
            across(whole["fps"]),
            across(whole["cpu_ms"]),
            "",
            "",
        ),
        *(_peer(peer) for peer in result["against"]),
    ]
    return _lines(rows)


def _peer(peer: Mapping[str, Any]) -> tuple[str, ...]:
    if peer["absent"]:
        return peer["what"], "not installed", "", "", ""
    network = f"{across(peer['network_ratio'])}x" if peer["network_ratio"] else ""
    times = f"{across(peer['ratio'])}x"
    return peer["what"], across(peer["fps"]), across(peer["cpu_ms"]), times, network


def _name(setup: Mapping[str, Any]) -> str:
    """Return the model, and its runtime if that is not PyTorch."""
    runtime = "" if setup["engine"] == "torch" else f" ({setup['engine']}, {setup['precision']})"
    return f"{setup['model']}{runtime}"


def _sentences(result: Result) -> Iterator[str]:
    whole = result["whole"]
    told = [
        f"{number(whole['realtime']['median'])} times real time at {number(whole['rate'])} fps",
        f"p50 {number(whole['ms']['p50'])}, p95 {number(whole['ms']['p95'])} and p99 "
        f"{number(whole['ms']['p99'])} ms between frames",
        f"{whole['peak_rss_mib']:.0f} MiB at the most",
    ]
    yield "; ".join(told) + "."
    if result["efficiency"]:
        yield _efficiency(result["efficiency"])
    if result["limit"]:
        yield result["limit"][0].upper() + result["limit"][1:] + "."


def _efficiency(found: Mapping[str, Any]) -> str:
    told = f"The command reaches {found['of_allowed']['median']:.0%} of what its stages allow"
    if not found["colour_copies"]:
        return told + "."
    share = found["colour_copies"]["median"]
    return f"{told}; colour and copies are {share:.0%} of its CPU time."


def _ladder(model: str, rungs: Sequence[Mapping[str, Any]]) -> str:
    asked = f"**{model}** at {rungs[0]['rate']:g} fps"
    rows = [(asked, "frames a second", "real time"), ("---",) * 3]
    for rung in rungs:
        name = f"{rung['height']}p to {rung['target_height']}p"
        if rung["fps"] is None:
            rows.append((name, "", "no, " + rung["reason"]))
            continue
        times = rung["fps"]["median"] / rung["rate"]
        rows.append((name, across(rung["fps"]), f"{'yes' if times >= 1 else 'no'}, {times:.2f}x"))
    return _lines(rows)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def with_table(page: str, text: str) -> str:
    """Return ``page`` with ``text`` between the comments.

    Raises ValueError if the comments are missing; without results the page may lack them.
    """
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if begun and ended:
        return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}" if text else page
    if text:
        raise ValueError(f"{PAGE.name} lacks {BEGIN} and {END}, and there are results")
    return page


def agrees(page: str, results: Sequence[Result]) -> bool:
    """Return True if the table is what the results give."""
    try:
        return with_table(page, table(results)) == page
    except ValueError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw the page of speed from results.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    args = parser.parse_args()
    page, results = PAGE.read_text(encoding="utf-8"), load(RESULTS)
    if args.check:
        return int(not agrees(page, results))
    PAGE.write_text(with_table(page, table(results)), encoding="utf-8")
    if results:
        from vidsr.bench.outcome.plot import draw

        # Stages are in the tables; a picture has to be taken in at a glance.
        draw([{**result, "stages": []} for result in results], CHART)
    return 0


if __name__ == "__main__":
    sys.exit(main())
