"""Streams that share engines: order, state, notes and memory of each are its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import vidsr
from tests.doubles.fake_device import FakeDevice
from tests.doubles.stateful_engine import StatefulStarter, StatefulStub
from tests.doubles.stub_engine import StubEngine
from tests.makers.clips import decode, make_clip, samples
from vidsr import Upscaler
from vidsr.engines.selection import engine_order
from vidsr.errors import OptionError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling import engine_pool
from vidsr.upscaling.session import Session

GRAY = VideoFormat(6, 4, PixelFormat("gray", 8), ColorSpec())
YUV = VideoFormat(40, 24, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=6))


def flat(level: int, layout: VideoFormat = GRAY) -> Frame:
    planes = tuple(torch.full(size, level, dtype=torch.uint8) for size in layout.plane_sizes)
    return Frame(planes, layout, pts=level)


def noise(number: int, layout: VideoFormat = YUV) -> Frame:
    generator = torch.Generator().manual_seed(number)
    planes = tuple(
        torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
        for size in layout.plane_sizes
    )
    return Frame(planes, layout, pts=number)


def levels(frames: list[Frame]) -> list[int]:
    """The level of each frame, which has to be flat."""
    for frame in frames:
        assert bool((frame.planes[0] == frame.planes[0][0, 0]).all())
    return [int(frame.planes[0][0, 0]) for frame in frames]


def equal(one: Frame, other: Frame) -> bool:
    return one.pts == other.pts and all(map(torch.equal, one.planes, other.planes))


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recurrent(monkeypatch: pytest.MonkeyPatch) -> StatefulStarter:
    starter = StatefulStarter()
    monkeypatch.setattr(engine_order, "STARTERS", (starter, *engine_order.STARTERS))
    return starter


def pretend_gpu(upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch, devices: int = 1) -> None:
    """Sessions go through rings of fake devices, whose work the engine on the CPU does."""
    monkeypatch.setattr(engine_pool, "CudaDevice", lambda _: FakeDevice(random.Random(0)))
    pool = upscaler.pool
    pool.devices = tuple(torch.device("cuda", index) for index in range(devices))
    pool.switches *= devices
    pool._turns *= devices


@pytest.mark.parametrize("gpu", [False, True])
def test_two_sessions_interleave_without_mixing(
    gpu: bool, two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Upscaler("lite-x2", device="cpu", precision="fp32") as upscaler:
        expected = [upscaler.enlarge(noise(number)) for number in range(16)]
        if gpu:
            pretend_gpu(upscaler, monkeypatch)
        sessions = [upscaler.session() for _ in range(2)]
        seen: list[list[int]] = [[], []]
        for number in range(16):
            for large in sessions[number % 2].push(noise(number)):
                assert equal(large, expected[large.pts or 0])
                large.release()
                seen[number % 2].append(large.pts or 0)
            held = (number // 2 + 1) - len(seen[number % 2])
            assert 0 <= held <= sessions[number % 2].latency_frames
        for index, session in enumerate(sessions):
            for large in session.flush():
                assert equal(large, expected[large.pts or 0])
                seen[index].append(large.pts or 0)
            session.close()
    assert seen == [list(range(0, 16, 2)), list(range(1, 16, 2))]


def test_sessions_in_threads_give_what_they_give_alone(two_threads: None) -> None:
    with Upscaler("lite-x2", device="cpu", precision="bf16") as upscaler:
        expected = [upscaler.enlarge(noise(number)) for number in range(6)]
        wrong: list[Any] = []

        def stream() -> None:
            with upscaler.session() as session:
                out = [large for n in range(6) for large in session.push(noise(n))]
                out += session.flush()
            wrong.extend(a for a, b in zip(out, expected, strict=True) if not equal(a, b))

        threads = [threading.Thread(target=stream) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_sessions_split_the_limit_of_memory() -> None:
    with Upscaler("lite-x2", device="cpu", max_memory="64M") as upscaler:
        planner = upscaler.pool.planner
        assert planner.share_bytes == 64 << 20
        layout = VideoFormat(640, 360, YUV.pixel, YUV.color)
        whole = upscaler.memory_plan(layout, upscaler.target_format(layout))
        with upscaler.session(), upscaler.session(), upscaler.session():
            assert planner.share_bytes == 16 << 20
            part = upscaler.memory_plan(layout, upscaler.target_format(layout))
            assert part.total <= 16 << 20 < whole.total
            assert part.tile is not None
        assert planner.share_bytes == 64 << 20


def test_a_pool_is_closed_once_when_the_last_has_left(
    recurrent: StatefulStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscaler = Upscaler("lite-x2", device="cpu")
    session = upscaler.session()
    for _ in range(2):
        upscaler.close()
    assert recurrent.engine.closed == 0
    assert levels(session.push(flat(8))) == [8]
    for _ in range(2):
        session.close()
    assert recurrent.engine.closed == 1
    with pytest.raises(OptionError, match="closed"):
        Session(upscaler.pool)


@pytest.mark.parametrize("gpu", [False, True])
def test_a_state_belongs_to_its_session_and_ends_with_reset(
    gpu: bool, recurrent: StatefulStarter, monkeypatch: pytest.MonkeyPatch, two_threads: None
) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler:
        if gpu:
            pretend_gpu(upscaler, monkeypatch, devices=2)
        one, other = upscaler.session(held=3), upscaler.session(held=3)
        seen: dict[Session, list[int]] = {one: [], other: []}
        for session, level in ((one, 100), (other, 20), (one, 200), (other, 40), (one, 0)):
            seen[session] += levels(released(session.push(flat(level))))
        one.reset()
        for session, level in ((one, 50), (other, 60), (one, 70)):
            seen[session] += levels(released(session.push(flat(level))))
        for session in (one, other):
            seen[session] += levels(released(session.flush()))
            session.close()
    assert seen == {one: [100, 150, 100, 50, 60], other: [20, 30, 50]}


def released(frames: list[Frame]) -> list[Frame]:
    """Copies of what is lent."""
    copies = [replace(f, planes=tuple(p.clone() for p in f.planes)) for f in frames]
    for frame in frames:
        frame.release()
    return copies


def test_tiles_of_a_stateful_engine_have_a_state_each(recurrent: StatefulStarter) -> None:
    first, second = noise(1, GRAY), noise(2, GRAY)
    with Upscaler("lite-x2", device="cpu") as whole, whole.session() as session:
        expected = [*session.push(first), *session.push(second), *session.flush()]
    recurrent.engine.closed = 0
    with Upscaler("lite-x2", device="cpu", tile=(2, 3)) as tiled, tiled.session() as session:
        found = [*session.push(first), *session.push(second), *session.flush()]
        runs = recurrent.engine.runs
    assert runs == 2 + 2 * 4
    assert all(map(equal, expected, found))


def test_a_new_engine_waits_for_reset_where_there_is_a_state(recurrent: StatefulStarter) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler, upscaler.session() as session:
        assert levels(session.push(flat(100))) == [100]
        upscaler.pool.switches[0].engine = StatefulStub(change=lambda y: 1 - y)
        assert levels(session.push(flat(200))) == [150]
        session.reset()
        assert levels(session.push(flat(200))) == [51]


def test_a_stream_of_frames_keeps_the_state_single_pictures_have_none(
    recurrent: StatefulStarter,
) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler:
        assert levels([upscaler.enlarge(flat(n)) for n in (100, 200)]) == [100, 200]
        for _ in range(2):
            assert levels(list(upscaler.stream(flat(n) for n in (100, 200, 0)))) == [100, 150, 100]


def test_an_item_that_ends_a_stream_ends_its_state(recurrent: StatefulStarter) -> None:
    items = [flat(100), flat(200), "jump", flat(0), "sound", flat(40)]
    with Upscaler("lite-x2", device="cpu") as upscaler:
        out = list(upscaler.stream(items, ends=lambda item: item == "jump"))
    seen = [levels([item])[0] if isinstance(item, Frame) else item for item in out]
    assert seen == [100, 150, "jump", 0, "sound", 20]


def test_a_whole_run_through_a_stateful_engine(recurrent: StatefulStarter, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=5, codec="ffv1")
    report = vidsr.upscale(clip.path, tmp_path / "out.mkv", model="lite-x2", codec="ffv1")
    assert (report.engine, report.frames) == ("fake recurrent", 5)
    small = [samples(picture)[0] for picture in clip.pictures]
    large = [samples(picture)[0] for picture in decode(tmp_path / "out.mkv")]
    for index, plane in enumerate(large):
        before = small[max(0, index - 1)]
        wanted = (small[index].astype(float) + before) / 2
        assert abs(plane[::2, ::2] - wanted).max() <= 0.5


def test_one_thread_at_a_time_where_an_engine_says_so(
    monkeypatch: pytest.MonkeyPatch, two_threads: None
) -> None:
    inside = threading.Lock()

    def alone(y: torch.Tensor) -> torch.Tensor:
        assert inside.acquire(blocking=False)
        threading.Event().wait(0.002)
        inside.release()
        return y

    engine = StubEngine(change=alone, reentrant=False, dtype=torch.float32)
    monkeypatch.setattr(engine_order, "STARTERS", (StatefulStarter(engine),))
    with Upscaler("lite-x2", device="cpu") as upscaler:
        assert upscaler.side_by_side(GRAY, upscaler.target_format(GRAY)) == 1
        failed: list[BaseException] = []

        def stream() -> None:
            try:
                list(upscaler.stream(flat(n) for n in range(20)))
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=stream) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_an_engine_of_several_frames_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Looking(StubEngine):
        @property
        def traits(self) -> Any:
            return replace(super().traits, past_frames=1, future_frames=2)

    monkeypatch.setattr(engine_order, "STARTERS", (StatefulStarter(Looking()),))
    with pytest.raises(OptionError, match=r"1 frames before and 2 after.*expected a network of"):
        Upscaler("lite-x2", device="cpu")


def test_another_format_brings_out_what_is_held_back(two_threads: None) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler, upscaler.session() as session:
        out: list[Frame] = []
        for number, layout in enumerate([GRAY, GRAY, GRAY, YUV, YUV, GRAY]):
            out += session.push(noise(number, layout))
        out += session.flush()
    assert [frame.pts for frame in out] == list(range(6))
    assert [frame.format.width for frame in out] == [12, 12, 12, 80, 80, 12]
