"""What a model costs on this machine: milliseconds and memory a frame."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from vidsr.engines.tile_margins import may_blend
from vidsr.picture.size import Size
from vidsr.upscaling import transform
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.still_images import read_picture

PATIENCE_S = 6.0  # after which no further run begins
MOST_RUNS = 5


@dataclass(frozen=True)
class Cost:
    """Cost of one frame.

    Attributes:
        size: Size of the source.
        ms: Milliseconds of the fastest run, conversion included.
        memory_mib: Estimated peak of the network's activations.
        runtime: Library that ran it.
        precision: Type of the activations.
        runs: Number of runs that were timed.
    """

    size: str
    ms: float
    memory_mib: int
    runtime: str
    precision: str
    runs: int

    def text(self) -> str:
        """Return the cost in words."""
        return (
            f"{self.ms:.0f} ms and {self.memory_mib} MiB for a frame of {self.size}, on "
            f"{self.runtime} in {self.precision}"
        )


def try_cuts(upscaler: Upscaler, picture: Path) -> None:
    """Have what tiles need measured on a picture, where they are not always exact.

    Raises InputError for a picture that cannot be read, and what ``Upscaler`` raises.
    """
    if not may_blend(upscaler.engine):
        return
    source = read_picture(picture)[:3]
    rgb = source if source.shape[0] == 3 else source[:1].repeat(3, 1, 1)
    engine = upscaler.engine
    seen = transform.rgb_input(rgb.float() / 255, engine)
    room = upscaler.memory_limit // engine.bytes_per_pixel
    upscaler.pool.measure_surroundings(seen.to(engine.input_dtype), room)


def measure(upscaler: Upscaler, size: Size) -> Cost:
    """Run single frames of ``size``, a warm-up first where time allows.

    Raises what ``Upscaler`` raises.
    """
    torch.manual_seed(0)
    picture = torch.rand(3, size.height, size.width)
    times: list[float] = []
    start = time.monotonic()
    while len(times) <= MOST_RUNS and (not times or time.monotonic() - start < PATIENCE_S):
        begin = time.perf_counter()
        upscaler(picture)
        times.append(time.perf_counter() - begin)
    timed = times[1:] or times
    engine = upscaler.engine
    return Cost(
        str(size),
        min(timed) * 1e3,
        (engine.bytes_per_pixel * size.width * size.height) >> 20,
        engine.runtime,
        str(engine.dtype).removeprefix("torch."),
        len(timed),
    )
