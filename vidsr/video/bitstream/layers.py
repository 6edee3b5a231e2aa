"""Layers beside the pictures of H.264 and HEVC: another view (MVC, MV-HEVC), alpha, more detail.

FFmpeg's decoders show the base layer, and nothing else tells that there was more.
"""

from __future__ import annotations

from vidsr.video.bitstream.nal_units import length_bytes, units

_LENGTH_PLACES = {"h264": 4, "hevc": 21}
_H264_LAYERED = (15, 20)  # parameter sets and slices of other layers


def has_layers(codec: str, data: bytes, extradata: bytes) -> bool:
    """Return True if a packet holds units of another layer than the base.

    Args:
        codec: FFmpeg's name of the coding.
        data: The packet.
        extradata: What the container holds of the stream's headers.
    """
    if codec not in _LENGTH_PLACES:
        return False
    found = units(data, length_bytes(extradata, _LENGTH_PLACES[codec]))
    if codec == "h264":
        return any(unit[0] & 31 in _H264_LAYERED for unit in found)
    return any(unit[0] & 1 or unit[1] >> 3 for unit in found if len(unit) > 1)
