"""The quantiser of MPEG-1 and MPEG-2: that of each slice's header (ISO 13818-2, 6.2.4)."""

from __future__ import annotations

import re
from itertools import islice

from vidsr.video.coding.headers.steps import mpeg_steps

_PICTURE, _EXTENSION = b"\0\0\1\0", b"\0\0\1\xb5"
_SLICE = re.compile(rb"\x00\x00\x01[\x01-\xaf](.)", re.DOTALL)
_B, _CODING_EXTENSION = 3, 8
# Slices of a packet that are read; a picture of 1088 lines has 68, or some of them in each row.
_MOST_SLICES = 1024
# The scale of MPEG-2 that is not linear (table 7-6).
_SCALE = (*range(9), *range(10, 25, 2), *range(28, 57, 4), *range(64, 113, 8))


class MpegHeaders:
    """The reader of the slices' headers; blocks may have other quantisers, which are not read."""

    bidirectional = False

    def step(self, data: bytes) -> float | None:
        """Return the mean step of a packet's slices, None where it has none."""
        at = data.find(_PICTURE)
        if at < 0 or at + 5 >= len(data):
            return None
        self.bidirectional = data[at + 5] >> 3 & 7 == _B
        codes = [m[1][0] >> 3 for m in islice(_SLICE.finditer(data, at + 4), _MOST_SLICES)]
        if not codes:
            return None
        bent = _is_bent(data, at)
        scales = [_SCALE[code] if bent else 2 * code for code in codes]
        return float(mpeg_steps(scales).mean())


def _is_bent(data: bytes, picture: int) -> bool:
    """Return True if a picture of MPEG-2 uses the scale that is not linear."""
    at = data.find(_EXTENSION, picture)
    if at < 0 or at + 8 > len(data) or data[at + 4] >> 4 != _CODING_EXTENSION:
        return False
    return bool(data[at + 7] >> 4 & 1)
