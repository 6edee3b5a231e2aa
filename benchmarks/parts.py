"""Parts that `foundation.py` measures, each in a process of its own; prints one JSON object.

Kept apart so that the process that starts the others never loads a library: a child's peak memory
as the kernel reports it is at least that of the parent it was forked from.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from statistics import median
from typing import Any
from unittest import mock

import av
import numpy as np
import torch
from av.video.frame import PictureType

Work = Callable[[], object]
Run = Callable[[torch.Tensor], torch.Tensor]
WARM_UP = 8


def bounce(count: int, length: int) -> Iterator[int]:
    """Yield 0, 1, … length-1, length-2, … 1, 0, 1, …: motion without a cut."""
    period = max(1, 2 * (length - 1))
    for i in range(count):
        yield min(i % period, period - i % period)


def decode(path: str, limit: int | None = None) -> Iterator[av.VideoFrame]:
    with av.open(path) as clip:
        clip.streams.video[0].thread_type = "AUTO"
        for index, frame in enumerate(clip.decode(video=0)):
            if index == limit:
                return
            yield frame


def write(path: str, images: Iterator[av.VideoFrame], preset: str) -> None:
    """Encode with x264, pictures 1/24 s apart; the first decides the size."""
    first = next(images)
    with av.open(path, "w") as target:
        stream = target.add_stream("libx264", rate=24, options={"preset": preset})
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.codec_context.colorspace = stream.codec_context.color_range = 1
        for index, image in enumerate(chain([first], images)):
            image.pts, image.time_base = index, Fraction(1, 24)
            image.pict_type = PictureType.NONE
            target.mux(stream.encode(image))
        target.mux(stream.encode(None))


def clip(source: str, target: str, count: str) -> dict[str, Any]:
    """Make a clip of ``count`` frames by playing ``source`` to and fro."""
    frames = [f.to_ndarray() for f in decode(source)]
    order = bounce(int(count), len(frames))
    images = (av.VideoFrame.from_ndarray(frames[i], format="yuv420p") for i in order)
    write(target, images, "veryfast")
    return {}


def tiny(target: str, count: str) -> dict[str, Any]:
    """Make a clip of ``count`` small frames, 64x48, with something moving in it."""
    slope = np.add.outer(np.arange(72), np.arange(64)).astype(np.uint8)
    images = (
        av.VideoFrame.from_ndarray(slope + np.uint8(i % 97), format="yuv420p")
        for i in range(int(count))
    )
    write(target, images, "ultrafast")
    return {}


def _lite() -> Any:
    from vidsr.engines.pytorch.engine import TorchEngine
    from vidsr.models.zoo import load_model

    return TorchEngine(load_model("lite-x4"), device="cpu")


def _alternate(works: dict[str, Work], rounds: int) -> dict[str, list[float]]:
    """Return wall seconds of each work, taking turns: a busy neighbour disturbs all alike."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for index in range(WARM_UP + rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if index >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return times


@torch.inference_mode()
def engine_overhead(rounds: str) -> dict[str, Any]:
    """Compare TorchEngine.run with the same network, type and layout, called with nothing else."""
    from vidsr.engines.pytorch.rewrite import to_phase_module
    from vidsr.models.networks.lite import Lite
    from vidsr.models.zoo import load_model

    engine = _lite()
    x = torch.rand(1, engine.channels, 180, 320)
    net = to_phase_module(load_model("lite-x4").module).eval()
    assert isinstance(net, Lite)
    net.to(dtype=engine.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    bare_x = x.to(engine.dtype).contiguous(memory_format=torch.channels_last)
    works: dict[str, Work] = {
        "engine": lambda: engine.run(x),
        "bare": lambda: net.phase(bare_x),
        "bare_residual": lambda: net.residual(bare_x),
    }
    times = _alternate(works, int(rounds))
    ratios = [a / b for a, b in zip(times["engine"], times["bare"], strict=True)]
    return {
        "dtype": str(engine.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "engine_ms": 1e3 * median(times["engine"]),
        "bare_ms": 1e3 * median(times["bare"]),
        "bare_without_input_added_ms": 1e3 * median(times["bare_residual"]),
        "ratio": median(ratios),
    }


def _cpu_ms(work: Callable[[int], object], count: int) -> dict[str, Any]:
    """Return CPU milliseconds for each of ``count`` calls, all threads of the process together."""
    for index in range(WARM_UP):
        work(index)
    start = time.process_time()
    for index in range(count):
        work(index)
    return {"cpu_ms": 1e3 * (time.process_time() - start) / count}


def part_decode(path: str, count: str) -> dict[str, Any]:
    """Measure decoding alone."""
    frames = decode(path)
    return _cpu_ms(lambda _: next(frames), int(count))


def part_engine(path: str, count: str) -> dict[str, Any]:
    """Measure the network alone, on the clip's luma."""
    engine = _lite()
    lumas = [
        torch.from_numpy(f.to_ndarray()[:180]).float()[None, None] / 255 for f in decode(path, 24)
    ]
    return _cpu_ms(lambda i: engine.run(lumas[i % len(lumas)]), int(count))


def replaying(run: Run) -> Run:
    """Return a network that costs nothing: it answers a shape with the real one's first result."""
    answers: dict[torch.Size, torch.Tensor] = {}

    def replay(x: torch.Tensor) -> torch.Tensor:
        if x.shape not in answers:
            answers[x.shape] = run(x)
        return answers[x.shape]

    return replay


def part_colour(path: str, count: str) -> dict[str, Any]:
    """Measure all that the Upscaler does around the network: levels, chroma, shuffle, rounding."""
    from vidsr import Upscaler

    upscaler = Upscaler("lite-x4", device="cpu")
    frames = list(decode(path, 24))
    upscaler(frames[0])  # the engine is checked on the first picture: before it answers from memory
    engine = upscaler.engine
    with mock.patch.object(engine, "run", replaying(engine.run)):
        return _cpu_ms(lambda i: upscaler(frames[i % len(frames)]), int(count))


def part_encode(path: str, count: str, target: str) -> dict[str, Any]:
    """Measure x264 veryfast alone, on the pictures that the command encodes."""
    from vidsr import Upscaler

    upscaler = Upscaler("lite-x4", device="cpu")
    frames = [upscaler(f).to_ndarray() for f in decode(path, 96)]
    images = [av.VideoFrame.from_ndarray(f, format="yuv420p") for f in frames]
    order = bounce(int(count), len(images))
    start = time.process_time()
    write(target, (images[i] for i in order), "veryfast")
    return {"cpu_ms": 1e3 * (time.process_time() - start) / int(count)}


PARTS = {
    f.__name__: f
    for f in (
        clip, tiny, engine_overhead, part_decode, part_engine, part_colour, part_encode,
    )
}  # fmt: skip


def main() -> None:
    print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))


if __name__ == "__main__":
    main()
