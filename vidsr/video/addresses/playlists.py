"""HLS playlists: one that ends, one variant of it, and nothing that cannot be read."""

from __future__ import annotations

import re

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.video.locator import Locator

LONGEST_BYTES = 16 << 20
BEGINNING = b"#EXTM3U"
_BANDWIDTH = re.compile(r"[:,]\s*BANDWIDTH=(\d+)")
_SIZE = re.compile(r"RESOLUTION=(\d+x\d+)", re.IGNORECASE)
_KEY = re.compile(r"#EXT-X-(?:SESSION-)?KEY:.*METHOD=([A-Z0-9-]+)")


def checked_playlist(text: str, locator: Locator, notes: Notes) -> str:
    """Return a playlist as it is read: whole, and with one variant of several.

    Raises InputError for one without an end, and for an encrypted one.
    """
    if any(match[1] != "NONE" for match in _KEY.finditer(text)):
        raise InputError(f"{locator}: is encrypted, which is not read")
    lines = text.splitlines()
    variants = [n for n, line in enumerate(lines) if line.startswith("#EXT-X-STREAM-INF:")]
    if variants:
        return "\n".join(_best(lines, variants, locator, notes)) + "\n"
    if "#EXT-X-ENDLIST" not in lines and "#EXT-X-ENDLIST" not in map(str.strip, lines):
        raise InputError(
            f"{locator}: is a playlist that goes on, of a live stream",
            hint="vidsr-live reads streams that have no end.",
        )
    return text


def _best(lines: list[str], variants: list[int], locator: Locator, notes: Notes) -> list[str]:
    """Return the lines with the variant of the highest rate alone."""
    if len(variants) == 1:
        return lines
    rates = {n: int(m[1]) if (m := _BANDWIDTH.search(lines[n])) else 0 for n in variants}
    best = max(variants, key=lambda n: rates[n])
    size = _SIZE.search(lines[best])
    what = size[1] if size else f"{rates[best]} bits a second"
    notes.choose(f"{locator}: {len(variants)} variants: the one of {what} is read")
    dropped = set[int]()
    for number in variants:
        if number != best:
            following = range(number + 1, len(lines))
            address = next((n for n in following if lines[n] and lines[n][0] != "#"), number)
            dropped.update(range(number, address + 1))
    return [line for n, line in enumerate(lines) if n not in dropped]
