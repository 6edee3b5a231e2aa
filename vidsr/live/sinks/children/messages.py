"""Messages between a stream and the process that sends for it, through two pipes.

Down go the order, with the address and its secrets, and the packets; up go lines of JSON. Both
ends are of one version of this program.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from vidsr.live.base.items import CodedPacket
from vidsr.live.sinks.muxing.mux_format import MuxFormat

_HEADER = struct.Struct("<BI")
_PACKET = struct.Struct("<qqqB")
_ORDER, _VIDEO, _SOUND, _END = range(4)


@dataclass(frozen=True, repr=False)
class Order:
    """What a child is to do.

    Args:
        kind: The kind of its address, such as ``rtmp``.
        url: The address as FFmpeg opens it, with user and password.
        container: FFmpeg's name of the muxer.
        format: The streams.
        options: Options of muxer and protocol.
    """

    kind: str
    url: str
    container: str
    format: MuxFormat
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """The last message: the child writes the end of its stream and goes."""


Message = Order | CodedPacket | End


def encode_order(order: Order) -> bytes:
    """Return an order as bytes for the pipe."""
    text = json.dumps(
        {
            "kind": order.kind,
            "url": order.url,
            "container": order.container,
            "format": order.format.to_json(),
            "options": order.options,
        }
    ).encode()
    return _HEADER.pack(_ORDER, len(text)) + text


def encode_packet(packet: CodedPacket) -> bytes:
    """Return a packet as bytes for the pipe."""
    kind = _VIDEO if packet.kind == "video" else _SOUND
    head = _PACKET.pack(packet.pts, packet.dts, packet.duration, packet.key)
    return b"".join((_HEADER.pack(kind, len(head) + len(packet.data)), head, packet.data))


def encode_end() -> bytes:
    """Return the last message as bytes for the pipe."""
    return _HEADER.pack(_END, 0)


class MessageReader:
    """Bytes from the pipe, made messages again."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        self._buffer += data

    def next(self) -> Message | None:
        """Return the next message, None where it is not whole yet."""
        if len(self._buffer) < _HEADER.size:
            return None
        kind, size = _HEADER.unpack_from(self._buffer)
        end = _HEADER.size + size
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        return _decode(kind, body)


def _decode(kind: int, body: bytes) -> Message:
    if kind == _END:
        return End()
    if kind == _ORDER:
        data: dict[str, Any] = json.loads(body)
        return Order(**{**data, "format": MuxFormat.from_json(data["format"])})
    pts, dts, duration, key = _PACKET.unpack_from(body)
    return CodedPacket(
        body[_PACKET.size :],
        "video" if kind == _VIDEO else "sound",
        pts=pts,
        dts=dts,
        duration=duration,
        key=bool(key),
    )
