"""Pictures of PyAV for programs without torch: what their codes mean, where their bytes lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import av
import numpy as np

from vidsr.errors import InputError
from vidsr.kernels.cuda.layout import Picture
from vidsr.picture.color import (
    LUMA_WEIGHTS,
    MATRIX_BT2020,
    MATRIX_UNSPECIFIED,
    RANGE_FULL,
    ColorSpec,
    Siting,
    assumed_matrix,
    chroma_position,
)

# FFmpeg's names: depth, and luma samples per chroma sample (across, down).
PLANAR = {
    "gray": (8, (0, 0)), "yuv420p": (8, (2, 2)), "yuv422p": (8, (2, 1)), "yuv444p": (8, (1, 1)),
    "yuv420p10le": (10, (2, 2)), "yuv422p10le": (10, (2, 1)), "yuv444p10le": (10, (1, 1)),
    "yuv420p12le": (12, (2, 2)), "yuvj420p": (8, (2, 2)),
}  # fmt: skip
SEMI_PLANAR = {"nv12": (8, (2, 2)), "p010le": (10, (2, 2))}


def describe(image: av.VideoFrame) -> Picture:
    """Return what a picture's codes mean. Raises InputError for formats that are not read.

    What is not told is read as ``Upscaler`` reads it: the matrix by the height, chroma
    as H.264 and HEVC site it.
    """
    name, matrix = image.format.name, int(image.colorspace)
    if name not in PLANAR | SEMI_PLANAR:
        known = ", ".join(PLANAR | SEMI_PLANAR)
        raise InputError(f"pictures are {name}: expected one of {known}")
    siting: Siting = "topleft" if matrix == MATRIX_BT2020 else "left"
    if matrix == MATRIX_UNSPECIFIED:
        matrix = assumed_matrix(image.height)
    if matrix not in LUMA_WEIGHTS:
        raise InputError(f"colour matrix {matrix}: expected one of {sorted(LUMA_WEIGHTS)}")
    full = RANGE_FULL if name.startswith("yuvj") else int(image.color_range)
    depth, subsampling = (PLANAR | SEMI_PLANAR)[name]
    kr, kb = LUMA_WEIGHTS[matrix]
    return Picture(
        width=image.width,
        height=image.height,
        depth=depth,
        subsampling=subsampling,
        cosited=(chroma_position(2, "x", siting) == 0, chroma_position(2, "y", siting) == 0),
        kr=kr,
        kb=kb,
        full_range=ColorSpec(matrix=matrix, range=full).full_range,
        high_bits=name == "p010le",
    )


def luma_of(picture: Picture) -> Picture:
    """Return its luma plane as a picture of its own."""
    return replace(picture, subsampling=(0, 0))


def enlarged(picture: Picture, scale: int) -> Picture:
    return replace(picture, width=picture.width * scale, height=picture.height * scale)


def plane_rows(image: Any, picture: Picture, packed: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (rows of the image, rows of ``packed``) as bytes, plane by plane, without copies.

    ``picture`` may be the image's luma alone.
    """
    start = 0
    for plane, (height, width) in zip(image.planes, picture.plane_sizes, strict=False):
        both = 2 if start and image.format.name in SEMI_PLANAR else 1
        width *= both * picture.sample_bytes
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width]
        yield rows, packed[start : start + height * width].reshape(height, width)
        start += height * width


def tag(target: Any, source: Any) -> None:
    """Copy colour tags between pictures and codec contexts."""
    target.colorspace, target.color_range = source.colorspace, source.color_range
    target.color_primaries, target.color_trc = source.color_primaries, source.color_trc
