"""Clips of which much stands still, drawn and encoded here: a screen and a film between bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
RATE = 25


def encode(path: Path, pictures: Iterable[Picture], crf: int = 23) -> None:
    """Encode RGB pictures ``[h, w, 3]`` as x264 does it for live streams, in two-second groups."""
    options = {"preset": "veryfast", "tune": "zerolatency", "crf": str(crf), "g": str(2 * RATE)}
    with av.open(str(path), "w") as container:
        stream = None
        for number, picture in enumerate(pictures):
            if stream is None:
                stream = container.add_stream("libx264", RATE, options=options)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))


def screen(count: int, width: int = 640, height: int = 360) -> Iterator[Picture]:
    """Draw a window of text: a cursor that moves, letters that are typed, a page that scrolls."""
    random = np.random.default_rng(5)
    glyphs = random.random((60, 9, 6)) < 0.45
    glyphs[:, -2:] = glyphs[:, :, -1:] = False
    text = random.integers(0, len(glyphs), (400, 64))
    text[random.random(text.shape) < 0.18] = -1
    for number in range(count):
        page = np.full((height, width, 3), (58, 92, 120), np.uint8)
        page[30 : height - 30, 60 : width - 40] = 250
        page[30:48, 60 : width - 40] = (70, 70, 80)
        first = 12 * (number // 100)  # scrolls twelve lines every four seconds
        rows = (height - 90) // 13
        for row in range(rows):
            line = text[first + row]
            shown = len(line) if row < rows - 1 else (number % 100) // 2  # two letters in four
            for column, letter in enumerate(line[:shown]):
                if letter >= 0:
                    top, left = 56 + 13 * row, 76 + 7 * column
                    page[top : top + 9, left : left + 6][glyphs[letter]] = 20
        x, y = int(320 + 200 * np.sin(number / 20)), int(180 + 90 * np.sin(number / 13))
        if number % 50 < 25:  # the hand rests half of the time
            place = x, y
        for step in range(12):
            page[place[1] + step, place[0] : place[0] + 1 + step // 2] = 0
        yield page


def film(count: int, source: Path, width: int = 1280, height: int = 720) -> Iterator[Picture]:
    """Yield a film, 2.39 times as wide as high, between black bars."""
    inside = int(width / 2.39) // 2 * 2
    top = (height - inside) // 2
    with av.open(str(source)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == count:
                return
            page = np.zeros((height, width, 3), np.uint8)
            small = frame.reformat(width=width, height=inside, format="rgb24")
            page[top : top + inside] = small.to_ndarray()
            yield page
