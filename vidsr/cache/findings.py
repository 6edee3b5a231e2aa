"""Findings about models: measured or tried once, and known at every start from then on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vidsr.cache.keys import FindingKey
from vidsr.cache.store import EngineCache
from vidsr.errors import VidsrError

PART_BYTES = 1 << 20


def finding_key(
    what: str, model: str, files: Iterable[Path], under: Mapping[str, str]
) -> FindingKey | None:
    """Return the key of a finding about a model; None where its files cannot be read.

    Args:
        what: Name of what is found.
        model: Name of the model, for people.
        files: All files of the model, in an order that is always the same.
        under: What the finding holds under, by name.
    """
    digest = hashlib.sha256()
    try:
        for path in files:
            with path.open("rb") as file:
                while part := file.read(PART_BYTES):
                    digest.update(part)
    except OSError:
        return None
    return FindingKey(what=what, model=model, files_sha256=digest.hexdigest(), under=dict(under))


def recall(key: FindingKey | None) -> dict[str, Any] | None:
    """Return what was remembered under a key; None for nothing, or nothing that may be used."""
    if key is None:
        return None
    with suppress(VidsrError, ValueError, RecursionError):
        payload = EngineCache().load(key).payload
        found = None if payload is None else json.loads(payload)
        return found if isinstance(found, dict) else None
    return None


def remember(key: FindingKey | None, found: Mapping[str, Any]) -> None:
    """Keep a finding for the next start. Where nothing can be kept, it is found again."""
    if key is not None:
        with suppress(VidsrError):
            EngineCache().store(key, json.dumps(found).encode())
