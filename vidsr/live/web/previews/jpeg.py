"""JPEG of a picture in a chosen size, by FFmpeg's scaler and encoder."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from vidsr.live.base.copies import copy_image
from vidsr.picture.color import (
    MATRIX_BT601,
    MATRIX_BT2020,
    MATRIX_UNSPECIFIED,
    RANGE_LIMITED,
    RANGE_UNSPECIFIED,
    assumed_matrix,
)
from vidsr.picture.frame import Frame, VideoFormat

# Flags of FFmpeg's scaler: exact rounding, and colours at full width within (SWS_ACCURATE_RND and
# SWS_FULL_CHR_H_INT). Without them grey is green or pink by one to three levels in some sizes; they
# double the scaler's time, which is 2.5 ms of 1280x720 to 640x360 then.
EXACT = 0x40000 | 0x2000
QUANTISER = 3  # of 1 to 31; 640x360 takes 20 kB
Size = tuple[int, int]
_MOST_KEPT = 64
Key = TypeVar("Key")
Value = TypeVar("Value")
# Matrices by H.273 under the names of FFmpeg's scaler, which knows one for both kinds of BT.601.
_SCALER_MATRICES = {
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    MATRIX_BT601: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    MATRIX_BT2020: Colorspace.BT2020,
}


def fit(size: Size, box: Size) -> Size:
    """Return the size that fills the box without growing, with the shape of ``size``, in pixels."""
    width, height = size
    ratio = min(Fraction(1), Fraction(box[0], width), Fraction(box[1], height))
    return max(1, round(width * ratio)), max(1, round(height * ratio))


class JpegEncoder:
    """Encoder of JPEG pictures, for one thread; it keeps scalers and encoders for the next picture.

    A scaler that is kept saves 0.2 to 0.5 ms a picture of 640x360.
    """

    def __init__(self) -> None:
        self._encoders: dict[Size, av.VideoCodecContext] = {}
        self._scalers: dict[tuple[VideoFormat, Size], VideoReformatter] = {}
        self._times = 0

    def encode(self, frame: Frame, size: Size) -> bytes:
        """Return the frame scaled to ``size`` (width, height) as a file of JPEG.

        Samples become full-range BT.601, as JFIF has them. Larger sizes are bicubic.
        """
        image = self._scaled(frame, size)
        self._times += 1
        image.pts = self._times
        encoder = _kept(self._encoders, size, lambda: _new_encoder(size))
        return b"".join(bytes(packet) for packet in encoder.encode(image))

    def _scaled(self, frame: Frame, size: Size) -> av.VideoFrame:
        layout = frame.format
        grows = size[0] > layout.width or size[1] > layout.height
        matrix = layout.color.matrix
        if matrix == MATRIX_UNSPECIFIED:
            matrix = assumed_matrix(layout.height)
        limited = layout.color.range == RANGE_LIMITED or (
            layout.color.range == RANGE_UNSPECIFIED and layout.pixel.family != "rgb"
        )
        samples = ColorRange.MPEG if limited else ColorRange.JPEG
        image = copy_image(frame)
        image.color_range = samples
        scaler = _kept(self._scalers, (layout, size), VideoReformatter)
        return scaler.reformat(
            image,
            *size,
            format="yuvj420p",
            src_colorspace=_SCALER_MATRICES.get(matrix, Colorspace.ITU709),
            dst_colorspace=Colorspace.ITU601,
            src_color_range=samples,
            dst_color_range=ColorRange.JPEG,
            interpolation=EXACT | (Interpolation.BICUBIC if grows else Interpolation.AREA),
            threads=1,  # not one a core, each beside the streams' own
        )


def _kept(kept: dict[Key, Value], key: Key, make: Callable[[], Value]) -> Value:
    """Return what is kept under a key, newly made where it is not; all is let go of in the end."""
    if key not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = make()
    return kept[key]


def _new_encoder(size: Size) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuvj420p"
    encoder.color_range = ColorRange.JPEG
    encoder.time_base = Fraction(1, 90_000)
    encoder.qmin = encoder.qmax = QUANTISER
    encoder.thread_count = 1  # frames would be held back otherwise
    # Tables made for each picture would save 6 % of its bytes and take 0.2 ms more of 0.74.
    encoder.options = {"huffman": "default"}
    return encoder
