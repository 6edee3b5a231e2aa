"""Clips whose quantisers are known, since the encoder had no choice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.makers.clips import Clip, make_clip, samples
from vidsr.picture.frame import Frame, view_planes
from vidsr.video.source.file_source import FileSource

ONE_QP = {"preset": "veryfast", "threads": "1", "x264-params": "ipratio=1:pbratio=1:aq-mode=0"}


def textured(width: int, height: int, pix_fmt: str = "yuv420p", *, index: int = 0) -> av.VideoFrame:
    """Draw a cloud of the spectrum of photographs (1/f) that moves to the left."""
    random = np.random.default_rng(3)
    image = av.VideoFrame(width, height, pix_fmt)
    deep = image.format.components[0].bits - 8
    for view in (plane.numpy() for plane in view_planes(image)):
        high, wide = view.shape
        down, across = np.fft.fftfreq(high)[:, None], np.fft.rfftfreq(2 * wide)[None]
        noise = np.fft.rfft2(random.normal(0, 1, (high, 2 * wide)))
        cloud = np.fft.irfft2(noise / (np.hypot(down, across) + 0.02), (high, 2 * wide))
        cloud = np.roll(cloud / cloud.std(), -2 * index, axis=1)[:, :wide]
        level = np.clip(128 + 24 * cloud, 1, 254)
        view[:] = (level * (1 << deep)).astype(view.dtype)
    return image


def coded(path: Path, codec: str, options: dict[str, str], **more: Any) -> Clip:
    """Encode ``textured`` pictures of a size (``size``) and format (``pix_fmt``)."""
    width, height = more.pop("size", (96, 64))
    pix_fmt = more.pop("pix_fmt", "yuv420p")
    count = more.pop("frames", 6)
    pictures = [textured(width, height, pix_fmt, index=i) for i in range(count)]
    return make_clip(path, pictures=pictures, codec=codec, options=options, **more)


def quantised(path: Path, codec: str, quantiser: int, **more: Any) -> Clip:
    """Encode with a codec of FFmpeg's own at one quantiser."""
    fixed = {"qmin": str(quantiser), "qmax": str(quantiser), "flags": "+qscale"}
    return coded(path, codec, fixed | {"global_quality": str(118 * quantiser)}, **more)


def frames(path: Path, **wishes: Any) -> list[Frame]:
    """Return the frames of a source."""
    with FileSource(path, **wishes) as source:
        return [item for item in source if isinstance(item, Frame)]


def true_levels(clip: Clip) -> Iterator[float]:
    """Yield the root mean square of each picture's error on luma, in levels of 8 bits."""
    for given, frame in zip(clip.pictures, frames(clip.path), strict=True):
        first, second = samples(given)[0].astype(float), frame.planes[0].numpy().astype(float)
        depth = frame.format.pixel.depth
        yield float(np.sqrt(np.square(first - second).mean())) / 2 ** (depth - 8)
