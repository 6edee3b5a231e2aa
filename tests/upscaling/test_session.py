"""Streams that share engines: order, state, notes and memory of each are its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
import torch

import vidsr
from tests.doubles.fake_device import FakeDevice
from tests.doubles.stateful_engine import StatefulStarter, StatefulStub
from tests.doubles.stub_engine import StubEngine
from tests.makers.clips import decode, make_clip, samples
from vidsr import Upscaler
from vidsr.engines.selection import engine_order
from vidsr.errors import MemoryLimitError, OptionError
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


def test_sessions_that_run_split_the_limit_of_memory() -> None:
    with Upscaler("lite-x2", device="cpu", max_memory="64M") as upscaler:
        planner = upscaler.pool.planner
        assert planner.share_bytes == 64 << 20
        layout = VideoFormat(640, 360, YUV.pixel, YUV.color)
        whole = upscaler.memory_plan(layout, upscaler.target_format(layout))
        with upscaler.session(), upscaler.session() as one, upscaler.session() as other:
            assert planner.share_bytes == 64 << 20, "sessions without frames count nothing"
            for session in (one, other, one):
                session.push(noise(0))
                session.reset()
            assert planner.share_bytes == 32 << 20
            part = upscaler.memory_plan(layout, upscaler.target_format(layout))
            assert part.total <= 32 << 20 < whole.total
            assert part.tile is not None
        assert planner.share_bytes == 64 << 20


def open_until_refused(upscaler: Upscaler, layout: VideoFormat) -> list[Session]:
    """Begin sessions until one is refused, which leaves the others as they were."""
    sessions: list[Session] = []
    while True:
        running = upscaler.pool.planner.running
        session = upscaler.session()
        try:
            session.push(noise(0, layout))
        except MemoryLimitError:
            with pytest.raises(MemoryLimitError, match=rf"^{running} other stream"):
                session.push(noise(0, layout))  # a second time, too
            session.close()
            return sessions
        sessions.append(session)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_session_that_does_not_fit_is_refused_itself(threads: int, two_threads: None) -> None:
    torch.set_num_threads(threads)
    layout = VideoFormat(160, 96, YUV.pixel, YUV.color)
    with Upscaler("lite-x2", device="cpu", precision="fp32") as free:
        expected = [free.enlarge(noise(number, layout)) for number in range(8)]
    with Upscaler("lite-x2", device="cpu", precision="fp32", max_memory="8M") as upscaler:
        with upscaler.session() as session:
            out = [large for n in range(4) for large in session.push(noise(n, layout))]
            others = open_until_refused(upscaler, layout)
            assert others
            assert upscaler.pool.planner.running == len(others) + 1
            out += [large for n in range(4, 6) for large in session.push(noise(n, layout))]
            for other in others:
                other.close()
            out += [large for n in range(6, 8) for large in session.push(noise(n, layout))]
            out += session.flush()
        assert upscaler.pool.planner.running == 0
    assert all(map(equal, out, expected))
    assert len(out) == len(expected)


def test_a_single_picture_takes_a_share_while_it_is_upscaled() -> None:
    layout = VideoFormat(160, 96, YUV.pixel, YUV.color)
    with Upscaler("lite-x2", device="cpu", precision="fp32", max_memory="8M") as upscaler:
        alone = upscaler.enlarge(noise(1, layout))
        sessions = open_until_refused(upscaler, layout)
        with pytest.raises(MemoryLimitError, match="does not hold one more"):
            upscaler.enlarge(noise(1, layout))
        sessions.pop().close()
        assert equal(upscaler.enlarge(noise(1, layout)), alone)
        assert upscaler.pool.planner.running == len(sessions)


def test_a_state_cannot_be_cut_smaller_for_a_newcomer(recurrent: StatefulStarter) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler, upscaler.session() as one:
        assert levels(one.push(flat(100))) == [100]
        plan = upscaler.memory_plan(GRAY, upscaler.target_format(GRAY))
        upscaler.pool.planner.limit_bytes = plan.total + plan.total // 2
        with upscaler.session() as other, pytest.raises(MemoryLimitError, match="1 other stream"):
            other.push(flat(20))
        assert levels(one.push(flat(200))) == [150]


@pytest.mark.parametrize("gpu", [False, True])
def test_an_abandoned_session_is_given_back(
    gpu: bool, two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler:
        if gpu:
            pretend_gpu(upscaler, monkeypatch)
        holders = upscaler.pool._holders
        session = upscaler.session()
        for number in range(3):
            released(session.push(noise(number)))
        assert (upscaler.pool._holders, upscaler.pool.planner.running) == (holders + 1, 1)
        del session  # by its count of references alone: no cycle keeps it
        assert (upscaler.pool._holders, upscaler.pool.planner.running) == (holders, 0)
        assert workers() == []


def test_the_last_abandoned_session_closes_the_engines(recurrent: StatefulStarter) -> None:
    upscaler = Upscaler("lite-x2", device="cpu")
    session = upscaler.session()
    session.push(flat(8))
    upscaler.close()
    assert recurrent.engine.closed == 0
    del session
    assert recurrent.engine.closed == 1


def workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("vidsr-frame")]


def test_a_closed_session_refuses_all_but_close() -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler:
        session = upscaler.session()
        session.push(flat(8))
        session.close()
        for call in (lambda: session.push(flat(8)), session.flush, session.reset):
            with pytest.raises(OptionError, match="the session is closed"):
                call()
        session.close()


def test_a_session_may_be_closed_while_another_thread_pushes(two_threads: None) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler:
        session = upscaler.session()
        begun, raised = threading.Event(), []

        def push() -> None:
            try:
                for number in range(10_000):
                    session.push(noise(number))
                    if number == 4:
                        begun.set()
            except OptionError as error:
                raised.append(error.message)

        thread = threading.Thread(target=push)
        thread.start()
        assert begun.wait(30)
        session.close()
        thread.join(30)
        assert raised == ["the session is closed: open another one"]
        assert (workers(), upscaler.pool.planner.running) == ([], 0)


@pytest.mark.parametrize("held", [0, -1, "x", None, 1.5, True])
def test_held_is_a_whole_number_of_at_least_one(held: Any) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler:
        holders = upscaler.pool._holders
        with pytest.raises(OptionError, match=r"held = .*: expected a whole number of at least 1"):
            upscaler.session(held=held)
        assert upscaler.pool._holders == holders


@pytest.mark.parametrize("thing", [None, "x", torch.zeros(3, 8, 8)])
def test_what_is_no_frame_is_refused(thing: Any) -> None:
    with Upscaler("lite-x2", device="cpu") as upscaler, upscaler.session() as session:
        with pytest.raises(OptionError, match=r"expected av.VideoFrame or Frame, got type"):
            session.push(thing)
        assert upscaler.pool.planner.running == 0


def test_pictures_of_pyav_come_out_as_such(tmp_path: Path, two_threads: None) -> None:
    pictures = decode(make_clip(tmp_path / "in.mkv", frames=6).path)
    with Upscaler("lite-x2", device="cpu") as upscaler, upscaler.session() as session:
        expected = list(upscaler.stream(pictures))
        out = [large for picture in pictures for large in session.push(picture)]
        out += session.flush()
    for one, other in zip(out, expected, strict=True):
        assert isinstance(one, av.VideoFrame)
        assert (one.pts, one.time_base, one.colorspace) == (
            other.pts,
            other.time_base,
            other.colorspace,
        )
        assert all((a == b).all() for a, b in zip(samples(one), samples(other), strict=True))


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
