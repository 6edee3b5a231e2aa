"""The expected error of a picture from the bytes spent on it, where no quantiser is known.

log2(error) = a + b log2(bits a pixel of the last key frame) + d log2(activity), fitted as the
curves of quantisers are. It is coarse: 12 to 32 % off in the middle, up to 2.6 times in a tenth of
pictures.
"""

from __future__ import annotations

from math import log2

from vidsr.video.coding.codecs import Family

_CURVES: dict[Family, tuple[float, float, float]] = {
    "hevc": (-5.0, -0.90, 2.5),
    "av1": (-3.6, -0.77, 2.0),
    "vp8": (-2.4, -0.81, 1.6),
    "vp9": (-3.3, -0.85, 1.9),
    "h264": (-2.8, -1.10, 1.9),
    "mpeg": (-3.0, -1.11, 1.9),
    "jpeg": (-4.0, -1.17, 2.2),
    "other": (-3.0, -0.92, 1.9),
}
_BITS = (1e-3, 24.0)
_MOST_LEVELS = 16.0


def levels_of_bytes(family: Family, bits_per_pixel: float, activity: float) -> float:
    """Return the expected error in levels of 8 bits, at most 16.

    Args:
        family: The codec's family.
        bits_per_pixel: Bits of the last key frame's packet over the pixels of a picture.
        activity: Mean difference of horizontal neighbours in levels of 8 bits.
    """
    a, b, d = _CURVES[family]
    bits = min(max(bits_per_pixel, _BITS[0]), _BITS[1])
    levels = 2.0 ** (a + b * log2(bits) + d * log2(min(max(activity, 0.25), 32.0)))
    return float(min(levels, _MOST_LEVELS))
