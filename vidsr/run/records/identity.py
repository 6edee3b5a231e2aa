"""The identity of a run: everything that its result follows from, by names for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vidsr import __version__

SAMPLE_BYTES = 1 << 16


def file_facts(path: Path) -> dict[str, str]:
    """Return size, time of change and digest of a file, of its begin, middle and end alone."""
    state = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for place in (0, state.st_size // 2, max(0, state.st_size - SAMPLE_BYTES)):
            file.seek(place)
            digest.update(file.read(SAMPLE_BYTES))
    return {
        "source size": f"{state.st_size} bytes",
        "source time of change": _moment(state.st_mtime_ns),
        "source content": digest.hexdigest()[:16],
    }


def _moment(time_ns: int) -> str:
    """Return a time since 1970 as that of a clock in UTC, to the microsecond."""
    seconds, rest_ns = divmod(time_ns, 10**9)
    try:
        day = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # of a file system that says anything
        return f"{time_ns / 1e9:.6f} s"
    return f"{day:%Y-%m-%d %H:%M:%S}.{rest_ns // 1000:06d} UTC"


def weights_digest(path: Path) -> str:
    """Return the digest of a model's file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def library_facts() -> dict[str, str]:
    """Return the versions that pixels and bits follow from."""
    import av
    import torch

    codecs = av.library_versions["libavcodec"]
    return {
        "vidsr": __version__,
        "PyTorch": torch.__version__,
        "PyAV": av.__version__,
        "libavcodec": ".".join(map(str, codecs)),
    }


def option_facts(options_json: str, skipped: tuple[str, ...]) -> dict[str, str]:
    """Return options by their names, those left out that change no bit of the result."""
    values: Mapping[str, Any] = json.loads(options_json)
    return {name: json.dumps(value) for name, value in values.items() if name not in skipped}
