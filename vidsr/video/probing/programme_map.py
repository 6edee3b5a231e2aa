"""Names of codings that a transport stream's map of programmes gives and PyAV does not.

PyAV names a stream by its decoder. FFmpeg is built without one for teletext and Japanese captions,
which are copied without; and marks for advertisements (SCTE-35) are known to it only where the
programme announces them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vidsr.video.bitstream.transport import READ_BYTES, descriptors, programmes, sections, streams

_LIST_PID, _LIST, _MAP = 0, 0, 2
_TELETEXT, _VBI_TELETEXT, _COMPONENT = 0x56, 0x46, 0xFD
_SCTE_35 = 0x86
_ARIB_COMPONENTS = (0x0008, 0x0012)


def copied_without_decoder(path: Path) -> dict[int, str]:
    """Return FFmpeg's names of such streams in a file by their PID. Raises OSError."""
    with path.open("rb") as file:
        return names_without_decoder(file.read(READ_BYTES))


def names_without_decoder(data: bytes) -> dict[int, str]:
    """Return FFmpeg's names of such streams by their PID, out of a stream's beginning."""
    maps: set[int] = set()
    wanted = {_LIST_PID}
    names: dict[int, str] = {}
    for pid, section in sections(data, wanted):
        if pid == _LIST_PID and section[0] == _LIST:
            maps.update(table for _, table in programmes(section))
            wanted |= maps
        elif pid in maps and section[0] == _MAP:
            names.update(_names(section))
    return names


def _names(section: bytes) -> Iterator[tuple[int, str]]:
    for kind, pid, loop in streams(section):
        if kind == _SCTE_35:
            yield pid, "scte_35"
        for tag, content in descriptors(loop):
            if tag in (_TELETEXT, _VBI_TELETEXT):
                yield pid, "dvb_teletext"
            elif tag == _COMPONENT and int.from_bytes(content[:2], "big") in _ARIB_COMPONENTS:
                yield pid, "arib_caption"
