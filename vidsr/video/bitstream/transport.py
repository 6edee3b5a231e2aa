"""Tables of transport streams: packets, sections of tables in them, descriptors in those."""

from __future__ import annotations

from collections.abc import Container, Iterator

READ_BYTES = 4 << 20  # of a file's beginning; tables come several times a second
_SYNC, _PACKET = 0x47, 188
_SPACINGS = (188, 192, 204)  # as broadcast, on discs, and with bytes that correct errors


def sections(data: bytes, pids: Container[int]) -> Iterator[tuple[int, bytes]]:
    """Yield packet identifier and bytes of whole sections, each from its table's number on.

    ``pids`` may grow meanwhile.
    """
    parts: dict[int, bytes] = {}
    for packet in _packets(data):
        pid = int.from_bytes(packet[1:3], "big") & 0x1FFF
        if packet[0] != _SYNC or pid not in pids or not packet[3] & 0x10:  # no payload
            continue
        payload = packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
        if packet[1] & 0x40:  # a section begins here, behind the end of the one before
            held = payload[1 + payload[0] :] if payload else b""
        else:
            held = parts.get(pid, b"") + payload
        while len(held) > 3 and held[0] != 0xFF:
            size = 3 + (int.from_bytes(held[1:3], "big") & 0xFFF)
            if len(held) < size:
                break
            yield pid, held[:size]
            held = held[size:]
        parts[pid] = held[:1] if held[:1] == b"\xff" else held  # what is stuffed is not kept


def programmes(section: bytes) -> Iterator[tuple[int, int]]:
    """Yield number and map's identifier of each programme in the list of them."""
    for place in range(8, len(section) - 7, 4):
        number = int.from_bytes(section[place : place + 2], "big")
        if number:  # 0 is the network's own table
            yield number, int.from_bytes(section[place + 2 : place + 4], "big") & 0x1FFF


def streams(section: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield kind, identifier and descriptors of each stream in a map."""
    place = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while place + 5 <= len(section) - 4:
        end = place + 5 + (int.from_bytes(section[place + 3 : place + 5], "big") & 0xFFF)
        pid = int.from_bytes(section[place + 1 : place + 3], "big") & 0x1FFF
        yield section[place], pid, section[place + 5 : end]
        place = end


def descriptors(loop: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and contents of descriptors."""
    place = 0
    while place + 2 <= len(loop):
        end = place + 2 + loop[place + 1]
        yield loop[place], loop[place + 2 : end]
        place = end


def _packets(data: bytes) -> Iterator[bytes]:
    for spacing in _SPACINGS:
        for start in range(min(spacing, len(data))):
            ahead = range(start, start + 5 * spacing, spacing)
            if all(data[n : n + 1] in (b"G", b"") for n in ahead):
                for place in range(start, len(data) - _PACKET + 1, spacing):
                    yield data[place : place + _PACKET]
                return
