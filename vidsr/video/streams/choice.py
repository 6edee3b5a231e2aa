"""The streams of a source that a run keeps beside its video, as people name them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vidsr.video.header import SideStream

KINDS = ("video", "audio", "subtitle", "data", "attachment")
EXPECTED = "a list such as 'audio:0,subtitle:ger' of kinds, kind:number, kind:language or indices"
_PART = re.compile(rf"\d+|(?:{'|'.join(KINDS)})(?::(?:\d+|[a-z]{{2,3}}))?|none", re.IGNORECASE)


def is_choice(text: str) -> bool:
    """Return True if every part of a list names a stream, or a kind of them."""
    return all(_PART.fullmatch(part.strip()) for part in text.split(","))


def kept_indices(text: str, streams: Iterable[SideStream]) -> set[int]:
    """Return the indices of the streams that a list names; a number counts from 0 in its kind."""
    parts = [part.strip().lower() for part in text.split(",")]
    kept, seen = set(), dict.fromkeys(KINDS, 0)
    for stream in streams:
        names = {str(stream.index), stream.kind, f"{stream.kind}:{seen.get(stream.kind, 0)}"}
        names.add(f"{stream.kind}:{stream.tags.get('language', 'und').lower()}")
        seen[stream.kind] = seen.get(stream.kind, 0) + 1
        if names.intersection(parts):
            kept.add(stream.index)
    return kept
