"""Names of codings that a transport stream's map of programmes gives and PyAV does not.

PyAV names a stream by its decoder. FFmpeg is built without one for teletext and Japanese captions,
which are copied without.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_SYNC = 0x47
READ_BYTES = 4 << 20  # a map comes at least every half second
_SIZES = (188, 192, 204)
_TELETEXT, _VBI_TELETEXT, _COMPONENT = 0x56, 0x46, 0xFD
_ARIB_COMPONENTS = (0x0008, 0x0012)


def copied_without_decoder(path: Path) -> dict[int, str]:
    """Return FFmpeg's names of such streams in a file by their PID. Raises OSError."""
    with path.open("rb") as file:
        return names_without_decoder(file.read(READ_BYTES))


def names_without_decoder(data: bytes) -> dict[int, str]:
    """Return FFmpeg's names of such streams by their PID, out of a stream's beginning."""
    maps: set[int] = set()
    names: dict[int, str] = {}
    for pid, section in _sections(data, maps):
        if pid == 0 and section[0] == 0:
            maps.update(_maps(section))
        elif pid in maps and section[0] == 2:
            names.update(_names(section))
    return names


def _packets(data: bytes) -> Iterator[bytes]:
    """Yield packets of 188 bytes, whatever lies between them."""
    for size in _SIZES:
        for begin in range(min(size, len(data))):
            if all(data[i] == _SYNC for i in range(begin, min(begin + 8 * size, len(data)), size)):
                for at in range(begin, len(data) - 187, size):
                    yield data[at : at + 188]
                return


def _sections(data: bytes, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """Yield PID and section of the list of programmes and of the maps in ``wanted``."""
    parts: dict[int, bytes] = {}
    for packet in _packets(data):
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        if packet[0] != _SYNC or (pid and pid not in wanted) or not packet[3] & 0x10:
            continue
        payload = packet[4:] if not packet[3] & 0x20 else packet[5 + packet[4] :]
        if packet[1] & 0x40:
            parts[pid] = payload[1 + payload[0] :] if payload else b""
        elif pid in parts:
            parts[pid] += payload
        part = parts.get(pid, b"")
        length = 3 + ((part[1] & 0x0F) << 8 | part[2]) if len(part) > 2 else 0
        if length and len(part) >= length:
            yield pid, part[:length]
            del parts[pid]


def _maps(section: bytes) -> Iterator[int]:
    for at in range(8, len(section) - 7, 4):
        if section[at] or section[at + 1]:  # programme 0 is the network's own table
            yield (section[at + 2] & 0x1F) << 8 | section[at + 3]


def _names(section: bytes) -> Iterator[tuple[int, str]]:
    at = 12 + ((section[10] & 0x0F) << 8 | section[11]) if len(section) > 12 else len(section)
    while at + 5 <= len(section) - 4:
        pid = (section[at + 1] & 0x1F) << 8 | section[at + 2]
        end = at + 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])
        for tag, content in _descriptors(section[at + 5 : end]):
            if tag in (_TELETEXT, _VBI_TELETEXT):
                yield pid, "dvb_teletext"
            elif tag == _COMPONENT and int.from_bytes(content[:2], "big") in _ARIB_COMPONENTS:
                yield pid, "arib_caption"
        at = end


def _descriptors(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(data):
        end = at + 2 + data[at + 1]
        yield data[at], data[at + 2 : end]
        at = end
