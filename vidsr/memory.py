"""How much memory a run may take, and how much it will."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from vidsr.engines.engine import Engine
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.frame import VideoFormat
from vidsr.tiling import choose_tile

# Frames alive at once on each side: two queued, one being worked on, one in a neighbour's hands.
FRAMES_IN_FLIGHT = 4
DEFAULT_LIMIT = 4 << 30
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_bytes(text: str) -> int:
    """``512M``, ``2G`` or plain bytes. Raises OptionError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?", text.strip().lower())
    if match is None or float(match[1]) <= 0:
        raise OptionError(f"memory {text!r}: allowed are numbers such as 512M or 2G.")
    return int(float(match[1]) * _UNITS[match[2]])


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


def frame_bytes(source: VideoFormat, target: VideoFormat, channels: int) -> int:
    """Bytes held beside the network: frames in flight, and the float picture before rounding.

    The float picture is luma (1 channel) or RGB with one temporary (6), at target size.
    """
    floats = 4 * target.width * target.height * (2 if channels == 1 else 6)
    return FRAMES_IN_FLIGHT * (source.frame_bytes + target.frame_bytes) + floats


def plan_tile(
    source: VideoFormat, target: VideoFormat, engine: Engine, limit: int
) -> tuple[int, int] | None:
    """The largest tile that keeps a run within ``limit`` bytes; None runs whole frames.

    The encoder's own frames are not counted. Raises MemoryLimitError.
    """
    beside = frame_bytes(source, target, engine.channels)
    if beside >= limit:
        raise MemoryLimitError(
            f"frames of {target.width}x{target.height} take {beside >> 20} MiB, "
            f"more than the limit of {limit >> 20} MiB.",
            hint="raise --max-memory, or choose a smaller --scale.",
        )
    return choose_tile(source.height, source.width, engine, limit - beside)
