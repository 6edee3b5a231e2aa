"""Clips of photographs that move, as footage does."""

from __future__ import annotations

from pathlib import Path

import av

from tests.makers.clips import make_clip
from tests.makers.photos import photograph
from vidsr.picture.color import ColorSpec
from vidsr.picture.conversion import rgb_to_yuv
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, to_image
from vidsr.video.still_images import to_unit


def pan(count: int, size: tuple[int, int], seed: int = 0) -> list[av.VideoFrame]:
    """Draw a photograph that moves two samples a frame, yuv420p."""
    width, height = size
    layout = VideoFormat(width, height, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=6, range=1))
    wide = to_unit(photograph(seed, height, width + 2 * count))
    parts = (wide[:, :, 2 * i : 2 * i + width] for i in range(count))
    return [to_image(Frame(rgb_to_yuv(part, layout), layout, i)) for i, part in enumerate(parts)]


def black(count: int, size: tuple[int, int]) -> list[av.VideoFrame]:
    """Draw black frames, yuv420p."""
    images = []
    for _ in range(count):
        image = av.VideoFrame(*size, "yuv420p")
        for number, plane in enumerate(image.planes):
            plane.update(bytes([128 if number else 16]) * plane.buffer_size)
        images.append(image)
    return images


def footage(path: Path, count: int = 6, size: tuple[int, int] = (144, 112), seed: int = 0) -> Path:
    """Write a lossless clip of ``pan``."""
    return make_clip(path, codec="ffv1", pictures=pan(count, size, seed)).path
