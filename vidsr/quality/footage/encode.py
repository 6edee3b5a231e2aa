"""Short clips written to a file by one codec at one quality, as people would write them.

One thread and no clock: the same frames and coding give the same pictures.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from vidsr.errors import InputError, VidsrError
from vidsr.picture.frame import Frame, to_image
from vidsr.picture.size import Size
from vidsr.quality.footage.codings import Coding
from vidsr.video.close_codecs import writing
from vidsr.video.codec_kinds import CODEC_KINDS
from vidsr.video.streams.copies import MUX_ERRORS

RATE = Fraction(25)
_LOSSLESS = "ffv1"
# What people take who do not hurry: x264 and x265 medium, libvpx good.
_OPTIONS = {
    "h264": {"preset": "medium"},
    # Without pools and frame threads, which make the stream depend on the machine.
    "h265": {"preset": "medium", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "vp9": {"deadline": "good", "cpu-used": "2"},
    "av1": {"preset": "8", "svtav1-params": "lp=1"},
    "mjpeg": {"strict": "unofficial"},  # limited range, which keeps the samples of the luma
}


def check_size(name: str, size: Size, coding: Coding) -> None:
    """Raise InputError for a small clip of a size that the encoder does not take."""
    smallest = 1 if coding.quality is None else CODEC_KINDS[coding.codec].smallest
    if min(size.width, size.height) < smallest:
        raise InputError(
            f"{name}: {size} once shrunk; {coding.codec} takes {smallest}x{smallest} or larger",
            hint="choose a larger original, or another codec.",
        )


def write_clip(path: Path, frames: Sequence[Frame], coding: Coding) -> None:
    """Write 8-bit 4:2:0 frames of one size to a Matroska file.

    They are as large as ``check_size`` requires. Raises VidsrError where the codec fails.
    """
    if coding.codec == "av1":
        os.environ.setdefault("SVT_LOG", "1")  # read when the encoder opens; it has no option
    try:
        with writing(av.open(str(path), "w", format="matroska")) as target:
            stream = _add_stream(target, frames[0], coding)
            for number, frame in enumerate(frames):
                image = to_image(frame)
                image.pts, image.time_base = number, 1 / RATE
                target.mux(stream.encode(image))
            target.mux(stream.encode(None))
    except MUX_ERRORS as error:
        raise VidsrError(f"{coding}: compression failed: {error}") from error


def _add_stream(
    target: av.container.OutputContainer, first: Frame, coding: Coding
) -> av.VideoStream:
    layout = first.format
    stream = target.add_stream(_encoder(coding), rate=RATE, options=_options(coding))
    assert isinstance(stream, av.VideoStream)
    context = stream.codec_context
    stream.width, stream.height, stream.pix_fmt = layout.width, layout.height, layout.pixel.name
    context.thread_count = 1
    context.colorspace, context.color_range = layout.color.matrix, layout.color.range
    context.color_primaries, context.color_trc = layout.color.primaries, layout.color.transfer
    if coding.codec == "vp9":
        context.bit_rate = 0  # quality alone
    return stream


def _encoder(coding: Coding) -> str:
    return CODEC_KINDS[coding.codec].encoder if coding.quality is not None else _LOSSLESS


def _options(coding: Coding) -> dict[str, str]:
    options = dict(_OPTIONS.get(coding.codec, {}))
    if coding.quality is None:
        return options
    value = str(coding.quality)
    if CODEC_KINDS[coding.codec].by_quantiser:
        return options | {"qmin": value, "qmax": value}
    return options | {"crf": value}
