"""From whatever a decoder puts out to planar samples, changing no value where none must change."""

from __future__ import annotations

import av

from vidsr.color import (
    MATRIX_BT2020,
    MATRIX_RGB,
    MATRIX_UNSPECIFIED,
    RANGE_FULL,
    ColorSpec,
    Siting,
    assumed_matrix,
)
from vidsr.frame import PixelFormat, VideoFormat

# Codecs whose chroma lies between the luma samples both ways: JPEG (JFIF) and MPEG-1.
_CENTERED = ("mjpeg", "mpeg1video", "png", "webp", "jpegls", "jpeg2000")
# swscale's names for H.273 matrices, SWS_CS_*.
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


def read_format(image: av.VideoFrame, codec: str) -> VideoFormat:
    """What a decoded frame's samples mean.

    An unspecified matrix stays unspecified here; see :func:`resolve_matrix`. Siting cannot be
    read through PyAV: it follows the codec, and BT.2020 counts as top-left (BT.2100).
    """
    pixel = PixelFormat.nearest(image.format.name)
    matrix, value_range = int(image.colorspace), int(image.color_range)
    if image.format.name.startswith("yuvj"):
        value_range = RANGE_FULL
    if pixel.family == "rgb":
        matrix, value_range = MATRIX_RGB, value_range or RANGE_FULL
    elif matrix == MATRIX_RGB:
        matrix = MATRIX_UNSPECIFIED
    siting: Siting = "left"
    if codec in _CENTERED:
        siting = "center"
    elif matrix == MATRIX_BT2020:
        siting = "topleft"
    color = ColorSpec(
        matrix=matrix,
        primaries=int(image.color_primaries),
        transfer=int(image.color_trc),
        range=value_range,
        siting=siting,
    )
    return VideoFormat(image.width, image.height, pixel, color)


def resolve_matrix(color: ColorSpec, height: int) -> ColorSpec:
    """Replace an unspecified matrix by the stated policy (:func:`vidsr.color.assumed_matrix`)."""
    if color.matrix != MATRIX_UNSPECIFIED:
        return color
    return ColorSpec(
        matrix=assumed_matrix(height),
        primaries=color.primaries,
        transfer=color.transfer,
        range=color.range,
        siting=color.siting,
    )


def conform(image: av.VideoFrame, layout: VideoFormat, target: VideoFormat) -> av.VideoFrame:
    """The frame as planar ``target.pixel`` samples in ``target.color``'s matrix and range.

    Planar frames that already are what is asked for pass through untouched.
    """
    name = image.format.name.replace("yuvj", "yuv")
    same_color = layout.color == target.color
    if name == target.pixel.name and same_color:
        return image
    spaces = {}
    if not same_color and "rgb" not in (layout.pixel.family, target.pixel.family):
        spaces = {
            "src_colorspace": _SWSCALE.get(layout.color.matrix, 5),
            "dst_colorspace": _SWSCALE.get(target.color.matrix, 5),
            "src_color_range": 2 if layout.color.full_range else 1,
            "dst_color_range": 2 if target.color.full_range else 1,
        }
    pts = image.pts
    converted = image.reformat(format=target.pixel.name, **spaces)
    converted.pts = pts
    return converted
