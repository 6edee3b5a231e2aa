"""The programme of a transport stream that a video belongs to: its name, numbers and tables.

PyAV names no programmes, so the tables at a file's beginning are read here.
"""

from __future__ import annotations

from pathlib import Path

from vidsr.video.bitstream.transport import READ_BYTES, descriptors, programmes, sections, streams
from vidsr.video.header import Service

_PAT_PID, _SDT_PID = 0x00, 0x11
_PAT, _PMT, _SDT = 0x00, 0x02, 0x42
_SERVICE_DESCRIPTOR = 0x48


def find_service(path: Path, pid: int) -> Service | None:
    """Return the programme of a file that the stream ``pid`` belongs to, None for none."""
    try:
        with path.open("rb") as file:
            return service_in(file.read(READ_BYTES), pid)
    except OSError:
        return None


def service_in(data: bytes, pid: int) -> Service | None:
    """Return the programme that the stream ``pid`` belongs to, by the beginning of its file."""
    found: dict[int, int] = {}
    for _, section in sections(data, {_PAT_PID}):
        if section[0] == _PAT:
            found |= dict(programmes(section))
    tables = {
        table_pid
        for table_pid, section in sections(data, set(found.values()))
        if section[0] == _PMT and any(pid == other for _, other, _ in streams(section))
    }
    for number, table_pid in found.items():
        if table_pid in tables:
            return Service(number, table_pid, *_names(data).get(number, ("", "")))
    return None


def _names(data: bytes) -> dict[int, tuple[str, str]]:
    """Return name and provider by the number of the programme."""
    names = {}
    for _, section in sections(data, {_SDT_PID}):
        place = 11
        while section[0] == _SDT and place + 5 <= len(section) - 4:
            number = int.from_bytes(section[place : place + 2], "big")
            end = place + 5 + (int.from_bytes(section[place + 3 : place + 5], "big") & 0xFFF)
            for kind, body in descriptors(section[place + 5 : min(end, len(section) - 4)]):
                if kind == _SERVICE_DESCRIPTOR and len(body) > 2:
                    names[number] = _name_and_provider(body)
            place = end
    return names


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
