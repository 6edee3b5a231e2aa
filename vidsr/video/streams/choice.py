"""The streams of a source that a run keeps beside its video, as people name them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vidsr.errors import OptionError
from vidsr.video.header import SideStream

KINDS = ("video", "audio", "subtitle", "data", "attachment")
EXPECTED = "a list such as 'audio:0,subtitle:ger' of kinds, kind:number, kind:language or indices"
_PART = re.compile(rf"\d+|(?:{'|'.join(KINDS)})(?::(?:\d+|[a-z]{{2,3}}))?|none", re.IGNORECASE)


def is_choice(text: str) -> bool:
    """Return True if every part of a list names a stream, or a kind of them."""
    return all(_PART.fullmatch(part.strip()) for part in text.split(","))


def kept_indices(text: str, streams: Iterable[SideStream]) -> set[int]:
    """Return the indices of the streams that a list names; a number counts from 0 in its kind.

    A kind alone may name none. Raises OptionError for a number, a language or an index that none
    of the streams has.
    """
    parts = [part.strip().lower() for part in text.split(",")]
    kept, seen, known = set(), dict.fromkeys(KINDS, 0), {*KINDS, "none"}
    for stream in streams:
        names = {str(stream.index), stream.kind, f"{stream.kind}:{seen.get(stream.kind, 0)}"}
        names.add(f"{stream.kind}:{stream.tags.get('language', 'und').lower()}")
        seen[stream.kind] = seen.get(stream.kind, 0) + 1
        known |= names
        if names.intersection(parts):
            kept.add(stream.index)
    if absent := [part for part in parts if part not in known]:
        there = ", ".join(f"{kind}: {count}" for kind, count in seen.items() if count)
        raise OptionError(
            f"streams = {text!r}: the source has no {', '.join(absent)}",
            hint=f"it has {there}; numbers count from 0 in their kind.",
        )
    return kept
