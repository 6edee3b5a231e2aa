"""Closed captions inside pictures (CEA-608/708), put into the packets of H.264 and HEVC.

PyAV hands side data to no encoder, so that the message is written here: ATSC A/53 in a registered
user data message (ITU-T T.35) of an SEI unit before a picture's first slice.
"""

from __future__ import annotations

from vidsr.notes import Notes
from vidsr.video.bitstream.nal_units import escaped
from vidsr.video.items import Packet

HOLDING = ("h264", "hevc")
MARK = b"GA94"  # which every packet with captions holds
_HEAD = b"\xb5\x00\x31" + MARK + b"\x03"
_MOST = 31  # constructs of three bytes in one message
_USER_DATA = 4
_START = b"\0\0\1"
_H264_SLICES, _HEVC_SLICES = range(1, 6), range(32)
_H264_SEI, _HEVC_SEI = 6, 39


class HeldCaptions:
    """Captions of frames that an encoder holds, by the times at which these are shown.

    Args:
        codec: The codec's name for people.
        bitstream: FFmpeg's name of what it writes.
        notes: What collects losses.
    """

    def __init__(self, codec: str, bitstream: str, notes: Notes) -> None:
        self._codec, self._bitstream, self._notes = codec, bitstream, notes
        self._held: dict[int | None, bytes] = {}

    def keep(self, pts: int | None, captions: bytes) -> None:
        """Keep a frame's captions until its packet comes, or log a warning of their loss."""
        if self._bitstream in HOLDING:
            self._held[pts] = captions
        else:
            self._notes.say(
                "closed captions inside the picture (CEA-608/708) are not carried over: "
                f"{self._codec} cannot hold them; h264 and hevc do"
            )

    def put_into(self, packet: Packet) -> bytes | None:
        """Return a packet's data with its frame's captions, None where there are none."""
        captions = self._held.pop(packet.pts, b"")
        return add_captions(bytes(packet), captions, self._bitstream) if captions else None


def add_captions(data: bytes, captions: bytes, codec: str) -> bytes:
    """Return a packet with captions before its first slice; one without a slice as it is.

    Args:
        data: The packet, its units behind start codes.
        captions: Constructs of three bytes, as FFmpeg has them beside a picture.
        codec: ``h264`` or ``hevc``.
    """
    at = data.find(_START)
    while 0 <= at < len(data) - 4:
        first, second = data[at + 3], data[at + 4]
        kind = first & 31 if codec == "h264" else first >> 1 & 63
        if kind in (_H264_SLICES if codec == "h264" else _HEVC_SLICES):
            at -= data[at - 1 : at] == b"\0"
            # A unit of HEVC says the layer in time of its picture.
            head = (_H264_SEI,) if codec == "h264" else (_HEVC_SEI << 1 | first & 1, second)
            return data[:at] + b"\0" + _START + bytes(head) + _message(captions) + data[at:]
        at = data.find(_START, at + 3)
    return data


def _message(captions: bytes) -> bytes:
    count = min(len(captions) // 3, _MOST)
    body = _HEAD + bytes((0x40 | count, 0xFF)) + captions[: 3 * count] + b"\xff"
    return escaped(bytes((_USER_DATA, len(body))) + body + b"\x80")
