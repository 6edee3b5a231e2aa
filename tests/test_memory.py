"""Byte counts, limits, and a run that stays within one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vidsr import memory
from vidsr.color import ColorSpec
from vidsr.engines.torch_engine import TorchEngine
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.frame import PixelFormat, VideoFormat
from vidsr.memory import DEFAULT_LIMIT, default_limit, frame_bytes, parse_bytes, plan_tile
from vidsr.models.zoo import load_model
from vidsr.tiling import plan_tiles
from vidsr.transform import RGB_FULL

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
    meminfo = tmp_path / "meminfo"
    monkeypatch.setattr(memory, "Path", lambda _: meminfo)
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
    tile = plan_tile(source, target, lite, 1 << 30)
    assert tile is not None
    window = plan_tiles(2160, 3840, *tile, lite.halo)[0]
    pixels = (window.rows.stop - window.rows.start) * (window.columns.stop - window.columns.start)
    used = frame_bytes(source, target, lite) + pixels * lite.bytes_per_pixel
    assert 0.5 * (1 << 30) < used <= 1 << 30
    assert plan_tile(source, target, lite, 1 << 40) is None


def test_too_little_is_refused_with_a_hint(lite: TorchEngine) -> None:
    source, target = layout(3840, 2160), layout(7680, 4320)
    with pytest.raises(MemoryLimitError, match=r"7680x4320.*limit of 65536 KiB.*--max-memory"):
        plan_tile(source, target, lite, 64 << 20)
    with pytest.raises(MemoryLimitError, match="--max-memory"):  # frames fit, the network does not
        plan_tile(source, target, lite, frame_bytes(source, target, lite) + 1)


SCRIPT = """
import json, re, sys, threading, time
from pathlib import Path
import numpy as np, torch
from vidsr import Upscaler
from vidsr.color import ColorSpec
from vidsr.frame import Frame, PixelFormat, VideoFormat

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
    [(1 << 30, "yuv", 2, (3840, 2160)), (1 << 29, "rgb", 1, (1600, 900))],
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
    assert result["grown"] <= limit + (64 << 20)  # what allocators keep for later
