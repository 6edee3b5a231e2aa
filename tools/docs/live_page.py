"""The pages of live streams that are made from the code and from measurements."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.docs.markdown import page, table
from vidsr.live.base.records import SERVICE, STREAM
from vidsr.live.base.settings import Setting
from vidsr.live.service.flags import shown_default

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "live-latency.json"
INTRODUCTION = """\
A file of [`vidsr-live --config`](commands/vidsr-live.md) is TOML. `[live]` is about the process,
`[defaults]` about every stream, and `[streams.NAME]` about one, where it wins. `source` is an
address and `sinks` a list of them, in a stream only; `${NAME}` in any text is a variable of the
environment. Every key is a flag of the command and a keyword of `vidsr.live.Stream`, but for
secrets, which have no flag. A key that is not in these tables is an error."""
HEAD = ("key", "flag", "values", "default", "meaning")
LATENCY_HEAD = (
    "path", "pictures", "missing", "of these uncounted", "out of order", "p50 ms", "p95 ms",
    "p99 ms", "own p50 ms", "own p95 ms", "first picture s", "its age ms", "shown by",
)  # fmt: skip


def live_page() -> str:
    """Return every key of the configuration with its flag and its values."""
    tables = sorted({setting.table for setting in STREAM if setting.table})
    parts = [
        "# Configuration of live streams",
        INTRODUCTION,
        "## `[live]`",
        _table(SERVICE),
        "## `[defaults]` and `[streams.NAME]`",
        _table(setting for setting in STREAM if not setting.table),
    ]
    for name in tables:
        parts.append(f"## `{name}` in either, a table")
        parts.append(_table(setting for setting in STREAM if setting.table == name))
    return page(*parts)


def latency_page() -> str:
    """Return the table of latencies, as the benchmark measured them last."""
    facts = json.loads(RESULTS.read_text(encoding="utf-8"))
    host, size = facts["host"], facts["size"]
    machine = f"{host['processor']}, {host['cores']} cores"
    told = (
        f"Measured with `benchmarks/live_latency.py` on {machine}, of which other programs took "
        f"{100 * host['others']:.0f} %: {size[0]}x{size[1]} at {facts['rate']} frames a second, "
        f"{facts['model']}, {facts['seconds']:g} s each. Camera, "
        "servers and reader ran on the same cores. Every picture carries its number: latency is "
        "counted from the camera's encoder to the reader's decoder, `own` from the arrival of a "
        "frame's last packet until it was handed to the sink. The first picture is counted from "
        "the start of connecting. What a pipe misses piled up before the models were loaded. "
        "Frames that the model had no time for were made by `bicubic`, as the last column says."
    )
    rows = [_latencies(row) for row in facts["rows"]]
    return page("# Latency of live streams", told, table(LATENCY_HEAD, rows))


def _table(settings: Iterable[Setting]) -> str:
    return table(HEAD, map(_row, settings))


def _row(setting: Setting) -> tuple[str, ...]:
    flag = "" if setting.marks.secret else f"`{setting.flag}`"
    default = f"`{shown_default(setting)}`"
    return f"`{setting.key}`", flag, setting.expected, default, setting.help


def _latencies(row: dict[str, Any]) -> tuple[str, ...]:
    keys = ("numbers", "missing", "uncounted", "out_of_order", "p50_ms", "p95_ms", "p99_ms")
    keys += ("own_p50_ms", "own_p95_ms", "first_frame_s", "first_age_ms")  # type: ignore[assignment]
    values = ("" if row[key] is None else f"{row[key]:g}" for key in keys)
    levels = ", ".join(f"`{level}` {count}" for level, count in sorted(row["shown"].items()))
    return (row["path"], *values, levels)
