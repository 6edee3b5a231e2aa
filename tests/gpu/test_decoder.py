"""NVDEC: what it decodes is what the processor decodes. Skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import DEVICE, skip_without_cuda
from vidsr.picture.frame import Frame

pytest.importorskip("av")

import vidsr
from tests.makers.clips import make_clip
from vidsr.errors import DeviceError
from vidsr.video.source.file_source import Source
from vidsr.video.source.nvdec import Nvdec, open_nvdec

skip_without_cuda()

FRAMES = 40  # more than a decoder has surfaces


@pytest.fixture(scope="module")
def nvdec() -> Nvdec:
    try:
        return open_nvdec((DEVICE,))
    except DeviceError as error:
        pytest.skip(f"no NVDEC: {error.message}")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264 of 8 bits, which every NVDEC knows; in the order of display and not."""
    path = tmp_path_factory.mktemp("clip") / "a.mkv"
    return make_clip(path, codec="libx264", size=(320, 180), frames=FRAMES, bframes=2).path


def planes_of(path: Path, nvdec: Nvdec | None) -> tuple[list[int | None], list[tuple[Tensor, ...]]]:
    """Return times, and the planes of every frame, all held until the last has come."""
    with Source(path, hwaccel=nvdec) as source:
        if nvdec is not None and source.decoder != "cuda":
            pytest.skip("NVDEC does not decode H.264 here: FFmpeg says no, or there is no library")
        frames = [item for item in source if isinstance(item, Frame)]
    return [frame.pts for frame in frames], [frame.planes for frame in frames]


@contextmanager
def busy_device() -> Iterator[None]:
    """Products on a stream of their own, which keep every multiprocessor at work."""
    x = torch.ones(4096, 4096, device=DEVICE)
    stream = torch.cuda.Stream(DEVICE)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(DEVICE))
    with torch.cuda.stream(stream):
        for _ in range(100):
            x = (x @ x).clamp_(0, 1)
    yield
    stream.synchronize()


def assert_equal(nvdec: Nvdec, clip: Path) -> None:
    times, planes = planes_of(clip, nvdec)
    wanted_times, wanted = planes_of(clip, None)
    assert times == wanted_times
    assert len(times) == FRAMES
    for mine, theirs in zip(planes, wanted, strict=True):
        assert all(plane.is_cuda and plane.is_contiguous() for plane in mine)
        assert all(torch.equal(a.cpu(), b) for a, b in zip(mine, theirs, strict=True))


def test_frames_are_the_cpus_to_the_last_bit(nvdec: Nvdec, clip: Path) -> None:
    assert_equal(nvdec, clip)


def test_so_they_are_while_the_device_works(nvdec: Nvdec, clip: Path) -> None:
    with busy_device():
        assert_equal(nvdec, clip)


def test_so_they_are_for_a_caller_on_another_stream(nvdec: Nvdec, clip: Path) -> None:
    """Surfaces are filled on the default stream, for which other streams do not wait."""
    other = torch.cuda.Stream(DEVICE)  # type: ignore[no-untyped-call]
    with torch.cuda.stream(other):
        assert_equal(nvdec, clip)


def test_a_file_decoded_on_the_gpu_comes_out_the_same(
    nvdec: Nvdec, clip: Path, tmp_path: Path
) -> None:
    results = []
    for decoder in ("cpu", "cuda"):
        target = tmp_path / f"{decoder}.mkv"
        vidsr.upscale(
            clip, target, model="lite-x2", device=str(DEVICE), decoder=decoder, codec="ffv1",
            engine="torch",
        )  # fmt: skip
        results.append(planes_of(target, None))
    (times, planes), (gpu_times, gpu_planes) = results
    assert times == gpu_times
    for mine, theirs in zip(planes, gpu_planes, strict=True):
        assert all(map(torch.equal, mine, theirs))
