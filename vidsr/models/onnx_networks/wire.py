"""Protobuf messages read field by field, without the packages that decode all of them.

https://protobuf.dev/programming-guides/encoding. What is read is a view of the file: strings of
two gigabytes cost nothing until somebody copies them.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT_BITS = 70
Payload = int | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, Payload]]:
    """Yield number and content of each field: a number for varints, else its bytes.

    Raises IndexError or ValueError for what is no message.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, length = tag & 7, 0
        if kind == VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"a field of kind {kind}, which no file of ONNX has")
        if at + length > len(message):
            raise IndexError(at + length)
        yield tag >> 3, message[at : at + length]
        at += length


def numbers(payload: Payload) -> Iterator[int]:
    """Yield the whole numbers of a repeated field, packed or not. Raises as ``fields`` does."""
    if isinstance(payload, int):
        yield payload
        return
    at = 0
    while at < len(payload):
        value, at = _varint(payload, at)
        yield value


def text(payload: Payload) -> str:
    """Return a string. Raises ValueError for what is none."""
    if isinstance(payload, int):
        raise ValueError("expected a string, got a number")
    return bytes(payload).decode()


def signed(value: int) -> int:
    """Return a number of 64 bits that may be negative."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number stored as seven bits a byte, and where the next field starts."""
    value = shift = 0
    while shift < LONGEST_VARINT_BITS:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("a number of more than ten bytes")
