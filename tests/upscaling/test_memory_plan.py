"""Byte counts, limits, and a run that stays within one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import plan_tiles, window_pixels
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.models.zoo import load_model
from vidsr.option_values import parse_bytes
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling import memory_plan
from vidsr.upscaling.device_ring import Lane, Ring
from vidsr.upscaling.machine_memory import free_bytes
from vidsr.upscaling.memory_plan import (
    DEFAULT_LIMIT,
    Load,
    MemoryPlan,
    default_limit,
    fits_whole,
    frame_bytes,
    load_of,
    plan_memory,
)
from vidsr.upscaling.transform import RGB_FULL

YUV = PixelFormat("yuv", 8, (2, 2))
BT709 = ColorSpec(matrix=1, range=1)


def layout(width: int, height: int, pixel: PixelFormat = YUV) -> VideoFormat:
    return VideoFormat(width, height, pixel, RGB_FULL if pixel.family == "rgb" else BT709)


@pytest.fixture(scope="module")
def lite() -> TorchEngine:
    return TorchEngine(load_model("lite-x2"), device="cpu", precision="fp32")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("512", 512),
        ("4k", 4096),
        ("512M", 512 << 20),
        ("512MB", 512 << 20),
        ("512MiB", 512 << 20),
        (" 2g ", 2 << 30),
        ("1.5G", 3 << 29),
        ("0.5k", 512),
        ("100b", 100),
    ],
)
def test_sizes_for_people(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0M",
        "0.4",
        "0.0G",
        "-1",
        "-2G",
        "G",
        "2T",
        "1e9",
        "nan",
        "inf",
        "2 G",
        "1,5G",
        ".5G",
        "9" * 400,
        "0x10",
        "2GG",
        "2Gi2",
    ],
)
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(OptionError, match="512M or 2G"):
        parse_bytes(text)


def test_default_limit_is_half_of_what_is_free_and_never_more_than_4_gib(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cpu = torch.device("cpu")
    assert 0 < default_limit(cpu) <= DEFAULT_LIMIT
    meminfo = tmp_path / "proc" / "meminfo"
    meminfo.parent.mkdir()
    monkeypatch.setattr(memory_plan, "free_bytes", lambda: free_bytes(tmp_path))
    for text, limit in (
        ("MemTotal: 9 kB\nMemAvailable:    2048 kB\n", 1 << 20),
        ("MemAvailable: 99999999 kB\n", DEFAULT_LIMIT),
        ("nothing of use\n", DEFAULT_LIMIT),
    ):
        meminfo.write_text(text)
        assert default_limit(cpu) == limit
    meminfo.unlink()
    assert default_limit(cpu) == DEFAULT_LIMIT


def test_gpu_limit_is_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 9000))
    assert default_limit(torch.device("cuda", 0)) == 500


def test_frames_are_counted_on_both_sides(lite: TorchEngine) -> None:
    source, target = layout(64, 32), layout(128, 64)
    planes = 4 * (64 * 32 + 128 * 64) * 3 // 2
    assert frame_bytes(source, target, lite) == planes + 4 * 2 * 128 * 64


def test_what_takes_more_counts_more(lite: TorchEngine) -> None:
    source, target = layout(640, 360), layout(1280, 720)
    plain = frame_bytes(source, target, lite)
    rgb = layout(1280, 720, PixelFormat("rgb", 8))
    assert frame_bytes(source, rgb, lite) > 2 * plain
    # Half the target, but the network's whole output comes first.
    assert frame_bytes(source, layout(640, 360), lite) > 0.8 * plain
    deep = layout(1280, 720, PixelFormat("yuv", 10, (2, 2)))
    assert frame_bytes(source, deep, lite) > plain


def test_4k_within_a_gibibyte_is_cut_into_tiles(lite: TorchEngine) -> None:
    source, target = layout(3840, 2160), layout(7680, 4320)
    tile = plan_memory(source, target, lite, 1 << 30, Load()).tile
    assert tile is not None
    assert lite.halo is not None
    window = plan_tiles(Size(3840, 2160), tile, lite.halo)[0]
    pixels = (window.rows.stop - window.rows.start) * (window.columns.stop - window.columns.start)
    used = frame_bytes(source, target, lite) + pixels * lite.bytes_per_pixel
    assert 0.5 * (1 << 30) < used <= 1 << 30
    assert plan_memory(source, target, lite, 1 << 40, Load()).tile is None


def test_too_little_is_refused_with_a_hint(lite: TorchEngine) -> None:
    source, target = layout(3840, 2160), layout(7680, 4320)
    with pytest.raises(MemoryLimitError, match=r"7680x4320.*limit of 65536 KiB.*`max_memory`"):
        plan_memory(source, target, lite, 64 << 20, Load())
    with pytest.raises(MemoryLimitError, match="`max_memory`"):  # frames fit, the network does not
        plan_memory(source, target, lite, frame_bytes(source, target, lite) + 1, Load())


class Counter:
    """A device that makes buffers and counts them."""

    def __init__(self) -> None:
        self.bytes = 0

    def host(self, shape: tuple[int, int], dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype)

    def memory(self, shape: tuple[int, int], dtype: torch.dtype) -> torch.Tensor:
        buffer = torch.empty(shape, dtype=dtype)
        self.bytes += buffer.nbytes
        return buffer


def on_gpu(half: bool = True) -> StubEngine:
    dtype = torch.float16 if half else torch.float32
    size = 500 if half else 1000
    device = torch.device("cuda", 0)
    return StubEngine(scale=2, halo=9, dtype=dtype, device=device, bytes_per_pixel=size)


@pytest.mark.parametrize("devices", [1, 2, 3, 4])
@pytest.mark.parametrize("held", [1, 3, 8])
def test_a_ring_makes_as_many_slots_as_are_counted(devices: int, held: int) -> None:
    source, target, engine = layout(64, 32), layout(128, 64), on_gpu()
    counters = [Counter() for _ in range(devices)]
    Ring([Lane(c, source, target, lambda *_: None) for c in counters], downstream=held)  # type: ignore[arg-type]
    load = load_of(engine, devices, held, follows=False)
    floats = frame_bytes(source, target, engine, frames=0)
    for counter in counters:
        assert counter.bytes == frame_bytes(source, target, engine, load.frames) - floats


def test_a_processor_has_no_slots_and_no_graphs(lite: TorchEngine) -> None:
    assert load_of(lite, held=99, follows=False) == Load(4, 1, check=False)


@pytest.mark.parametrize("follows", [False, True])
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("limit_mib", [100, 150, 400, 1000, 4000])
def test_all_that_lies_on_a_gpu_stays_within_the_limit(
    limit_mib: int, half: bool, follows: bool
) -> None:
    """Slots, the graph, TensorRT's engine beside it, and float32 on a window to compare with."""
    source, target, engine = layout(1280, 720), layout(2560, 1440), on_gpu(half)
    load = load_of(engine, follows=follows)
    plan = plan_memory(source, target, engine, limit_mib << 20, load)
    pixels = window_pixels(plan.tile, Size(1280, 720), engine)
    compared = min(pixels, (256 + 18) ** 2) * 1000 if half else 0
    wanted = pixels * engine.bytes_per_pixel * (1 + follows) + compared
    assert plan.network == wanted
    assert plan.total == 6 * (1280 * 720 + 2560 * 1440) * 3 // 2 + 4 * 2 * 2560 * 1440 + wanted
    assert plan.total <= limit_mib << 20
    assert plan.graphs >= pixels * engine.bytes_per_pixel
    assert plan.total + plan.graphs - pixels * engine.bytes_per_pixel <= limit_mib << 20


def test_memory_that_is_there_is_used() -> None:
    source, target = layout(1280, 720), layout(2560, 1440)
    for half in (False, True):
        load = load_of(on_gpu(half), follows=True)
        for limit in range(100 << 20, 900 << 20, 100 << 20):
            plan = plan_memory(source, target, on_gpu(half), limit, load)
            assert plan.tile is None or plan.total > 0.8 * limit


def test_a_tile_that_is_given_is_kept() -> None:
    source, target = layout(1280, 720), layout(2560, 1440)
    plan = plan_memory(source, target, on_gpu(), 1 << 20, Load(), Size(200, 100))
    assert plan.tile == Size(200, 100)
    assert isinstance(plan, MemoryPlan)
    assert plan.total > 1 << 20


def test_frames_side_by_side_count_each(lite: TorchEngine) -> None:
    source, target = layout(640, 360), layout(1280, 720)
    alone = plan_memory(source, target, lite, 1 << 40, Load()).total
    assert fits_whole(source, target, lite, alone + (3 << 20), 1)
    assert not fits_whole(source, target, lite, alone + (3 << 20), 2)
    assert fits_whole(source, target, lite, 4 * alone, 4)


SCRIPT = """
import json, re, sys, threading, time
from pathlib import Path
import numpy as np, torch
from vidsr import Upscaler
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

torch.set_num_threads(1)
limit, family, across, width, height = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
pixel = PixelFormat(family, 8, (across, across))
def frame(width, height):
    color = ColorSpec(matrix=1 if family == "yuv" else 0, range=1 if family == "yuv" else 2)
    layout = VideoFormat(width, height, pixel, color)
    random = np.random.default_rng(0)
    sizes = layout.plane_sizes
    return Frame(tuple(torch.from_numpy(random.integers(0, 256, s, dtype=np.uint8)) for s in sizes),
                 layout)
def resident(key):
    return int(re.search(key + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
upscaler = Upscaler("lite-x2", device="cpu", max_memory=limit)
upscaler.enlarge(frame(64, 64))  # libraries and thread pools: not what is measured
picture = frame(width, height)
before = resident("VmRSS")
large = upscaler.enlarge(picture)
print(json.dumps({"grown": resident("VmHWM") - before, "size": large.planes[0].shape,
                  "tile": upscaler.plan(picture.format, large.format)}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize(
    ("limit", "family", "across", "size"),
    [(1 << 28, "yuv", 2, (1920, 1080)), (1 << 27, "rgb", 1, (800, 450))],
)
def test_a_large_frame_stays_within_its_limit(
    limit: int, family: str, across: int, size: tuple[int, int]
) -> None:
    """One frame at a time, so the frames in flight that the plan counts are room to spare."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, (limit, family, across, *size))],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    result = json.loads(run.stdout)
    assert result["size"] == [2 * size[1], 2 * size[0]]
    assert result["tile"] is not None
    assert result["grown"] <= limit + (limit >> 4)  # what allocators keep for later
