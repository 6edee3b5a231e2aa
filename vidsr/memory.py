"""How much memory a run may take, and how much it will."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from vidsr.chroma import keeps_matrix
from vidsr.engines.engine import Engine
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.frame import VideoFormat
from vidsr.tiling import choose_tile

# Frames alive at once on each side: two queued, one being worked on, one in a neighbour's hands.
FRAMES_IN_FLIGHT = 4
DEFAULT_LIMIT = 4 << 30
# Float planes alive at the peak of one frame: resident memory measured at 1080p -> 4K, 1440p and
# 5K, less network and rounded planes: 1.5, 2.7 and 8 to 10.
LUMA_PLANES, RESIZED_LUMA_PLANES, RGB_PLANES = 2, 3, 10
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_bytes(text: str) -> int:
    """``512M``, ``2G`` or plain bytes. Raises OptionError."""
    match = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)([kmg]?)(?:i?b)?", text.strip().lower())
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < 1:
        raise OptionError(f"memory {text!r}: allowed are numbers such as 512M or 2G.")
    return size


def default_limit(device: torch.device) -> int:
    """Half of what is free on the device, at most 4 GiB on a CPU."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free // 2
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        if match:
            return min(DEFAULT_LIMIT, int(match[1]) * 1024 // 2)
    return DEFAULT_LIMIT


def frame_bytes(source: VideoFormat, target: VideoFormat, engine: Engine) -> int:
    """Bytes held beside the network: frames in flight, and float planes before rounding.

    The planes are as large as the network's output or the target, whichever is larger.
    """
    scaled = (source.width * engine.scale, source.height * engine.scale)
    if engine.channels == 1 and keeps_matrix(source, target):
        planes = LUMA_PLANES if scaled == (target.width, target.height) else RESIZED_LUMA_PLANES
    else:
        planes = RGB_PLANES
    pixels = max(scaled[0] * scaled[1], target.width * target.height)
    return FRAMES_IN_FLIGHT * (source.frame_bytes + target.frame_bytes) + 4 * pixels * planes


def plan_tile(
    source: VideoFormat, target: VideoFormat, engine: Engine, limit: int
) -> tuple[int, int] | None:
    """The largest tile that keeps a run within ``limit`` bytes; None runs whole frames.

    The encoder's own frames are not counted. Raises MemoryLimitError.
    """
    beside = frame_bytes(source, target, engine)
    if beside >= limit:
        raise MemoryLimitError(
            f"frames of {target.width}x{target.height} take {beside >> 10} KiB, "
            f"more than the limit of {limit >> 10} KiB.",
            hint="raise --max-memory, or choose a smaller --scale.",
        )
    return choose_tile(source.height, source.width, engine, limit - beside)
