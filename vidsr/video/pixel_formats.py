"""From whatever a decoder puts out to planar samples, changing no value where none must change."""

from __future__ import annotations

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from vidsr.errors import InputError
from vidsr.picture.color import (
    MATRIX_BT2020,
    MATRIX_RGB,
    MATRIX_UNSPECIFIED,
    RANGE_FULL,
    ColorSpec,
    Siting,
    assumed_matrix,
)
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.video.filters import top_down

# Codecs whose chroma lies between the luma samples both ways: JPEG (JFIF) and MPEG-1.
_CENTERED = ("mjpeg", "mpeg1video", "png", "webp", "jpegls", "jpeg2000")
# swscale's names for H.273 matrices, SWS_CS_*.
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


def read_format(image: av.VideoFrame, codec: str) -> VideoFormat:
    """Return what a decoded frame's samples mean.

    An unspecified matrix stays unspecified here; see ``resolve_matrix``. Siting cannot be
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
    """Replace an unspecified matrix by the stated policy (``assumed_matrix``)."""
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
    """Return the frame as planar ``target.pixel`` samples in ``target.color``'s matrix and range.

    Raises InputError for what swscale cannot read.
    Planar frames that already are what is asked for pass through untouched.
    """
    name = image.format.name.replace("yuvj", "yuv")
    same_color = layout.color == target.color
    if name == target.pixel.name and same_color:
        return top_down(image)
    converted = _drop_alpha(top_down(image), target) if same_color else None
    if converted is None:
        converted = _convert(image, layout, target)
    converted.pts, converted.duration = image.pts, image.duration
    if image.time_base is not None:
        converted.time_base = image.time_base
    return converted


def on_gpu(image: av.VideoFrame) -> bool:
    """Return True if the picture is a surface of a GPU's decoder."""
    return image.format.name == "cuda"


def has_clear_colors(image: av.VideoFrame) -> bool:
    """Return True if the palette holds a colour that is not wholly opaque."""
    if image.format.name != "pal8" or len(image.planes) < 2:
        return False
    palette = np.frombuffer(bytes(image.planes[1]), np.uint8)[: 256 * 4].reshape(-1, 4)
    used = np.unique(_rows(image.planes[0])[:, : image.width])
    return bool((palette[used[used < len(palette)], 3] < 255).any())


def has_alpha(image: av.VideoFrame) -> bool:
    """Return True if the picture stores a transparency beside its samples."""
    return len(image.format.components) in (2, 4)


def _convert(image: av.VideoFrame, layout: VideoFormat, target: VideoFormat) -> av.VideoFrame:
    """Convert with swscale. Raises InputError."""
    spaces: dict[str, int] = {}
    if layout.color != target.color and layout.pixel.family != "rgb":
        spaces["src_colorspace"] = _SWSCALE.get(layout.color.matrix, 5)
        spaces["src_color_range"] = 2 if layout.color.full_range else 1
    if layout.color != target.color and target.pixel.family != "rgb":
        spaces["dst_colorspace"] = _SWSCALE.get(target.color.matrix, 5)
        spaces["dst_color_range"] = 2 if target.color.full_range else 1
    try:
        # swscale's slice threads overwrite samples of P010 and of GBR at some sizes: one thread.
        return image.reformat(format=target.pixel.name, threads=1, **spaces)
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(
            f"{image.format.name} pictures cannot be converted to {target.pixel.name}: {error}"
        ) from error


def _drop_alpha(image: av.VideoFrame, target: VideoFormat) -> av.VideoFrame | None:
    """Return the other planes as they are, None where there is no alpha plane to leave out.

    swscale loses half of a line in each slice of GBR with alpha above 8 bits.
    """
    name = target.pixel.name
    if image.format.name not in (name.replace("gbrp", "gbrap"), name.replace("yuv", "yuva")):
        return None
    plain = av.VideoFrame(image.width, image.height, name)
    for copy, plane in zip(plain.planes, image.planes, strict=False):
        width = min(copy.line_size, plane.line_size)
        _rows(copy)[:, :width] = _rows(plane)[:, :width]
    return plain


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    samples: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return samples.reshape(plane.height, plane.line_size)
