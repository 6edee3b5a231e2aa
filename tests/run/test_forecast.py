"""What is said before the first frame, and after a second of running."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import vidsr
from tests.makers.clips import make_clip
from vidsr import OptionError
from vidsr.notes import Notes
from vidsr.run.executor import LocalExecutor
from vidsr.run.forecast import Forecast, announce, length
from vidsr.video.info import SourceInfo
from vidsr.video.progress import CallProgress, receiver_of
from vidsr.video.source.file_source import FileSource

FAST: dict[str, Any] = {"model": "lite-x2", "device": "cpu", "codec": "ffv1"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "in.mkv", frames=5).path


@pytest.fixture
def info(clip: Path) -> SourceInfo:
    with FileSource(clip) as source:
        return source.header.info


@pytest.mark.parametrize(
    ("size", "doubt"),
    [((3840, 2160), False), ((7680, 4320), False), ((7684, 4320), True), ((16384, 9216), True)],
)
def test_targets_beyond_8k_are_doubted(
    size: tuple[int, int], doubt: bool, info: SourceInfo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vidsr")
    notes = Notes()
    announce(info, replace(info.format, width=size[0], height=size[1]), notes)
    first, *rest = caplog.records
    assert first.message == f"64x48 to {size[0]}x{size[1]}, 5 frames, 0.2 s"
    assert first.levelno == logging.INFO
    assert [r.levelno for r in rest] == [logging.WARNING] * doubt
    assert all("beyond 8K" in r.message and "`height` or scale = 2" in r.message for r in rest)


@pytest.mark.parametrize(
    ("frames", "duration_s", "words"),
    [
        (5, 0.2, ", 5 frames, 0.2 s"),
        (None, 3.0, ", 3.0 s"),
        (7, None, ", 7 frames"),
        (None, None, ""),
    ],
)
def test_a_length_as_far_as_it_is_known(
    frames: int | None, duration_s: float | None, words: str, info: SourceInfo
) -> None:
    assert length(replace(info, frames=frames, duration_s=duration_s)) == words


@pytest.mark.parametrize(
    ("frames", "frame_s", "said"),
    [
        (100, 0.01, []),
        (100, 0.25, ["about 24 s to go"]),
        (100_000, 0.5, ["about 13.9 h to go"]),
        (1_000_000, 0.5, ["about 5.8 days to go", "the run will take more than a day"]),
        (None, 5.0, []),
    ],
)
def test_an_estimate_after_a_second(
    frames: int | None,
    frame_s: float,
    said: list[str],
    info: SourceInfo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [9.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    notes = Notes()
    forecast = Forecast(None, notes)
    forecast.start(replace(info, frames=frames))
    now[0] += 70  # until the engine has begun, which does not count
    for done in range(1, 100):
        forecast.frame(done, 0)
        now[0] += frame_s
    forecast.close()
    assert len(notes.said) == len(said)
    assert all(note.startswith(words) for note, words in zip(notes.said, said, strict=True))


def test_choices_are_information_and_doubts_are_warnings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=2, size=(1280, 32)).path
    caplog.set_level("INFO", "vidsr")
    report = vidsr.upscale(clip, tmp_path / "a.mkv", **FAST)
    levels = {r.message: r.levelno for r in caplog.records if r.name == "vidsr"}
    assert set(levels) == set(report.notes)
    for note, level in levels.items():
        doubt = "no colour matrix" in note
        assert level == (logging.WARNING if doubt else logging.INFO), note
    assert any("lite-x2 on cpu" in note for note in levels)


def test_a_call_receives_progress(clip: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    vidsr.upscale(clip, tmp_path / "a.mkv", progress=lambda *said: seen.append(said), **FAST)
    assert seen == [(n, 5) for n in range(1, 6)]


class Cancelled(Exception):
    pass


class Receiver:
    """A receiver that counts, and cancels at a frame."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.seen = at, list[str]()

    def start(self, info: SourceInfo) -> None:
        self.seen.append("start")

    def frame(self, done: int, output_bytes: int) -> None:
        self.seen.append(f"{done}")
        if done == self.at:
            raise Cancelled

    def close(self) -> None:
        self.seen.append("close")


def test_an_object_receives_progress(clip: Path, tmp_path: Path) -> None:
    receiver = Receiver()
    vidsr.upscale(clip, tmp_path / "a.mkv", progress=receiver, **FAST)
    assert receiver.seen == ["start", "1", "2", "3", "4", "5", "close"]


@pytest.mark.parametrize("at", [1, 3, 5])
@pytest.mark.parametrize("kind", ["call", "object"])
def test_raising_cancels(kind: str, at: int, clip: Path, tmp_path: Path) -> None:
    receiver = Receiver(at)

    def call(done: int, total: int | None) -> None:
        if done == at:
            raise Cancelled

    with pytest.raises(Cancelled):
        vidsr.upscale(
            clip, tmp_path / "a.mkv", progress=receiver if kind == "object" else call, **FAST
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    if kind == "object":
        assert receiver.seen[-1] == "close"


class HalfReceiver:
    def frame(self, done: int, output_bytes: int) -> None: ...


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (3, "got type int without start, frame, close"),
        ("bar", "got type str"),
        (True, "got type bool"),
        (HalfReceiver(), "got type HalfReceiver without start, close"),
        (Receiver, "got the class Receiver"),
        ([print], "got type list"),
    ],
)
def test_wrong_kinds_are_refused_before_anything(
    wrong: Any, message: str, clip: Path, tmp_path: Path
) -> None:
    for call in (
        lambda: vidsr.upscale(clip, tmp_path / "a.mkv", progress=wrong, **FAST),
        lambda: vidsr.upscale("absent.mkv", tmp_path / "a.mkv", progress=wrong),
        lambda: LocalExecutor(progress=wrong),
    ):
        with pytest.raises(OptionError, match=f"^progress: .*{message}"):
            call()


def test_what_is_right_stays_what_it_is() -> None:
    receiver = Receiver()
    assert receiver_of(receiver) is receiver
    assert receiver_of(None) is None
    assert isinstance(receiver_of(print), CallProgress)
