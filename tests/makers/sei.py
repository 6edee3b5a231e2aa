"""Messages put into H.264 and HEVC streams as broadcasters do: closed captions, HDR10+.

``raw_clip`` writes a raw stream with such a message on chosen pictures.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import av

from tests.makers.clips import FAST, picture

# Country, provider and kind of ITU-T T.35; two characters of CEA-608 in field 1.
CAPTION_DATA = b"\xfc\x94\x2c"
CAPTION = b"\xb5\x00\x31GA94\x03\x41\xff" + CAPTION_DATA + b"\xff"
# One window, all of its 115 bits zero but the count of windows.
HDR10_PLUS = b"\xb5\x00\x3c\x00\x01\x04\x01" + b"\x40" + bytes(14)
_HEADERS = {"libx264": b"\x06", "libx265": b"\x4e\x01"}


def _unit(codec: str, message: bytes) -> bytes:
    """Return a NAL unit of one registered user data message, with bytes that keep zeros apart."""
    body, zeros = bytearray(), 0
    for byte in bytes((4, len(message))) + message + b"\x80":
        if zeros == 2 and byte <= 3:
            body.append(3)
            zeros = 0
        body.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return b"\0\0\0\1" + _HEADERS[codec] + bytes(body)


def raw_clip(
    path: Path, message: bytes, on: Collection[int], *, frames: int, codec: str = "libx264"
) -> Path:
    """Write one key frame and no B-frames; ``message`` before the pictures numbered ``on``."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 64, 48, "yuv420p"
    context.framerate = Fraction(25)
    context.gop_size, context.max_b_frames = 1000, 0
    context.options = FAST[codec]
    packets = []
    for index in range(frames):
        image = picture(64, 48, index=index)
        image.pts = index
        packets += context.encode(image)
    packets += context.encode(None)
    assert len(packets) == frames
    unit = _unit(codec, message)
    path.write_bytes(b"".join(unit * (n in on) + bytes(p) for n, p in enumerate(packets)))
    return path
