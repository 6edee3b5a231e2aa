"""Many frames on their way at once: the same pictures as one by one, whatever the device."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

import vidsr
from tests.doubles.fake_device import FakeDevice
from tests.makers.clips import Tone, make_clip
from vidsr.errors import DeviceError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling import engine_pool
from vidsr.upscaling.upscaler import Upscaler

FORMATS = [
    VideoFormat(12, 7, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=6)),
    VideoFormat(9, 5, PixelFormat("yuv", 10, (2, 1)), ColorSpec(matrix=1)),
    VideoFormat(6, 8, PixelFormat("rgb", 8), ColorSpec(matrix=0)),
]


def noise(layout: VideoFormat, number: int) -> Frame:
    generator = torch.Generator().manual_seed(number)
    planes = tuple(
        torch.randint(0, 2**layout.pixel.depth, s, generator=generator).to(layout.pixel.dtype)
        for s in layout.plane_sizes
    )
    return Frame(planes, layout, pts=number * 7)


def pretend_cuda(
    upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch, devices: int = 1, **options: Any
) -> list[FakeDevice]:
    """Streams go through rings of fake devices, whose work the engine on the CPU does."""
    made: list[FakeDevice] = []

    def make(_: torch.device) -> FakeDevice:
        made.append(FakeDevice(random.Random(len(made)), **options))
        return made[-1]

    monkeypatch.setattr(engine_pool, "CudaDevice", make)
    upscaler.runner.devices = tuple(torch.device("cuda", i) for i in range(devices))
    upscaler.runner.switches *= devices
    return made


@pytest.fixture(scope="module")
def lite() -> Upscaler:
    return Upscaler("lite-x2", device="cpu", precision="fp32")


@pytest.mark.parametrize("devices", [0, 1, 2])
def test_a_stream_gives_what_single_calls_give(
    devices: int, lite: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [noise(FORMATS[i // 4 % 3], i) for i in range(20)]
    expected = [lite.enlarge(frame) for frame in frames]
    items: list[Any] = [x for frame in frames for x in (frame, f"after {frame.pts}")]
    upscaler = Upscaler("lite-x2", device="cpu", precision="fp32")
    if devices:
        pretend_cuda(upscaler, monkeypatch, devices)
    seen: list[Any] = []
    for item in upscaler.stream(items):
        if isinstance(item, Frame):
            large = expected[(item.pts or 0) // 7]
            assert item.format == large.format
            assert all(map(torch.equal, item.planes, large.planes))
            item.release()
            seen.append(items[2 * (item.pts or 0) // 7])
        else:
            seen.append(item)
    assert all(a is b for a, b in zip(seen, items, strict=True))


@pytest.mark.parametrize("devices", [0, 1])
def test_pictures_of_pyav_come_out_as_such(devices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    upscaler = Upscaler("lite-x2", device="cpu", precision="fp32")
    images = []
    for number in range(6):
        array = np.full((10, 12, 3), 40 * number, np.uint8)
        image = av.VideoFrame.from_ndarray(array, "rgb24").reformat(format="nv12")
        image.pts, image.time_base = 100 + number, Fraction(1, 25)
        images.append(image)
    expected = [upscaler(image).to_ndarray() for image in images]
    if devices:
        pretend_cuda(upscaler, monkeypatch)
    results = list(upscaler.stream(images))  # kept all: nothing of them may be filled again
    assert [r.pts for r in results] == [100 + i for i in range(6)]
    assert {r.time_base for r in results} == {Fraction(1, 25)}
    for result, wanted in zip(results, expected, strict=True):
        assert np.array_equal(result.to_ndarray(), wanted)


def test_a_file_through_the_ring_is_the_file_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With sound in between, an encoder that holds frames, and a device in no hurry."""
    source = make_clip(tmp_path / "in.mkv", frames=25, audio=Tone()).path
    options: dict[str, Any] = {"model": "lite-x2", "codec": "ffv1", "precision": "fp32"}
    vidsr.upscale(source, tmp_path / "plain.mkv", device="cpu", **options)
    ordinary = Upscaler.__init__
    made: list[list[FakeDevice]] = []

    def pretending(self: Upscaler, *args: Any, **kwargs: Any) -> None:
        ordinary(self, *args, **kwargs)
        made.append(pretend_cuda(self, monkeypatch, 2, eager=0.2))

    monkeypatch.setattr(Upscaler, "__init__", pretending)
    vidsr.upscale(source, tmp_path / "ring.mkv", device="cpu", **options)
    assert len(made[0]) == 2
    assert list(packets(tmp_path / "ring.mkv")) == list(packets(tmp_path / "plain.mkv"))


def packets(path: Path) -> Iterator[tuple[int, int | None, bytes]]:
    with av.open(path) as container:
        for packet in container.demux():
            yield packet.stream.index, packet.pts, bytes(packet)


def test_a_device_that_fails_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=25).path
    ordinary = Upscaler.__init__

    def pretending(self: Upscaler, *args: Any, **kwargs: Any) -> None:
        ordinary(self, *args, **kwargs)
        pretend_cuda(self, monkeypatch, fails_at=60)

    monkeypatch.setattr(Upscaler, "__init__", pretending)
    with pytest.raises(DeviceError, match="the fake device failed"):
        vidsr.upscale(source, tmp_path / "out.mkv", model="lite-x2", device="cpu")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mkv"]
