"""A message in H.264 and H.265 streams that carries the wall clock of a frame's arrival.

It is user data that belongs to nobody else (SEI type 5, named by a UUID of ours), which decoders
hand on as side data and players skip.
"""

from __future__ import annotations

import struct
from uuid import UUID

from vidsr.video.bitstream.nal_units import escaped

NAME = UUID("6c0f5f1e-9d3b-4a57-8f2e-76696473724c")
_TYPE = 5  # user_data_unregistered
_PREFIX = {"h264": b"\0\0\0\1\x06", "hevc": b"\0\0\0\1\x4e\x01"}
_CLOCK = struct.Struct(">Q")
SEI_CODECS = tuple(_PREFIX)


def clock_message(codec: str, clock_ns: int) -> bytes:
    """Return a unit of the bitstream, with its start code, that goes before a coded frame.

    Args:
        codec: ``h264`` or ``hevc``.
        clock_ns: The wall clock, nanoseconds since the epoch.
    """
    payload = NAME.bytes + _CLOCK.pack(clock_ns)
    body = bytes((_TYPE, len(payload))) + payload + b"\x80"
    return _PREFIX[codec] + escaped(body)


def read_clock(data: bytes) -> int | None:
    """Return the wall clock in nanoseconds out of a message's side data, None for another's."""
    if len(data) < 16 + _CLOCK.size or data[:16] != NAME.bytes:
        return None
    return int(_CLOCK.unpack_from(data, 16)[0])
