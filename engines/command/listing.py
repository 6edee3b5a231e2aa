"""The contents of the engine cache, in words and in a table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from vidsr.cache.keys import FindingKey, NetworkKey
from vidsr.cache.store import Entry
from vidsr.engines.onnx_files.network_cache import network_changes
from vidsr.engines.trt.gpu import Machine

USABLE, UNKNOWN = "usable here", "fit not known"


def state(entry: Entry, machine: Machine | str) -> str:
    """Return ``USABLE``, ``UNKNOWN`` or what is wrong with an entry."""
    if entry.key is None:
        return f"damaged: {entry.reason}"
    if entry.path.suffix == NetworkKey.suffix:
        changes = network_changes(entry.key)
    elif entry.path.suffix == FindingKey.suffix:
        changes = ()  # of other versions and devices, nobody asks for it
    elif isinstance(machine, str):
        return UNKNOWN
    else:
        changes = machine.differences(entry.key)
    return f"stale: {', '.join(changes)}" if changes else USABLE


def row(entry: Entry, machine: Machine | str) -> tuple[str, ...]:
    key = entry.key or {}
    return (
        _model(key) if entry.key else entry.path.name[:12],
        _shapes(key),
        str(key.get("gpu", {}).get("name", "")),
        str(key.get("tensorrt_version", "")),
        human_bytes(entry.size_bytes),
        human_age(time.time() - entry.used_seconds),
        state(entry, machine),
    )


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines of columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _model(key: dict[str, Any]) -> str:
    """Return the model's name, or its checksum if the name is unknown; "(timings)" for timings."""
    if not any(f"{of}_sha256" in key for of in ("onnx", "weights", "files")):
        return "(timings)"
    return str(key.get("model") or key["onnx_sha256"][:12])


def _shapes(key: dict[str, Any]) -> str:
    """Return the shapes that an engine is fastest at, as NxCxHxW; exported networks take any.

    Of a finding, what was found.
    """
    if "files_sha256" in key:
        return str(key.get("what", ""))
    if "weights_sha256" in key:
        return f"ONNX {key.get('precision', '')}"
    return " ".join("x".join(map(str, p["opt"])) for p in key.get("profiles", ()))


def human_bytes(count: int) -> str:
    """Return ``count`` bytes as text such as ``1.4 MiB``."""
    return f"{count / 2**20:.1f} MiB"


def human_age(seconds: float) -> str:
    """Return ``seconds`` as text such as ``5 min``, ``3 h`` or ``12 d``."""
    minutes = max(0, int(seconds // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
