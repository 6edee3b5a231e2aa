"""Memory that a run may take, and that it will take."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.selection.accuracy_check import TILE as CHECK_TILE
from vidsr.engines.tiling import choose_tile, window_pixels
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.picture.chroma import keeps_matrix
from vidsr.picture.frame import VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling.device_ring import slots_per_device
from vidsr.upscaling.machine_memory import free_bytes

# Frames alive at once on each side: two queued, one being worked on, one in a neighbour's hands.
FRAMES_IN_FLIGHT = 4
HELD_FRAMES = 3  # of a stream, by whoever writes a file: two queued, one being encoded
DEFAULT_LIMIT = 4 << 30
# Float planes alive at the peak of one frame: resident memory measured at 1080p -> 4K, 1440p and
# 5K, less network and rounded planes: 1.5, 2.7 and 8 to 10.
LUMA_PLANES, RESIZED_LUMA_PLANES, RGB_PLANES = 2, 3, 10


def default_limit(device: torch.device) -> int:
    """Return half of what is free on the device, at most 4 GiB on a CPU.

    A container's limit counts as the machine's memory.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free // 2
    left = free_bytes()
    return DEFAULT_LIMIT if left is None else min(DEFAULT_LIMIT, left // 2)


@dataclass(frozen=True)
class Load:
    """Load of a device beside one run of the network.

    Attributes:
        frames: Frames that lie there at once, each with its planes of either size.
        networks: Number of networks whose activations lie there at once: a CUDA graph keeps its
            own, and TensorRT's engine its own beside that until it has taken over.
        check: True where the network in float32 runs beside, to compare with.
    """

    frames: int = FRAMES_IN_FLIGHT
    networks: int = 1
    check: bool = False


def load_of(engine: Engine, devices: int = 1, held: int = HELD_FRAMES, *, follows: bool) -> Load:
    """Return the load of each of ``devices`` that share a stream for a receiver of ``held`` frames.

    ``follows`` says whether TensorRT may take over. What the builder of its engine takes, in a
    process of its own, is not counted, nor are page-locked buffers of the host: as many as slots.
    """
    if engine.device.type != "cuda":
        return Load()
    networks = 2 if follows else 1
    return Load(slots_per_device(devices, held), networks, engine.dtype != torch.float32)


def _size(layout: VideoFormat) -> Size:
    return Size(layout.width, layout.height)


def frame_bytes(
    source: VideoFormat, target: VideoFormat, engine: Engine, frames: int = FRAMES_IN_FLIGHT
) -> int:
    """Return bytes held beside the network: frames in flight, and float planes before rounding.

    The planes are as large as the network's output or the target, whichever is larger.
    """
    scaled = (source.width * engine.scale, source.height * engine.scale)
    if engine.channels == 1 and keeps_matrix(source, target):
        planes = LUMA_PLANES if scaled == (target.width, target.height) else RESIZED_LUMA_PLANES
    else:
        planes = RGB_PLANES
    pixels = max(scaled[0] * scaled[1], target.width * target.height)
    return frames * (source.frame_bytes + target.frame_bytes) + 4 * pixels * planes


def fits_whole(
    source: VideoFormat, target: VideoFormat, engine: Engine, limit: int, count: int
) -> bool:
    """Return True if ``count`` frames may be upscaled at once, none of them in tiles.

    Each has float planes and a network of its own, and as many more wait in between.
    """
    return _left(source, target, engine, limit, count) >= 0


def results_that_fit(
    source: VideoFormat, target: VideoFormat, engine: Engine, limit: int, count: int
) -> int:
    """Return how many results of earlier frames may be kept beside ``count`` frames at once.

    Each is the source twice, as samples and as the network sees it, and the picture that the
    network made of it; every frame in work may hold one more.
    """
    pixels = source.width * source.height
    numbers = engine.channels * (2 + engine.scale**2)
    each = pixels * numbers * torch.float32.itemsize + source.frame_bytes
    return max(0, _left(source, target, engine, limit, count) // each - count)


def _left(source: VideoFormat, target: VideoFormat, engine: Engine, limit: int, count: int) -> int:
    """Return the bytes of ``limit`` that ``count`` frames at once leave, all of them whole."""
    planes = frame_bytes(source, target, engine, frames=0)
    queued = frame_bytes(source, target, engine, FRAMES_IN_FLIGHT + count) - planes
    network = window_pixels(None, _size(source), engine) * engine.bytes_per_pixel
    return limit - queued - count * (planes + network)


@dataclass(frozen=True)
class MemoryPlan:
    """Plan of how a run stays within its limit, in bytes.

    Attributes:
        tile: Largest tile that fits; None runs whole frames.
        beside: Bytes taken by frames.
        network: Bytes taken by what all networks see at once.
        graphs: Bytes that activations kept from run to run may take together.
    """

    tile: Size | None
    beside: int
    network: int
    graphs: int

    @property
    def total(self) -> int:
        return self.beside + self.network


def plan_memory(
    source: VideoFormat,
    target: VideoFormat,
    engine: Engine,
    limit: int,
    load: Load,
    tile: Size | None = None,
) -> MemoryPlan:
    """Plan one device. A ``tile`` that is given is kept, however much it takes.

    The encoder's own frames are not counted. Raises MemoryLimitError, and OptionError for a tile
    where the network does not allow any.
    """
    beside = frame_bytes(source, target, engine, load.frames)
    size = _size(source)
    if tile is not None and not engine.traits.tiling:
        raise OptionError(f"tile = {tile}: expected None, {engine.name} sees whole frames only")
    if tile is None:
        if beside >= limit:
            raise MemoryLimitError(
                f"frames of {target.width}x{target.height} take {beside >> 10} KiB, "
                f"more than the limit of {limit / 1024:.6g} KiB.",
                hint="raise `max_memory`, or choose a smaller `scale`.",
            )
        tile = choose_tile(size, engine, _share(limit - beside, size, engine, load))
    once = window_pixels(tile, size, engine) * engine.bytes_per_pixel
    check = min(window_pixels(tile, size, engine), _check_pixels(size, engine))
    network = once * load.networks + load.check * check * _float32(engine)
    return MemoryPlan(tile, beside, network, max(once, limit - beside - network + once))


def _share(room: int, size: Size, engine: Engine, load: Load) -> int:
    """Return what one network may take of ``room`` bytes so that all that runs beside it fits.

    The network in float32 sees no more than a window of 256 x 256, and no more than the other does:
    whichever of the two allows more is right.
    """
    if not load.check:
        return room // load.networks
    apart = (room - _check_pixels(size, engine) * _float32(engine)) // load.networks
    ratio = _float32(engine) / engine.bytes_per_pixel
    return max(apart, int(room / (load.networks + ratio)))


def _check_pixels(size: Size, engine: Engine) -> int:
    return window_pixels(CHECK_TILE, size, engine)


def _float32(engine: Engine) -> int:
    """Return bytes per pixel of the same network in float32."""
    return engine.bytes_per_pixel * torch.float32.itemsize // engine.dtype.itemsize
