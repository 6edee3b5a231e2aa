"""The ring of slots, on a device that does what it must in any order that it may."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.fake_device import FakeDevice
from tests.doubles.three_stages import run_pipeline
from vidsr.errors import DeviceError, OptionError
from vidsr.picture.coding_error import CodingError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling.device_ring import DEPTH, Lane, Planes, Ring
from vidsr.upscaling.session import by_format

SOURCE = VideoFormat(3, 1, PixelFormat("yuv", 8, (2, 2)), ColorSpec())
TARGET = replace(SOURCE, width=6, height=2)
MODULUS = 251
STEPS_A_FRAME = 8  # three pieces of work, an event behind each, two waits between them


def enlarge(planes: Planes, large: Planes, _: CodingError | None) -> None:
    """Every sample from one number: a frame that is mixed with another shows it."""
    for plane, result in zip(planes, large, strict=True):
        result.fill_(int(plane.view(-1)[0]) + 1)
        assert (plane == plane.view(-1)[0]).all(), "half of one frame, half of another"


def frame(number: int) -> Frame:
    planes = [torch.full(size, number % MODULUS, dtype=torch.uint8) for size in SOURCE.plane_sizes]
    return Frame(tuple(planes), SOURCE, pts=number, duration=number + 1)


def number_in(large: Frame) -> int:
    """What all samples say."""
    values = {int(v) for plane in large.planes for v in plane.view(-1)}
    assert len(values) == 1
    return values.pop() - 1


def ring(devices: list[FakeDevice], *, downstream: int = 1, depth: int = DEPTH) -> Ring:
    lanes = [Lane(device, SOURCE, TARGET, enlarge) for device in devices]
    return Ring(lanes, downstream=downstream, depth=depth)


@given(
    seed=st.integers(0, 2**32),
    devices=st.integers(1, 3),
    depth=st.integers(1, 4),
    held=st.integers(1, 5),
    eager=st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]),
    kinds=st.lists(st.booleans(), max_size=40),
)
@settings(max_examples=1500, deadline=None)
def test_every_item_in_order_and_no_frame_touched_by_another(
    seed: int, devices: int, depth: int, held: int, eager: float, kinds: list[bool]
) -> None:
    chance = random.Random(seed)
    fakes = [FakeDevice(chance, eager) for _ in range(devices)]
    items: list[Any] = [frame(i) if is_frame else f"packet {i}" for i, is_frame in enumerate(kinds)]
    kept: deque[tuple[int, Frame]] = deque()
    seen: list[Any] = []

    def read_oldest() -> None:
        pts, large = kept.popleft()
        assert number_in(large) == pts % MODULUS, "the slot was filled before its release"
        large.release()

    for item in ring(fakes, downstream=held, depth=depth).through(iter(items)):
        if not isinstance(item, Frame):
            seen.append(item)
            continue
        assert item.format == TARGET
        assert item.duration == (item.pts or 0) + 1
        seen.append(items[item.pts or 0])
        kept.append((item.pts or 0, item))
        while len(kept) >= held or (kept and chance.random() < 0.5):
            read_oldest()
    while kept:
        read_oldest()
    assert seen == items
    assert all(not queue for fake in fakes for queue in fake.queues.values())


def test_the_host_waits_for_nothing_but_the_oldest_frame() -> None:
    """On a device that does nothing unasked, a frame is waited for when its room is needed."""
    device = FakeDevice(random.Random(0), eager=0.0)
    taken = 0

    def source() -> Iterator[Frame]:
        nonlocal taken
        for number in range(10):
            taken += 1
            yield frame(number)

    results = ring([device], depth=3).through(source())
    first = next(results)
    assert isinstance(first, Frame)
    assert taken == 4
    assert device.waits == 1
    assert number_in(first) == 0
    first.release()
    for large in results:
        assert isinstance(large, Frame)
        large.release()
    assert device.waits == 10


def test_a_frame_that_is_done_leaves_with_the_next_item() -> None:
    device = FakeDevice(random.Random(0), eager=1.0)  # done as soon as submitted
    latency = []
    count = 0

    def source() -> Iterator[Frame]:
        nonlocal count
        for number in range(8):
            count = number
            yield frame(number)

    for large in ring([device]).through(source()):
        assert isinstance(large, Frame)
        latency.append(count - (large.pts or 0))
        large.release()
    assert max(latency) == 1


def test_devices_take_turns() -> None:
    devices = [FakeDevice(random.Random(i), eager=0.5) for i in range(3)]
    for large in ring(devices).through(frame(i) for i in range(30)):
        assert isinstance(large, Frame)
        large.release()
    assert len({device.steps_done for device in devices}) == 1


def test_buffers_are_made_once() -> None:
    device = FakeDevice(random.Random(0))
    frames = ring([device], downstream=2, depth=3)
    made = device.allocated
    assert made == 5 * 4 * 3  # slots, buffers, planes
    for large in frames.through(frame(i) for i in range(100)):
        assert isinstance(large, Frame)
        large.release()
    assert device.allocated == made


def test_a_second_release_does_nothing() -> None:
    device = FakeDevice(random.Random(0))
    kept: list[Frame] = []
    for large in ring([device], downstream=2).through(frame(i) for i in range(50)):
        assert isinstance(large, Frame)
        kept.append(large)
        if len(kept) == 2:
            assert [number_in(k) for k in kept] == [k.pts for k in kept]
            for one in (kept.pop(0), *kept):
                one.release()
                one.release()
            kept.clear()


def test_frames_that_are_never_released_are_an_error_and_no_hang() -> None:
    device = FakeDevice(random.Random(0))
    with pytest.raises(OptionError, match="release\\(\\)"):
        list(ring([device], downstream=1).through(frame(i) for i in range(50)))


@given(
    seed=st.integers(0, 2**32),
    fails_at=st.integers(0, 200),
    eager=st.sampled_from([0.0, 0.5, 1.0]),
    devices=st.integers(1, 2),
)
@settings(max_examples=500, deadline=None)
def test_a_failing_device_ends_the_run_with_its_error(
    seed: int, fails_at: int, eager: float, devices: int
) -> None:
    chance = random.Random(seed)
    fakes = [FakeDevice(chance, eager) for _ in range(devices)]
    fakes[-1].fails_at = fails_at
    seen: list[int] = []

    def sink(large: Any) -> None:
        assert number_in(large) == large.pts % MODULUS
        seen.append(large.pts)
        large.release()

    def run() -> None:
        source = (frame(i) for i in range(20))
        run_pipeline(source, ring(fakes, downstream=3).through, sink, capacity=2)

    if fails_at < STEPS_A_FRAME * (20 // devices):
        with pytest.raises(DeviceError, match="the fake device failed"):
            run()
    else:
        run()
        assert seen == list(range(20))
    assert seen == list(range(len(seen)))


@pytest.mark.parametrize("breaks", ["source", "work", "sink"])
def test_an_error_in_any_stage_drains_the_device(breaks: str) -> None:
    for seed in range(50):
        device = FakeDevice(random.Random(seed), eager=0.3)
        error = ValueError(breaks)

        def source(error: ValueError = error) -> Iterator[Frame]:
            for number in range(30):
                if breaks == "source" and number == 11:
                    raise error
                yield frame(number)

        def work(
            planes: Planes, large: Planes, _: CodingError | None, error: ValueError = error
        ) -> None:
            if breaks == "work" and int(planes[0].view(-1)[0]) == 11:
                raise error
            enlarge(planes, large, None)

        def sink(large: Any, error: ValueError = error) -> None:
            if breaks == "sink" and large.pts == 11:
                raise error
            large.release()

        frames = Ring([Lane(device, SOURCE, TARGET, work)], downstream=3)
        with pytest.raises(ValueError, match=breaks):
            run_pipeline(source(), frames.through, sink)
        assert all(not queue for queue in device.queues.values())


def test_a_consumer_that_stops_early_drains_the_device() -> None:
    device = FakeDevice(random.Random(0), eager=0.1)
    results = ring([device]).through(frame(i) for i in range(30))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert all(not queue for queue in device.queues.values())


def test_planes_on_the_device_are_uploaded_from_where_they_lie() -> None:
    """A meta tensor stands for memory of a device: the host must not read it."""
    device = FakeDevice(random.Random(0), eager=1.0)
    copied: list[str] = []
    device.copy = lambda target, source: copied.append(source.device.type)  # type: ignore[method-assign]
    planes = tuple(
        torch.empty(size, dtype=torch.uint8, device="meta") for size in SOURCE.plane_sizes
    )
    done = list(ring([device]).through([Frame(planes, SOURCE, 0)]))
    assert len(done) == 1
    assert copied == ["meta"] * 3 + ["cpu"] * 3


def test_another_format_gets_another_ring() -> None:
    wide = replace(SOURCE, width=5)
    made: list[VideoFormat] = []

    def make(source: VideoFormat) -> Ring:
        made.append(source)
        target = replace(source, width=2 * source.width, height=2)
        device = FakeDevice(random.Random(0))
        return Ring([Lane(device, source, target, enlarge)], downstream=1)

    def wider(number: int) -> Frame:
        planes = tuple(torch.full(s, number, dtype=torch.uint8) for s in wide.plane_sizes)
        return Frame(planes, wide, number)

    items: list[Any] = ["first", frame(0), "a", frame(1), wider(2), "b", wider(3), frame(4), "end"]
    seen = []
    for item in by_format(items, make):
        if isinstance(item, Frame):
            assert number_in(item) == item.pts
            seen.append(item.pts)
            item.release()
        else:
            seen.append(item)
    assert seen == ["first", 0, "a", 1, 2, "b", 3, 4, "end"]
    assert made == [SOURCE, wide, SOURCE]


def mutant_that_reuses_at_once(frames: Ring) -> Callable[[], Any]:
    """The ring's bug that these tests are there for: a slot freed when its frame goes out."""
    oldest = frames._oldest

    def give() -> Any:
        item = oldest()
        if isinstance(item, Frame):
            item.release()
        return item

    return give


def test_the_fake_shows_a_slot_that_is_filled_too_early() -> None:
    wrong = 0
    for seed in range(20):
        frames = ring([FakeDevice(random.Random(seed), eager=1.0)], downstream=2, depth=1)
        frames._oldest = mutant_that_reuses_at_once(frames)  # type: ignore[method-assign]
        kept: deque[Frame] = deque()
        for large in frames.through(frame(i) for i in range(30)):
            assert isinstance(large, Frame)
            kept.append(large)
            if len(kept) == 5:
                first = kept.popleft()
                wrong += number_in(first) != first.pts
    assert wrong


def test_frames_that_go_in_are_released_when_they_have_been_read() -> None:
    """From the host at once, since they are copied; from the device when their upload is over."""
    device = FakeDevice(random.Random(0), eager=0.0)
    released: list[str] = []
    host = replace(frame(1), release=lambda: released.append("host"))
    planes = tuple(
        torch.empty(size, dtype=torch.uint8, device="meta") for size in SOURCE.plane_sizes
    )
    card = Frame(planes, SOURCE, 2, release=lambda: released.append("card"))
    device.copy = lambda target, source: None  # type: ignore[method-assign]
    work = Lane(device, SOURCE, TARGET, lambda planes, large, error: None)
    results = Ring([work], downstream=2).through(iter([host, card]))
    next(results)
    assert released == ["host"]
    next(results)
    assert released == ["host", "card"]
