"""The programme of a transport stream that a video belongs to: its name, numbers and tables.

PyAV names no programmes, so the tables at a file's beginning are read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vidsr.video.header import Service

_SYNC, _PACKET = 0x47, 188
_SPACINGS = (188, 192, 204)
LOOKED_AT_BYTES = 4 << 20  # tables come several times a second
_PAT_PID, _SDT_PID = 0x00, 0x11
_PAT, _PMT, _SDT = 0x00, 0x02, 0x42
_SERVICE_DESCRIPTOR = 0x48


def find_service(path: Path, pid: int) -> Service | None:
    """Return the programme of a file that the stream ``pid`` belongs to, None for none."""
    try:
        with path.open("rb") as file:
            return service_in(file.read(LOOKED_AT_BYTES), pid)
    except OSError:
        return None


def service_in(data: bytes, pid: int) -> Service | None:
    """Return the programme that the stream ``pid`` belongs to, by the beginning of its file."""
    programmes: dict[int, int] = {}
    for _, section in _sections(data, {_PAT_PID}):
        if section[0] == _PAT:
            programmes |= dict(_programmes(section))
    tables = {
        table_pid
        for table_pid, section in _sections(data, set(programmes.values()))
        if section[0] == _PMT and pid in _stream_pids(section)
    }
    for number, table_pid in programmes.items():
        if table_pid in tables:
            return Service(number, table_pid, *_names(data).get(number, ("", "")))
    return None


def _packets(data: bytes) -> Iterator[bytes]:
    for spacing in _SPACINGS:
        for start in range(min(spacing, len(data))):
            ahead = range(start, start + 5 * spacing, spacing)
            if all(data[n : n + 1] in (b"G", b"") for n in ahead):
                for place in range(start, len(data) - _PACKET + 1, spacing):
                    yield data[place : place + _PACKET]
                return


def _sections(data: bytes, pids: set[int]) -> Iterator[tuple[int, bytes]]:
    """Yield packet identifier and bytes of whole sections, each from its table's number on."""
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


def _programmes(section: bytes) -> Iterator[tuple[int, int]]:
    for place in range(8, len(section) - 7, 4):
        number = int.from_bytes(section[place : place + 2], "big")
        if number:
            yield number, int.from_bytes(section[place + 2 : place + 4], "big") & 0x1FFF


def _stream_pids(section: bytes) -> set[int]:
    pids, place = set(), 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while place + 5 <= len(section) - 4:
        pids.add(int.from_bytes(section[place + 1 : place + 3], "big") & 0x1FFF)
        place += 5 + (int.from_bytes(section[place + 3 : place + 5], "big") & 0xFFF)
    return pids


def _names(data: bytes) -> dict[int, tuple[str, str]]:
    """Return name and provider by the number of the programme."""
    names = {}
    for _, section in _sections(data, {_SDT_PID}):
        place = 11
        while section[0] == _SDT and place + 5 <= len(section) - 4:
            number = int.from_bytes(section[place : place + 2], "big")
            end = place + 5 + (int.from_bytes(section[place + 3 : place + 5], "big") & 0xFFF)
            for kind, body in _descriptors(section[place + 5 : min(end, len(section) - 4)]):
                if kind == _SERVICE_DESCRIPTOR and len(body) > 2:
                    names[number] = _name_and_provider(body)
            place = end
    return names


def _descriptors(loop: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 2 <= len(loop):
        end = place + 2 + loop[place + 1]
        yield loop[place], loop[place + 2 : end]
        place = end


def _name_and_provider(body: bytes) -> tuple[str, str]:
    provider = body[2 : 2 + body[1]]
    name = body[3 + len(provider) :][: body[2 + len(provider)]] if len(body) > 2 + body[1] else b""
    return _text(name), _text(provider)


def _text(data: bytes) -> str:
    """Return a text of DVB; a first byte below 0x20 names its alphabet."""
    if not data or data[0] >= 0x20:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1")
    skipped = 3 if data[0] == 0x10 else 1
    return _decoded(data[skipped:], _alphabet(data))


def _alphabet(data: bytes) -> str:
    if data[0] == 0x10:
        return f"iso8859-{int.from_bytes(data[1:3], 'big') or 1}"
    if data[0] <= 0x0B:
        return f"iso8859-{data[0] + 4}"
    return {0x11: "utf-16-be", 0x12: "euc-kr", 0x13: "gb2312", 0x14: "big5"}.get(data[0], "utf-8")


def _decoded(data: bytes, alphabet: str) -> str:
    try:
        return data.decode(alphabet, "replace")
    except LookupError:  # damaged, or reserved as ISO 8859-12 is
        return data.decode("latin-1")
