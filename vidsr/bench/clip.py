"""Clip to measure on: drawn, or the beginning of a file.

A drawn clip holds what video holds: a texture of many sizes of detail that pans, hard edges of
discs and a slanted bar that cross it at speeds of their own, a fine check, colours that drift, and
a little noise of a sensor. The same size and length give the same pictures.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from vidsr.bench.worker_task import Footage
from vidsr.errors import InputError, NoInputError, VidsrError
from vidsr.video.close_codecs import reading, writing

Plane = NDArray[np.float32]
ENCODER = {"preset": "veryfast", "crf": "20"}  # of a source: as good as what people bring
PAN = 3  # pixels a frame


def bounce(count: int, length: int) -> Iterator[int]:
    """Yield 0, 1, … length-1, length-2, … 1, 0, 1, …: motion without a cut."""
    period = max(1, 2 * (length - 1))
    for i in range(count):
        yield min(i % period, period - i % period)


def _noise(height: int, width: int, cell: int, random: np.random.Generator) -> Plane:
    """Return values in -1..1 on a grid of ``cell`` pixels, bilinear between."""
    rows, columns = height // cell + 2, width // cell + 2
    grid = random.uniform(-1, 1, (rows, columns))
    across = np.arange(width) / cell
    wide = np.stack([np.interp(across, np.arange(columns), row) for row in grid])
    down = np.arange(height) / cell
    top = np.minimum(down.astype(int), rows - 2)
    share = (down - top)[:, None]
    return np.asarray(wide[top] * (1 - share) + wide[top + 1] * share, dtype=np.float32)


def _texture(height: int, width: int, random: np.random.Generator) -> Plane:
    """Return detail of 2 to 64 pixels, each size about as strong as in photographs (1/f)."""
    texture = sum(cell * _noise(height, width, cell, random) for cell in (2, 4, 8, 16, 32, 64))
    return np.asarray(texture * (110 / 126), dtype=np.float32) + 118


def draw(width: int, height: int, frames: int) -> Iterator[av.VideoFrame]:
    """Yield pictures in yuv420p, BT.709 limited range."""
    random = np.random.default_rng(7)
    canvas = _texture(height, width + PAN * frames, random)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for index in range(frames):
        luma = canvas[:, PAN * index : PAN * index + width].copy()
        _edges(luma, rows, columns, index)
        luma += random.normal(0, 1.5, luma.shape).astype(np.float32)
        yield _picture(luma, index)


def _edges(luma: Plane, rows: Plane, columns: Plane, index: int) -> None:
    height, width = luma.shape
    side = min(width, height)
    for disc in range(5):
        x = width * (0.5 + 0.4 * math.sin(0.05 * (disc + 1) * index + disc))
        y = height * (0.5 + 0.4 * math.cos(0.04 * (disc + 2) * index + 2 * disc))
        inside = (columns - x) ** 2 + (rows - y) ** 2 < (side * (0.04 + 0.02 * disc)) ** 2
        luma[inside] = 40 + 45 * disc
    bar = np.abs(columns + 0.5 * rows - (index * 0.02 * width) % (1.5 * width)) < 0.02 * side
    luma[bar] = 230
    part = luma[: height // 5, : width // 5]
    part[:] = np.where((rows + columns + index)[: height // 5, : width // 5] % 8 < 4, 60, 200)


def _picture(luma: Plane, index: int) -> av.VideoFrame:
    height, width = luma.shape
    rows, columns = np.mgrid[0 : (height + 1) // 2, 0 : (width + 1) // 2].astype(np.float32)
    blue = 128 + 50 * np.sin(0.05 * columns + 0.1 * index)
    red = 128 + 50 * np.cos(0.04 * rows - 0.07 * index)
    image = av.VideoFrame(width, height, "yuv420p")
    for plane, samples in zip(image.planes, (luma.clip(16, 235), blue, red), strict=True):
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        lines[:, : plane.width] = samples.astype(np.uint8)
    return image


def write(path: Path, images: Iterable[av.VideoFrame], rate: Fraction) -> None:
    """Encode with x264, pictures ``1 / rate`` apart; the first decides the size."""
    pictures = iter(images)
    first = next(pictures)
    with writing(av.open(str(path), "w")) as target:
        stream = target.add_stream("libx264", rate=rate, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.codec_context.colorspace = stream.codec_context.color_range = 1
        for index, image in enumerate(chain([first], pictures)):
            image.pts, image.time_base = index, 1 / rate
            image.pict_type = PictureType.NONE
            target.mux(stream.encode(image))
        target.mux(stream.encode(None))


def drawn(path: Path, width: int, height: int, frames: int, rate: Fraction) -> Footage:
    write(path, draw(width, height, frames), rate)
    return Footage(str(path), "a drawn clip", width, height, str(rate), frames)


def beginning(source: Path, path: Path, frames: int) -> Footage:
    """Return the first ``frames`` of ``source``; of a shorter one these to and fro, in ``path``."""
    if not source.is_file():
        raise NoInputError(f"{source}: no such file")
    try:
        return _beginning(source, path, frames)
    except VidsrError:
        raise
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputError(f"{source}: not a video, or damaged: {error}") from error


def _beginning(source: Path, path: Path, frames: int) -> Footage:
    count, first, last, rate = 0, 0.0, 0.0, Fraction(25)
    for image, rate in _decode(source, frames):  # noqa: B007 - the last one is used below
        first = (image.time or 0.0) if not count else first
        count, last = count + 1, image.time or 0.0
        width, height = image.width, image.height
    if not count:
        raise InputError(f"{source}: no frame could be decoded")
    if count == frames:
        name, seconds = f"the first {frames} frames of {source.name}", last - first + 0.5 / rate
        return Footage(str(source), name, width, height, str(rate), frames, seconds)
    width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)  # what 4:2:0 in x264 can have
    flat = [
        image.reformat(width=width, height=height, format="yuv420p", threads=1)
        for image, _ in _decode(source, frames)
    ]
    write(path, (flat[i] for i in bounce(frames, count)), rate)
    many = f"{count} frames" if count > 1 else "one frame"
    name = f"the {many} of {source.name} to and fro, encoded anew in 4:2:0"
    return Footage(str(path), name, width, height, str(rate), frames)


def _decode(source: Path, frames: int) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    with reading(av.open(str(source))) as container:
        if not container.streams.video:
            raise InputError(f"{source}: holds no video")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        for image in islice(container.decode(stream), frames):
            yield image, rate


def make(wish: dict[str, Any]) -> Footage:
    """Make the clip of a wish.

    It is ``{"input": …}`` or ``{"width": …, "height": …, "rate": …}``, and ``path``, ``frames``.
    """
    path = Path(wish["path"])
    if wish.get("input"):
        return beginning(Path(wish["input"]), path, wish["frames"])
    return drawn(path, wish["width"], wish["height"], wish["frames"], Fraction(wish["rate"]))


def main() -> int:
    try:
        print(json.dumps(asdict(make(json.loads(sys.argv[1])))))
    except VidsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
