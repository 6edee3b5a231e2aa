"""Frames side by side: in order, each the same as alone, errors in turn, nothing left over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.makers.clips import make_clip
from vidsr import Upscaler
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling.cpu_workers import Workers
from vidsr.video.source.file_source import FileSource

LAYOUT = VideoFormat(4, 2, PixelFormat("gray", 8), ColorSpec())


def frame(number: int) -> Frame:
    return Frame((torch.full((2, 4), number, dtype=torch.uint8),), LAYOUT, number)


def numbers(items: Iterator[object]) -> list[object]:
    return [item.pts if isinstance(item, Frame) else item for item in items]


@pytest.fixture
def two_threads() -> Iterator[None]:
    """On one core, too."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("vidsr-frame")]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_order_is_kept_whoever_is_done_first(count: int) -> None:
    turns = [threading.Event() for _ in range(12)]

    def late_when_even(f: Frame) -> Frame:
        assert f.pts is not None
        if count > 1 and f.pts % 2 and f.pts > 1:
            turns[f.pts].set()
        elif count > 1 and 0 < f.pts < 10:  # not done before the next one is
            assert turns[f.pts + 1].wait(60)
        return f

    items = [frame(0), "a", *map(frame, range(2, 12)), "b", "c"]
    expected = [0, "a", *range(2, 12), "b", "c"]
    assert numbers(Workers(late_when_even, count).through(items)) == expected


def test_as_many_at_once_as_there_are_workers() -> None:
    together = threading.Barrier(3, timeout=60)  # breaks unless three wait at once

    def meet(f: Frame) -> Frame:
        if f.pts:
            together.wait()
        return f

    items = [frame(n) for n in range(7)]
    assert numbers(Workers(meet, 3).through(items)) == list(range(7))


def test_the_first_frame_is_alone_and_the_others_share_the_threads() -> None:
    seen: list[tuple[str, int]] = []

    def look(f: Frame) -> Frame:
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return f

    before = torch.get_num_threads()
    list(Workers(look, 2).through([frame(n) for n in range(5)]))
    assert seen[0] == (threading.current_thread().name, before)
    assert {threads for _, threads in seen[1:]} == {max(1, before // 2)}
    assert all(name.startswith("vidsr-frame") for name, _ in seen[1:])


def test_an_error_comes_in_its_turn() -> None:
    def fail(f: Frame) -> Frame:
        if f.pts == 3:
            raise ValueError("frame 3")
        return f

    way = Workers(fail, 2).through([frame(n) for n in range(9)])
    assert numbers(iter([next(way), next(way), next(way)])) == [0, 1, 2]
    with pytest.raises(ValueError, match="frame 3"):
        next(way)


@pytest.mark.parametrize("count", [1, 4])
def test_what_came_before_an_error_of_the_source_comes_out(count: int) -> None:
    def broken() -> Iterator[Frame]:
        yield from map(frame, range(6))
        raise ValueError("damaged")

    way = Workers(lambda f: f, count).through(broken())
    out = numbers(iter([next(way) for _ in range(6)]))
    assert out == list(range(6))
    with pytest.raises(ValueError, match="damaged"):
        next(way)


def test_other_threads_of_the_program_have_all_of_pytorchs(two_threads: None) -> None:
    seen: list[int] = []
    way = Workers(lambda f: f, 2).through([frame(n) for n in range(9)])
    next(way), next(way), next(way)
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    way.close()  # type: ignore[attr-defined]
    assert seen == [2]


def test_a_number_of_threads_set_meanwhile_stays(two_threads: None) -> None:
    way = Workers(lambda f: f, 2).through([frame(n) for n in range(9)])
    next(way), next(way), next(way)
    torch.set_num_threads(3)
    way.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == 3


def test_closing_waits_for_what_is_being_done_and_starts_nothing_more() -> None:
    begun: list[int | None] = []

    def note(f: Frame) -> Frame:
        begun.append(f.pts)
        return f

    way = Workers(note, 2).through([frame(n) for n in range(100)])
    assert numbers(iter([next(way), next(way)])) == [0, 1]
    way.close()  # type: ignore[attr-defined]
    assert len(begun) < 10


def test_no_more_frames_are_taken_in_than_workers_need() -> None:
    taken: list[int] = []

    def source() -> Iterator[Frame]:
        for number in range(50):
            taken.append(number)
            yield frame(number)

    for index, _ in enumerate(Workers(lambda f: f, 3).through(source())):
        assert len(taken) <= index + 1 + 4
    assert len(taken) == 50


@pytest.mark.parametrize("model", ["lite-x2", "srresnet-x2"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_frames_are_the_same_to_the_last_bit_as_one_by_one(
    model: str, precision: str, tmp_path: Path, two_threads: None
) -> None:
    size = (50, 34) if model == "lite-x2" else (26, 18)  # what it takes goes with the area
    clip = make_clip(tmp_path / "a.mp4", size=size, frames=5).path
    upscaler = Upscaler(model, device="cpu", precision=precision)  # type: ignore[arg-type]
    with FileSource(clip) as source:
        frames = [item for item in source if isinstance(item, Frame)]
    alone = [upscaler.enlarge(f) for f in frames]
    together = list(upscaler.stream(frames))
    assert len(together) == len(frames) == 5
    for a, b in zip(alone, together, strict=True):
        assert a.pts == b.pts
        assert all(torch.equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))


def test_large_frames_that_leave_no_room_come_one_by_one(two_threads: None) -> None:
    layout = VideoFormat(640, 360, PixelFormat("yuv", 8), ColorSpec())
    target = VideoFormat(1280, 720, layout.pixel, layout.color)
    small = Upscaler("lite-x2", device="cpu", max_memory="150M")
    roomy = Upscaler("lite-x2", device="cpu", max_memory="4G")
    assert small.side_by_side(layout, target) == 1
    assert roomy.side_by_side(layout, target) == torch.get_num_threads()
