"""Upscaler.stream on CUDA: what single calls give, what a CPU gives, in order, in flat memory."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import (
    DEVICE,
    PRECISION,
    cuda_only,
    frame,
    layout,
    pick,
    skip_without_cuda,
    synchronize,
    two_gpus,
)
from tests.paths import ROOT
from vidsr.errors import DeviceError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

pytest.importorskip("av")

from vidsr.upscaling.upscaler import Upscaler

skip_without_cuda()

GRAY = VideoFormat(49, 37, PixelFormat("gray", 8), ColorSpec(matrix=1, range=2))
RGB = VideoFormat(48, 36, PixelFormat("rgb", 8), ColorSpec(matrix=0))
FORMATS = {
    "yuv420p": layout(64, 36),
    "odd": layout(61, 35),
    "10 bit": layout(64, 36, depth=10, matrix=9),
    "422": layout(50, 34, depth=10, subsampling=(2, 1)),
    "444": layout(50, 34, subsampling=(1, 1), matrix=6),
    "gray": GRAY,
    "rgb": RGB,
}
MODELS = ("lite-x4", "srresnet-x4")


@pytest.fixture(scope="module", params=MODELS)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Upscaler, Upscaler]]:
    """Yield a model on the device in its own precision, and on a CPU in float32."""
    model = request.param
    both = (
        Upscaler(model, device=str(DEVICE), engine="torch", precision=PRECISION),
        Upscaler(model, device="cpu", precision="fp32"),
    )
    yield both
    for upscaler in both:
        upscaler.close()


def upscaler_of(model: str) -> Upscaler:
    return Upscaler(model, device=str(DEVICE), engine="torch", precision=PRECISION)


def taken(large: Frame) -> tuple[Tensor, ...]:
    """Copy lent planes, and give them back."""
    planes = tuple(plane.clone() for plane in large.planes)
    large.release()
    return planes


@pytest.mark.parametrize("name", FORMATS)
def test_streams_equal_single_calls_and_a_cpu(name: str, pair: tuple[Upscaler, Upscaler]) -> None:
    on_device, on_cpu = pair
    form = FORMATS[name]
    frames = [frame(form, i) for i in range(pick(7, 2))]
    singles = [on_device.enlarge(given).planes for given in frames]
    results = on_device.stream(frames)
    for given, large, single in zip(frames, results, singles, strict=True):
        assert large.pts == given.pts
        assert large.format == on_device.target_format(form)
        found = taken(large)
        assert all(map(torch.equal, found, single))
        allowed = 1 if form.pixel.depth == 8 else 2
        for mine, theirs in zip(found, on_cpu.enlarge(given).planes, strict=True):
            assert mine.dtype == theirs.dtype
            assert int((mine.int() - theirs.int()).abs().max()) <= allowed


def test_order_is_kept_and_other_items_stay_in_their_places() -> None:
    form = FORMATS["yuv420p"]
    upscaler = upscaler_of("lite-x2")
    items: list[Any] = []
    for i in range(pick(60, 6)):
        items += [frame(form, i)] + [f"packet {i}"] * (i % 3)
    seen: list[Any] = []
    for item in upscaler.stream(items, held=3):
        if isinstance(item, Frame):
            seen.append(item.pts)
            item.release()
        else:
            seen.append(item)
    assert seen == [item.pts if isinstance(item, Frame) else item for item in items]


def test_frames_that_are_held_are_not_written_again() -> None:
    form = FORMATS["yuv420p"]
    upscaler = upscaler_of("lite-x2")
    expected = [upscaler.enlarge(frame(form, i)).planes for i in range(pick(12, 4))]
    held: list[tuple[int, Frame]] = []
    for number, large in enumerate(
        upscaler.stream((frame(form, i) for i in range(len(expected))), held=3)
    ):
        held.append((number, large))
        if len(held) == 3:
            oldest, first = held.pop(0)
            assert all(map(torch.equal, first.planes, expected[oldest]))
            first.release()


def test_the_format_may_change_midway() -> None:
    upscaler = upscaler_of("lite-x2")
    forms = [FORMATS["yuv420p"], FORMATS["10 bit"], FORMATS["odd"], FORMATS["yuv420p"]]
    frames = [frame(form, 4 * i + j) for i, form in enumerate(forms) for j in range(4)]
    expected = [upscaler.enlarge(given) for given in frames]
    results = upscaler.stream(frames)
    for wanted, large in zip(expected, results, strict=True):
        assert (large.pts, large.format) == (wanted.pts, wanted.format)
        assert all(map(torch.equal, taken(large), wanted.planes))


def test_closing_early_leaves_the_upscaler_usable() -> None:
    form = FORMATS["yuv420p"]
    upscaler = upscaler_of("srresnet-x4")
    wanted = upscaler.enlarge(frame(form, 0)).planes
    for count in (0, 1, 3):
        results = cast("Generator[Frame]", upscaler.stream(frame(form, i) for i in range(9)))
        for large in islice(results, count):
            large.release()
        results.close()
    (large,) = upscaler.stream([frame(form, 0)])
    assert all(map(torch.equal, taken(large), wanted))


def test_single_calls_in_the_middle_of_a_stream_change_nothing() -> None:
    """Both go through the same graph, whose input and output lie in one place."""
    form = pick(layout(480, 270), FORMATS["odd"])  # large enough to be still on its way
    upscaler = upscaler_of("srresnet-x4")
    frames = [frame(form, i) for i in range(pick(12, 3))]
    expected = [upscaler.enlarge(given).planes for given in frames]
    for number, large in enumerate(upscaler.stream(frames)):
        other = -1 - number
        assert all(map(torch.equal, upscaler.enlarge(frames[other]).planes, expected[other]))
        assert all(map(torch.equal, taken(large), expected[number]))


def test_an_error_of_the_engine_is_raised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORMATS["yuv420p"]
    upscaler = upscaler_of("lite-x2")
    engine, runs = upscaler.engine, [0]
    ordinary = engine.run

    def failing(x: Tensor) -> Tensor:
        runs[0] += 1
        if runs[0] == 6:
            raise DeviceError("the sixth run fails")
        return ordinary(x)

    monkeypatch.setattr(engine, "run", failing)
    results = upscaler.stream(frame(form, i) for i in range(12))
    with pytest.raises(DeviceError, match="the sixth run fails"):
        release_all(results)
    assert list(results) == []
    monkeypatch.undo()
    (large,) = upscaler.stream([frame(form, 3)])
    assert large.pts == 21


BREAKING = """
import torch
from tests.gpu.on_gpu import frame, layout
from vidsr.errors import DeviceError
from vidsr.upscaling.upscaler import Upscaler

upscaler = Upscaler("lite-x2", device="cuda", engine="torch")
form = layout(64, 36)
engine, runs = upscaler.engine, [0]
ordinary = engine.run

def breaking(x):
    runs[0] += 1
    if runs[0] == 8:  # an index out of range, which the device finds out later
        torch.zeros(4, device="cuda")[torch.full((1,), 9, device="cuda")]
    return ordinary(x)

engine.run = breaking
try:
    for large in upscaler.stream(frame(form, i) for i in range(30)):
        large.release()
except DeviceError as error:
    print("DeviceError", error, flush=True)  # ahead of whatever the exit does
"""


@cuda_only
def test_a_fault_on_the_device_is_a_device_error() -> None:
    """In a process of its own: nothing else can use CUDA there afterwards."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", BREAKING],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "DeviceError" in done.stdout, done.stderr[-2000:]


def release_all(results: Iterator[Frame]) -> None:
    for large in results:
        large.release()


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_flat() -> None:
    form = layout(32, 18)
    upscaler = upscaler_of("lite-x2")
    pictures = [frame(form, i) for i in range(4)]
    count, early_at = pick((2000, 500), (60, 30))
    sizes = []
    for number, large in enumerate(upscaler.stream(pictures[i % 4] for i in range(count))):
        large.release()
        if number in (early_at, count - 1):
            gc.collect()
            allocated = 0 if DEVICE.type == "cpu" else torch.cuda.memory_allocated()
            sizes.append((allocated, resident_bytes()))
    (early, early_resident), (late, late_resident) = sizes
    # A large frame takes 3.5 kB, so that a leak of one for each would be 5 MB.
    assert late - early < 1 << 20
    assert late_resident - early_resident < 32 << 20


@cuda_only
def test_a_stream_that_ends_gives_its_memory_back() -> None:
    upscaler = upscaler_of("lite-x2")
    form = layout(320, 180)
    sizes = []
    for _ in range(3):
        for large in upscaler.stream(frame(form, i) for i in range(4)):
            large.release()
        gc.collect()
        synchronize()
        sizes.append(torch.cuda.memory_allocated())
    assert sizes[1] == sizes[2]


@two_gpus
def test_two_devices_take_turns() -> None:
    form = FORMATS["yuv420p"]
    one, two = (
        upscaler_of("srresnet-x4"),
        Upscaler("srresnet-x4", device="cuda:0,cuda:1", engine="torch"),
    )
    frames = [frame(form, i) for i in range(20)]
    expected = [one.enlarge(given).planes for given in frames]
    for number, large in enumerate(two.stream(frames)):
        assert large.pts == frames[number].pts
        for mine, theirs in zip(taken(large), expected[number], strict=True):
            # The devices may be of different kinds, whose sums round differently.
            assert int((mine.int() - theirs.int()).abs().max()) <= 1
