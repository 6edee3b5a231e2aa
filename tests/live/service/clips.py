"""Short clips with numbers burnt in, and the reading of what a stream has made of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.makers.counter import SIZE, draw, read

BICUBIC = ("--ladder", "bicubic", "--scale", "2")


def numbered_clip(path: Path, frames: int, rate: int = 25) -> Path:
    """Write pictures 0 to ``frames`` as H.264 and return the file."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
        for number in range(frames):
            planes = np.frombuffer(draw(number), np.uint8).reshape(SIZE[1] * 3 // 2, SIZE[0])
            image = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            image.pts, image.time_base = number, Fraction(1, rate)
            output.mux(stream.encode(image))
        output.mux(stream.encode())
    return path


def numbers_in(file: Any, scale: int = 2, **options: Any) -> list[int | None]:
    """Return the numbers of the pictures in a file or a file object."""
    with av.open(file, **options) as container:
        frames = container.decode(video=0)
        return [read(frame.to_ndarray(format="gray"), scale) for frame in frames]
