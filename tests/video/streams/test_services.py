"""Names of programmes in transport streams, whose tables may be damaged anywhere."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from vidsr.video.header import Service
from vidsr.video.streams.services import find_service

PMT_PID, VIDEO_PID = 0x1000, 0x100


def packet(pid: int, section: bytes) -> bytes:
    return (struct.pack(">BHB", 0x47, 0x4000 | pid, 0x10) + b"\0" + section).ljust(188, b"\xff")


def section(table: int, body: bytes) -> bytes:
    body = b"\0\1\xc1\0\0" + body + bytes(4)  # numbers, and a checksum that nobody looks at
    return bytes([table]) + struct.pack(">H", 0xB000 | len(body)) + body


def stream(name: bytes, *, loop_bytes: int | None = None) -> bytes:
    """Return a stream of one programme; its descriptors may claim another size."""
    descriptor = b"\1\4prov" + bytes([len(name)]) + name
    descriptor = bytes([0x48, len(descriptor)]) + descriptor
    size = len(descriptor) if loop_bytes is None else loop_bytes
    services = b"\0\1\xff" + struct.pack(">HBH", 1, 0xFC, 0x8000 | size) + descriptor
    streams = struct.pack(">HHBHH", 0xE000 | VIDEO_PID, 0xF000, 0x1B, 0xE000 | VIDEO_PID, 0xF000)
    return (
        packet(0, section(0, struct.pack(">HH", 1, 0xE000 | PMT_PID)))
        + packet(PMT_PID, section(2, streams))
        + packet(0x11, section(0x42, services))
    ) * 2


def found(path: Path, data: bytes) -> Service | None:
    path.write_bytes(data)
    return find_service(path, VIDEO_PID)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (b"abc", "abc"),
        (b"\x01\xb0\xb1", "АБ"),
        (b"\x10\0\x02\xa1", "Ą"),
        (b"\x08abc", "abc"),  # reserved: there is no ISO 8859-12
        (b"\x10\0\x63abc", "abc"),
        (b"\x10\x01\x02abc", "abc"),
        (b"\x10\0", ""),
        (b"\x10", ""),
        (b"\x1fabc", "abc"),
    ],
)
def test_a_name_is_read_in_its_alphabet(tmp_path: Path, name: bytes, read: str) -> None:
    assert found(tmp_path / "a.ts", stream(name)) == Service(1, PMT_PID, read, "prov")


@pytest.mark.parametrize("loop_bytes", [0, 1, 2, 14, 15, 0xFFF])
def test_descriptors_end_with_their_section(tmp_path: Path, loop_bytes: int) -> None:
    service = found(tmp_path / "a.ts", stream(b"abc", loop_bytes=loop_bytes))
    assert service is not None
    assert service.number == 1


def test_no_damage_raises(tmp_path: Path) -> None:
    whole, chance = stream(b"\x10\0\x02abc"), random.Random(3)
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(data) // 188) * 188 + chance.randrange(1, 48)
            data[at] = chance.randrange(256)
        found(tmp_path / "a.ts", bytes(data))
