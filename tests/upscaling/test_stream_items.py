"""A stream takes what a call takes, refuses what it cannot take, and holds few frames back."""

from __future__ import annotations

import random
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.doubles.fake_device import FakeDevice
from tests.makers.clips import make_clip
from vidsr import OptionError, Upscaler
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling import engine_pool
from vidsr.upscaling.cpu_workers import Workers

GRAY = VideoFormat(8, 6, PixelFormat("gray", 8), ColorSpec())


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler("lite-x2", device="cpu", precision="fp32")


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def noise(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def video_frame(seed: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(noise(6, 8, 3, seed=seed), format="rgb24")
    frame.pts = seed
    return frame


def planes(seed: int) -> Frame:
    return Frame((torch.from_numpy(noise(6, 8, seed=seed)),), GRAY, seed)


KINDS: dict[str, Callable[[int], Any]] = {
    "uint8 colour": lambda n: noise(6, 8, 3, seed=n),
    "uint8 grey": lambda n: noise(5, 7, seed=n),
    "uint16": lambda n: noise(6, 8, 3, seed=n).astype(np.uint16) * 257,
    "big-endian": lambda n: (noise(6, 8, 3, seed=n) / 255).astype(">f4"),
    "strided": lambda n: noise(12, 16, 3, seed=n)[::2, ::-2],
    "tensor": lambda n: torch.from_numpy(noise(3, 6, 8, seed=n)),
    "float tensor": lambda n: torch.from_numpy(noise(3, 6, 8, seed=n)).float() / 255,
    "batch": lambda n: torch.from_numpy(noise(2, 3, 6, 8, seed=n)),
    "PyAV": video_frame,
}


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, av.VideoFrame):
        return found.pts == wanted.pts and np.array_equal(found.to_ndarray(), wanted.to_ndarray())
    assert type(found) is type(wanted)
    assert found.dtype == wanted.dtype
    return bool((found == wanted).all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_gives_what_calls_give(kind: str, upscaler: Upscaler) -> None:
    pictures = [KINDS[kind](n) for n in range(4)]
    found = list(upscaler.stream(pictures))
    assert len(found) == 4
    assert all(map(same, found, map(upscaler, pictures)))
    if isinstance(pictures[0], np.ndarray):
        assert found[0].shape[:2] == (2 * pictures[0].shape[0], 2 * pictures[0].shape[1])


def test_kinds_mix_and_all_stay_in_their_place(upscaler: Upscaler, four_threads: None) -> None:
    items: list[Any] = [make(n) for n in range(3) for make in KINDS.values()]
    items[4:4] = ["mark", None, 7]
    asked: list[Any] = []

    def ends(item: Any) -> bool:
        asked.append(item)
        return False

    found = list(upscaler.stream(items, ends=ends))
    assert asked == ["mark", None, 7]  # of marks alone it is asked
    for result, item in zip(found, items, strict=True):
        if isinstance(item, str | int | None):
            assert result is item
        else:
            assert same(result, upscaler(item))


def test_rows_of_a_batch_are_pictures(upscaler: Upscaler) -> None:
    batch = torch.from_numpy(noise(3, 3, 6, 8))
    assert torch.equal(torch.stack(list(upscaler.stream(batch))), upscaler(batch))
    stack = noise(3, 6, 8, 3)
    assert all(map(same, upscaler.stream(stack), map(upscaler, stack)))


class LikeAPicture:
    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {}


class OnADevice:
    def __dlpack__(self) -> None: ...


@pytest.mark.parametrize(
    "item",
    [
        [[1, 2], [3, 4]],
        (video_frame(0), "name"),
        {"image": noise(6, 8, 3)},
        b"\x00" * 12,
        bytearray(12),
        array("B", [1, 2, 3]),
        memoryview(noise(6, 8, 3)),
        LikeAPicture(),
        OnADevice(),
    ],
    ids=lambda item: type(item).__name__,
)
@pytest.mark.parametrize("before", [0, 3])
def test_what_looks_like_a_picture_and_is_none_is_an_error(
    item: object, before: int, upscaler: Upscaler, four_threads: None
) -> None:
    stream = upscaler.stream([*(video_frame(n) for n in range(before)), item])
    assert [next(stream).pts for _ in range(before)] == list(range(before))  # type: ignore[attr-defined]
    with pytest.raises(OptionError, match=f"pictures: .* got .*{type(item).__name__}"):
        next(stream)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (noise(6, 8, 4), "array.shape"),
        (noise(6, 8, 1), "array.shape"),
        (noise(6, 8, 3).astype(np.int32), "array.dtype"),
        (noise(6, 8, 3).astype(bool), "array.dtype"),
        (torch.zeros(6, 8, 3), "x.shape"),
        (torch.zeros(3, 0, 8), "empty"),
        (torch.full((3, 6, 8), 200.0), "samples"),
        (torch.zeros(3, 6, 8, dtype=torch.complex64), "x.dtype"),
    ],
)
def test_a_picture_that_a_call_refuses_is_refused(
    item: Any, message: str, upscaler: Upscaler
) -> None:
    with pytest.raises(OptionError, match=message):
        upscaler(item)
    with pytest.raises(OptionError, match=message):
        list(upscaler.stream([video_frame(0), item]))


@pytest.mark.parametrize(
    "pictures", [5, None, "clip.mp4", b"", noise(6, 8, 3), noise(6, 8), torch.zeros(3, 6, 8)]
)
def test_a_single_picture_is_no_stream(pictures: Any, upscaler: Upscaler) -> None:
    with pytest.raises(OptionError, match="pictures: expected an iterable"):
        upscaler.stream(pictures)
    with pytest.raises(OptionError, match="pictures: expected an iterable"):
        upscaler.stream(video_frame(0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"latency": -1}, "latency = -1: expected a whole number of at least 0"),
        ({"latency": 1.5}, "latency = 1.5"),
        ({"latency": True}, "latency = True"),
        ({"latency": "0"}, "latency = '0'"),
        ({"held": 0}, "held = 0: expected a whole number of at least 1"),
        ({"held": None}, "held = None"),
        ({"target": "yuv420p"}, "target: expected a VideoFormat or None, got type str"),
    ],
)
def test_wrong_numbers_are_refused_before_anything_is_taken(
    wrong: dict[str, Any], message: str, upscaler: Upscaler
) -> None:
    with pytest.raises(OptionError) as error:
        upscaler.stream([], **wrong)
    assert message in str(error.value)
    with pytest.raises(OptionError) as error:
        upscaler.session(**wrong)
    assert message in str(error.value)


def test_samples_cannot_take_another_format(upscaler: Upscaler) -> None:
    target = VideoFormat(20, 10, PixelFormat("yuv", 8, (2, 2)), ColorSpec())
    for item in (noise(6, 8, 3), torch.zeros(3, 6, 8)):
        with pytest.raises(OptionError, match=r"`target` takes av\.VideoFrame or Frame"):
            list(upscaler.stream([item], target))
    (large,) = upscaler.stream([video_frame(0)], target)
    assert (large.width, large.height) == (20, 10)


def most_held(
    upscaler: Upscaler, latency: int | None, make: Callable[[int], Any] = video_frame
) -> int:
    """The most frames that had gone in when one was asked for and had not come out."""
    out, most = 0, 0

    def source() -> Iterator[Any]:
        nonlocal most
        for number in range(12):
            most = max(most, number - out)
            yield make(number)

    for item in upscaler.stream(source(), held=12, latency=latency):
        out += 1
        assert item.pts == out - 1
    assert out == 12
    return most


@pytest.mark.parametrize(("latency", "bound"), [(0, 0), (1, 0), (2, 2), (3, 3), (9, 4), (None, 4)])
def test_no_more_frames_are_held_back_than_was_said(
    latency: int | None, bound: int, upscaler: Upscaler, four_threads: None
) -> None:
    assert most_held(upscaler, latency) <= bound
    with upscaler.session(latency=latency) as session:
        assert session.latency_frames <= bound
        for number in range(8):
            session.push(video_frame(number))
            assert session.latency_frames <= bound


@pytest.mark.parametrize("latency", [0, 1, 2, 4, None])
def test_the_pictures_are_the_same_whatever_the_latency(
    latency: int | None, upscaler: Upscaler, four_threads: None
) -> None:
    frames = [video_frame(n) for n in range(7)]
    assert all(map(same, upscaler.stream(frames, latency=latency), map(upscaler, frames)))


def test_what_is_done_comes_out_with_the_next_item(
    upscaler: Upscaler, four_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four are on their way at most; of those that had time to be done none waits for that."""
    done = threading.Semaphore(0)

    class Telling(Workers):
        """Workers that tell of every frame they have done."""

        def __init__(self, upscale: Callable[[Any], Frame], *more: Any) -> None:
            def telling(frame: Any) -> Frame:
                try:
                    return upscale(frame)
                finally:
                    done.release()

            super().__init__(telling, *more)

    monkeypatch.setattr("vidsr.upscaling.session.Workers", Telling)
    session = upscaler.session()
    given = []
    for number in range(6):
        given.append(len(session.push(video_frame(number))))
        assert done.acquire(timeout=60)
        time.sleep(0.1)  # from the end of the work to its future
    session.close()
    assert given[0] == 1
    assert sum(given) >= 4  # without it: 1 and 1


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize(("latency", "bound"), [(0, 0), (1, 1), (2, 2), (5, 5), (None, 6)])
def test_a_ring_of_devices_holds_as_few(
    latency: int | None, bound: int, devices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscaler = Upscaler("lite-x2", device="cpu", precision="fp32")
    monkeypatch.setattr(
        engine_pool, "CudaDevice", lambda _: FakeDevice(random.Random(3), eager=0.0)
    )
    pool = upscaler.pool
    pool.devices = tuple(torch.device("cuda", i) for i in range(devices))
    pool.switches *= devices
    pool._turns *= devices
    assert most_held(upscaler, latency, planes) <= bound
    with upscaler.session(latency=latency) as session:
        assert session.latency_frames <= bound


def test_packets_pass_though_they_are_buffers(upscaler: Upscaler, tmp_path: Any) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=3).path
    with av.open(str(clip)) as container:
        packets = list(container.demux())
        found = list(upscaler.stream([*packets, video_frame(1)]))
    assert all(a is b for a, b in zip(found[:-1], packets, strict=True))
