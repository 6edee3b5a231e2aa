"""Places of data that are too large to commit."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def find_data() -> Path:
    """Return the folder that VIDSR_DATA names, else ../shared/data, which may be absent."""
    return Path(os.environ.get("VIDSR_DATA") or ROOT.parent / "shared" / "data")
