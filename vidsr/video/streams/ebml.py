"""EBML, in which Matroska is written: elements of an identifier, a size and a payload."""

from __future__ import annotations

from collections.abc import Iterator

_UNKNOWN_SIZE = 8  # bytes of a size; all its bits set mean "to the end"


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield identifier and payload of each element; what is cut short ends them."""
    place = 0
    while place < len(data):
        identifier, place = _number(data, place, keep_marker=True)
        size, after = _number(data, place, keep_marker=False)
        if size is None or identifier is None:
            return
        unknown = size == (1 << 7 * (after - place)) - 1
        end = len(data) if unknown else after + size
        yield identifier, data[after:end]
        place = end


def find(data: bytes, *path: int) -> bytes | None:
    """Return the payload of the first element at a path of identifiers, None for none."""
    for identifier, payload in elements(data):
        if identifier == path[0]:
            return find(payload, *path[1:]) if path[1:] else payload
    return None


def element(identifier: int, payload: bytes | int) -> bytes:
    """Return an element; a whole number is written as one."""
    if isinstance(payload, int):
        payload = payload.to_bytes(max(1, (payload.bit_length() + 7) // 8), "big")
    name = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    return name + (len(payload) | 1 << 56).to_bytes(_UNKNOWN_SIZE, "big") + payload


def _number(data: bytes, place: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """Return a number whose first set bit tells its length, and the place behind it."""
    if place >= len(data) or not data[place]:
        return None, len(data)
    length = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + length], "big")
    return (value if keep_marker else value & (1 << 7 * length) - 1), place + length
