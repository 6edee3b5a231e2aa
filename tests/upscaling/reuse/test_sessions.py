"""Reuse as sessions and runs offer it: counts, a look ahead, memory, failures, the report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import vidsr
from tests.doubles.always_worth import AlwaysWorth
from tests.makers.clips import make_clip, picture
from tests.makers.standing import Standing, standing_frames
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import DeviceError
from vidsr.option_values import ReuseMode
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.run.job import plan_job
from vidsr.run.options import RunOptions
from vidsr.run.report import Report
from vidsr.run.spec import JobSpec
from vidsr.upscaling.memory_plan import results_that_fit
from vidsr.upscaling.reuse import stream as reuse_stream
from vidsr.upscaling.reuse.counts import ReuseCounts
from vidsr.upscaling.session import Flow, Session
from vidsr.upscaling.upscaler import Upscaler

FAST = "lite-fast-x2"
LAYOUT = VideoFormat(128, 80, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1))


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse_stream, "Worth", AlwaysWorth)


def test_a_look_ahead_tells_what_will_be_computed() -> None:
    with Upscaler(FAST, device="cpu") as upscaler, upscaler.session(latency=0) as session:
        scene = Standing(LAYOUT)
        assert session.changed_share(scene.frame()) == 1
        for _ in range(10):
            frame = scene.frame()
            expected = session.changed_share(frame)
            session.push(frame)
            assert session.reused.last_share == expected
            scene.move(boxes=1)
        scene.cut()
        assert session.changed_share(scene.frame()) == 1
        other = Standing(replace(LAYOUT, width=64))
        assert session.changed_share(other.frame()) == 1


def test_a_frame_that_stands_still_is_not_computed() -> None:
    scene = Standing(LAYOUT)
    with Upscaler(FAST, device="cpu") as upscaler, upscaler.session(latency=0) as session:
        for _ in range(4):
            session.push(scene.frame())
        tally = session.reused
    assert (tally.frames, tally.last_share, tally.computed_share) == (4, 0, 0.25)
    assert (tally.tiles_computed, tally.tiles_reused) == (12, 36)


def test_counts_of_tiles_add_up() -> None:
    counts = ReuseCounts()
    for share in (1.0, 0.0, 0.001, 0.5):
        counts.add(Size(640, 360), share)
    tally = counts.tally
    assert tally.tiles_computed + tally.tiles_reused == 4 * 20 * 12
    assert tally.tiles_computed == 240 + 0 + 1 + 120


def test_single_pictures_and_other_sessions_are_apart() -> None:
    frame = Standing(LAYOUT).frame()
    with Upscaler(FAST, device="cpu") as upscaler:
        upscaler.enlarge(frame)
        upscaler.enlarge(frame)
        assert upscaler.reused.frames == 0
        with upscaler.session(latency=0) as one, upscaler.session(latency=0) as two:
            one.push(frame)
            two.push(frame)
            assert one.reused.computed_share == two.reused.computed_share == 1


def test_nothing_is_kept_where_memory_is_short() -> None:
    frames = list(standing_frames(LAYOUT, 4))
    with Upscaler(FAST, device="cpu") as upscaler:
        engine, target = upscaler.engine, upscaler.target_format(LAYOUT)
        plan = upscaler.memory_plan(LAYOUT, target)
        assert results_that_fit(LAYOUT, target, engine, plan.total, 1) == 0
        assert results_that_fit(LAYOUT, target, engine, 2 * plan.total, 1) > 0
    with Upscaler(FAST, device="cpu", max_memory=plan.total) as upscaler:
        assert len(list(upscaler.stream(iter(frames)))) == 4
        assert upscaler.reused.frames == 0


def test_tiles_are_for_who_is_short_of_memory() -> None:
    with Upscaler(FAST, device="cpu", tile=(64, 64)) as upscaler:
        assert len(list(upscaler.stream(standing_frames(LAYOUT, 4)))) == 4
        assert upscaler.reused.frames == 0


def test_a_compiler_gets_no_windows_of_many_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TorchEngine, "RUNTIME", "compile")
    with Upscaler(FAST, device="cpu") as upscaler:
        assert len(list(upscaler.stream(standing_frames(LAYOUT, 3)))) == 3
        assert upscaler.reused.frames == 0


def test_a_frame_that_fails_holds_up_none_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a result that never comes computes its own."""
    monkeypatch.setattr(Session, "_threads", lambda _: 3)
    frames, run, calls = list(standing_frames(LAYOUT, 8)), TorchEngine.run, []

    def third_fails(self: TorchEngine, x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 4:
            raise DeviceError("gone")
        return run(self, x)

    with Upscaler(FAST, device="cpu", precision="fp32", reuse="off") as upscaler:
        expected = list(upscaler.stream(iter(frames)))
    monkeypatch.setattr(TorchEngine, "run", third_fails)
    found = []
    with (
        Upscaler(FAST, device="cpu", precision="fp32") as upscaler,
        Session(upscaler.pool, Flow()) as session,
    ):
        for frame in frames:
            with suppress(DeviceError):
                found += session.push(frame)
        with suppress(DeviceError):
            found += session.flush()
        found += session.flush()
    assert len(found) >= 4
    for large in found:
        other = expected[(large.pts or 0) - 1]
        assert all(map(torch.equal, large.planes, other.planes))


def test_the_report_says_what_was_computed(tmp_path: Path) -> None:
    images = [picture(96, 64) for _ in range(6)]
    clip = make_clip(tmp_path / "still.mkv", pictures=images, codec="ffv1")
    report = vidsr.upscale(clip.path, tmp_path / "large.mkv", model=FAST, device="cpu")
    assert report.pixels == 6 * 96 * 64
    assert report.computed_share < 1
    assert f"computed {100 * report.computed_share:.0f} % of the pixels" in report.summary()
    assert Report.from_json(report.to_json()) == report
    off = vidsr.upscale(clip.path, tmp_path / "off.mkv", model=FAST, device="cpu", reuse="off")
    assert off.computed_share == 1
    assert "computed" not in off.summary()


def test_near_runs_are_not_cut_into_pieces(tmp_path: Path) -> None:
    """What near takes for unchanged depends on where it begins."""
    clip = make_clip(tmp_path / "clip.mkv", frames=8)

    def last_line(reuse: ReuseMode) -> str:
        options = RunOptions(model=FAST, device="cpu", piece_frames=4, reuse=reuse)
        lines = plan_job(JobSpec.of(clip.path, tmp_path / "large.mp4", options)).lines
        return next(line for line in lines if line.startswith("pieces"))

    assert "2 of 4 frames" in last_line("exact")
    assert "none" in last_line("near")
