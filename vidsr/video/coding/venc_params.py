"""Quantisers of one picture, as FFmpeg exports them: the payload of ``VIDEO_ENC_PARAMS``.

The layout is that of ``AVVideoEncParams`` and ``AVVideoBlockParams``
(libavutil/video_enc_params.h), in the machine's own byte order.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["vp9", "h264", "mpeg"]

# int32 number of blocks, a gap, size_t offset and size of the blocks, int32 type, int32 quantiser.
_HEADER = struct.Struct("=i4xQQii")
_KINDS: dict[int, Kind] = {0: "vp9", 1: "h264", 2: "mpeg"}
# x, y, w, h in pixels and the difference to the base.
_FIELDS = 5


@dataclass(frozen=True)
class Quantisers:
    """The quantisers of one picture.

    Attributes:
        kind: The scale of the numbers.
        base: The quantiser of the whole picture.
        blocks: ``[n, 5]`` int32: x, y, width and height in pixels, and what is added to ``base``;
            no rows where ``base`` holds everywhere.
    """

    kind: Kind
    base: int
    blocks: NDArray[np.int32]


def parse(data: bytes) -> Quantisers | None:
    """Return what a payload holds, None for one that is cut short or of another kind."""
    if len(data) < _HEADER.size:
        return None
    count, offset, size, kind, base = _HEADER.unpack_from(data)
    wide = 4 * _FIELDS
    if kind not in _KINDS or count < 0:
        return None
    if count and not (_HEADER.size <= offset <= len(data) and wide <= size <= len(data)):
        return None
    if count and offset + count * size > len(data):
        return None
    raw = np.frombuffer(data, np.uint8, count * size, offset if count else 0)
    rows = raw.reshape(count, size if count else wide)[:, :wide]
    return Quantisers(_KINDS[kind], base, np.ascontiguousarray(rows).view(np.int32))
