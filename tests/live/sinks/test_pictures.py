"""Sinks of pictures as they are: the very samples, and in NUT the very times."""

from __future__ import annotations

import io
import os
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import pytest
import torch

from tests.live.sinks.feeding import FIRST_PTS, RATE, STEP, Events, numbered
from tests.makers.counter import SIZE, draw, read
from vidsr.live.sinks.opening import open_live_sink
from vidsr.live.sinks.picture_writers import nominal_rate
from vidsr.live.sinks.pictures import PipePictures
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.pixel_format import PixelFormat


def shown(format: str, frames: list[Frame], folder: Path) -> tuple[bytes, Events, str]:
    """Show frames to a sink of a named pipe; return what a reader got, and the sink's reports."""
    pipe, events = folder / "pipe", Events()
    os.mkfifo(pipe)
    sink = open_live_sink(f"pipe:{format}:{pipe}", events=events, rate=RATE)
    assert isinstance(sink, PipePictures)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    for frame in frames:
        sink.show(frame)
    sink.close()
    reader.join(60)
    return got[0], events, sink.name


def test_raw_samples_and_nothing_else(tmp_path: Path) -> None:
    data, events, name = shown("raw", [numbered(n) for n in range(5)], tmp_path)
    assert data == b"".join(draw(n, SIZE) for n in range(5))
    assert events.packets[name] == 5
    assert events.bytes[name] == len(data)
    assert events.of(name) == ["connecting", "running", "closed"]


def test_y4m(tmp_path: Path) -> None:
    data, _, _ = shown("y4m", [numbered(n) for n in range(5)], tmp_path)
    assert data.startswith(b"YUV4MPEG2 W160 H96 F25:1")
    frames = data.split(b"FRAME\n")[1:]
    assert frames == [draw(n, SIZE) for n in range(5)]


@pytest.mark.parametrize("pixel", ["yuv420p10le", "gray", "yuv444p", "gbrp"])
def test_nut_keeps_samples_and_times(pixel: str, tmp_path: Path) -> None:
    layout = VideoFormat(
        34, 18, PixelFormat.nearest(pixel), ColorSpec(matrix=0 if pixel == "gbrp" else 1, range=1)
    )
    generator = torch.Generator().manual_seed(1)
    top = 1 << layout.pixel.depth
    frames = [
        Frame(
            tuple(
                torch.randint(0, top, size, generator=generator).to(layout.pixel.dtype)
                for size in layout.plane_sizes
            ),
            layout,
            pts=FIRST_PTS + step,
            duration=STEP,
        )
        for step in (0, 3600, 3601, 90_000)
    ]
    data, _, _ = shown("nut-raw", frames, tmp_path)
    with av.open(io.BytesIO(data), "r", format="nut") as found:
        base = found.streams.video[0].time_base
        images = list(found.decode(video=0))
    assert base is not None
    times = [round((image.pts or 0) * base * 90_000) for image in images]
    assert times == [frame.pts for frame in frames]
    for image, frame in zip(images, frames, strict=True):
        assert image.format.name == pixel
        order = (2, 0, 1) if pixel == "gbrp" else range(len(frame.planes))
        rows = image.to_ndarray()
        if pixel == "gbrp":
            stacked = torch.stack([frame.planes[index] for index in order], -1)
            assert torch.equal(torch.from_numpy(rows), stacked)
        else:
            flat = torch.cat([plane.flatten().to(torch.int32) for plane in frame.planes])
            assert torch.equal(torch.from_numpy(rows.astype("int32")).flatten(), flat)


@pytest.mark.parametrize(
    ("duration", "rate"),
    [
        (3600, "25"),
        (3003, "30000/1001"),
        (3754, "24000/1001"),
        (1500, "60"),
        (12_857, "7"),
        (None, None),
    ],
)
def test_a_frames_length_tells_the_rate(duration: int | None, rate: str | None) -> None:
    found = nominal_rate(replace(numbered(0), duration=duration))
    assert (found is None) == (rate is None)
    assert found is None or float(found) == pytest.approx(float(Fraction(rate or 0)), rel=1e-4)


def test_jpegs(tmp_path: Path) -> None:
    data, _, _ = shown("mjpeg", [numbered(n) for n in range(4)], tmp_path)
    with av.open(io.BytesIO(data), "r", format="mjpeg") as found:
        numbers = [read(image.to_ndarray(format="gray")) for image in found.decode(video=0)]
    assert numbers == [0, 1, 2, 3]


def test_a_change_of_size_is_the_end_of_what_cannot_tell_it(tmp_path: Path) -> None:
    frames = [numbered(0), numbered(1, (192, 128)), numbered(2)]
    data, events, name = shown("raw", frames, tmp_path)
    assert data == draw(0, SIZE)
    assert events.of(name)[-1] == "failed"
    assert "has changed" in str(events.states[-1])
    assert events.packets[name] == 1


def test_a_stuck_reader_costs_frames_and_no_time(tmp_path: Path) -> None:
    pipe, events = tmp_path / "pipe", Events()
    os.mkfifo(pipe)
    sink = open_live_sink(f"pipe:raw:{pipe}", events=events)
    assert isinstance(sink, PipePictures)
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb"):
        taken_s = []
        for number in range(120):
            begun_s = time.monotonic()
            sink.show(numbered(number))
            taken_s.append(time.monotonic() - begun_s)
        sink.close()  # ends at all, though the pipe stays full
    # Of half of them: any one may have to wait for a core.
    assert median(taken_s) < 0.1
    assert events.dropped[sink.name] >= 60
    sink.close()
