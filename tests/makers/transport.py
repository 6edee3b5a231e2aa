"""Transport streams made packet by packet, for what no encoder here writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

CLOCK = 90_000


def crc(data: bytes) -> bytes:
    """Return the CRC-32 of MPEG-2's tables."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value.to_bytes(4, "big")


def section(table: int, number: int, body: bytes) -> bytes:
    head = number.to_bytes(2, "big") + b"\xc1\0\0" + body
    whole = bytes((table,)) + (0xB000 | len(head) + 4).to_bytes(2, "big") + head
    return whole + crc(whole)


def packets(pid: int, payload: bytes, count: int = 0) -> bytes:
    """Split a payload into packets of 188 bytes, the last one stuffed."""
    out, first = b"", True
    while payload:
        part, payload = payload[:184], payload[184:]
        control = (pid | (0x4000 if first else 0)).to_bytes(2, "big")
        if len(part) == 184:
            out += b"\x47" + control + bytes((0x10 | count & 15,)) + part
        else:
            room = 183 - len(part)
            stuffing = (b"\0" + b"\xff" * (room - 1)) if room else b""
            out += b"\x47" + control + bytes((0x30 | count & 15, room)) + stuffing + part
        first, count = False, count + 1
    return out


def pes(stream: int, pts: int, data: bytes) -> bytes:
    """Return a packet of an elementary stream with a time."""
    stamp = bytes(
        (
            0x21 | pts >> 29 & 14,
            pts >> 22 & 255,
            pts >> 14 & 255 | 1,
            pts >> 7 & 255,
            pts << 1 & 255 | 1,
        )
    )
    body = b"\x84\x80\x05" + stamp + data
    return b"\0\0\1" + bytes((stream,)) + len(body).to_bytes(2, "big") + body


def add_stream(
    path: Path, target: Path, kind: int, descriptor: bytes, data: Sequence[tuple[float, bytes]]
) -> Path:
    """Write a copy of a transport stream with one more stream, on PID 0x300, said to be ``kind``.

    ``data`` are its packets with their seconds; they come behind the first time of the clock, for
    FFmpeg believes no times of teletext before.
    """
    source, pid = path.read_bytes(), 0x300
    out, done = b"", False
    for at in range(0, len(source), 188):
        packet = source[at : at + 188]
        number = (packet[1] & 0x1F) << 8 | packet[2]
        if number == 0x1000 and packet[1] & 0x40:
            packet = _with_stream(packet, pid, kind, descriptor)
        elif packet[3] & 0x20 and packet[4] and packet[5] & 0x10 and not done:
            done = True
            for count, (seconds, content) in enumerate(data):
                packet += packets(pid, pes(0xBD, round(seconds * CLOCK), content), count)
        out += packet
    target.write_bytes(out)
    return target


def _with_stream(packet: bytes, pid: int, kind: int, descriptor: bytes) -> bytes:
    """Return a packet with FFmpeg's map of programmes, one stream longer."""
    begin = 5 + packet[4]
    length = int.from_bytes(packet[begin + 1 : begin + 3], "big") & 0xFFF
    table = packet[begin : begin + 3 + length]
    entry = bytes((kind,)) + (0xE000 | pid).to_bytes(2, "big")
    entry += (0xF000 | len(descriptor)).to_bytes(2, "big") + descriptor
    body = table[8:-4] + entry
    longer = section(2, int.from_bytes(table[3:5], "big"), body)
    return (packet[:4] + b"\0" + longer).ljust(188, b"\xff")
