"""Records of what the command did, as JSON in a file or on standard output."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidsr import __version__
from vidsr.errors import OutputError

STANDARD_OUTPUT = "-"
_LIBRARIES = (("PyTorch", "torch"), ("PyAV", "av"))


def platform_name() -> str:
    """Return system, Python and libraries, such as ``Linux-6.1-x86_64, Python 3.12.3, ...``.

    None of them is loaded for it.
    """
    from importlib.metadata import PackageNotFoundError, version  # 25 ms that few runs need

    parts = [platform.platform(), f"Python {platform.python_version()}"]
    for name, package in _LIBRARIES:
        try:
            parts.append(f"{name} {version(package)}")
        except PackageNotFoundError:  # without metadata, as some bundlers leave them
            continue
    return ", ".join(parts)


def machine_facts() -> dict[str, str]:
    """Return what every record says of the program and the machine."""
    return {"version": __version__, "platform": platform_name()}


def as_record(facts: Mapping[str, Any]) -> str:
    """Return a record as JSON text, with version and platform."""
    return json.dumps(machine_facts() | dict(facts), indent=2)


def write_record(name: str, text: str) -> None:
    """Write a record to a file, or to standard output for ``-``. Raises OutputError."""
    if name == STANDARD_OUTPUT:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        return
    try:
        Path(name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{name}: the report cannot be written: {error.strerror}") from error
