"""Reuse changes no bit: streams with and without it, in all kinds of formats and events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.doubles.always_worth import AlwaysWorth
from tests.makers.standing import Standing, standing_frames
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.option_values import Precision, ReuseMode
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling.reuse import stream as reuse_stream
from vidsr.upscaling.session import Session
from vidsr.upscaling.upscaler import Upscaler

FAST = "lite-fast-x2"
YUV = VideoFormat(128, 80, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse_stream, "Worth", AlwaysWorth)


def of_format(pixel: PixelFormat, width: int = 133, height: int = 75) -> VideoFormat:
    matrix = 0 if pixel.family == "rgb" else 1
    return VideoFormat(width, height, pixel, ColorSpec(matrix=matrix, siting="center"))


def rgb_model(folder: Path) -> Path:
    """Write an untrained network on RGB of a few layers."""
    config = GeneratorConfig(kind="srresnet", scale=2, channels=3, width=8, blocks=1, norm="none")
    path = folder / "own-srresnet-x2.safetensors"
    torch.manual_seed(0)
    save_generator(path, config, build_generator(config).state_dict())
    return path


def assert_same(found: Iterable[Frame], expected: Iterable[Frame]) -> None:
    pairs = list(zip(found, expected, strict=True))
    assert pairs
    for one, other in pairs:
        assert one.pts == other.pts
        assert all(map(torch.equal, one.planes, other.planes)), f"frame {one.pts} differs"


def streamed(
    frames: Iterable[Frame],
    reuse: ReuseMode,
    model: Any = FAST,
    target: VideoFormat | None = None,
    precision: Precision = "fp32",
) -> tuple[list[Frame], float]:
    """Return frames upscaled, and the share of pixels that was computed."""
    with Upscaler(model, device="cpu", precision=precision, reuse=reuse) as upscaler:
        return list(upscaler.stream(frames, target)), upscaler.reused.computed_share


EVENTS = {70: "switch", 110: "reset", 150: "size", 190: "switch", 230: "reset", 260: "size"}


def eventful(session: Session, precision: Precision, frames: int) -> Iterator[Frame]:
    """Push a stream with key frames, drops, resets, new sizes and engines that take over."""
    scene = Standing(YUV, seed=3)
    for number in range(frames):
        event = EVENTS.get(number)
        if event == "reset":
            session.reset()
        elif event == "size":
            width = 96 if scene.layout.width == 128 else 128
            scene = Standing(replace(YUV, width=width), seed=number)
        elif event == "switch":
            other: Precision = "fp32" if precision == "bf16" else "bf16"
            switch = session.pool.switches[0]
            now = precision if number > 100 else other
            switch._change_to(TorchEngine(session.pool.model, device="cpu", precision=now))
        if number % 25 == 0:
            scene.cut()
        scene.move(boxes=number % 3)
        frame = scene.frame(levels=1.5 if number % 40 < 30 else (0.5, 3.0)[number % 2])
        if number % 17 != 5:  # dropped
            yield from session.push(frame)
    yield from session.flush()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.usefixtures("always")
def test_300_frames_with_everything_that_happens_to_a_stream(precision: Precision) -> None:
    results, tallies = [], []
    for mode in ("off", "exact"):
        with Upscaler(FAST, device="cpu", precision=precision, reuse=mode) as upscaler:
            with upscaler.session(latency=0) as session:
                results.append(list(eventful(session, precision, 300)))
                tallies.append(session.reused)
            assert len(upscaler.pool.strength.chosen) > 1  # networks change, too
    assert_same(results[1], results[0])
    assert tallies[1].frames == len(results[1])
    assert tallies[1].tiles_reused > tallies[1].tiles_computed
    assert tallies[0].frames == tallies[0].tiles_reused == 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.usefixtures("always")
def test_frames_in_work_side_by_side(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_threads", lambda _: 3)
    frames = list(standing_frames(YUV, 40))
    expected, _ = streamed(frames, "off", precision=precision)
    found, share = streamed(frames, "exact", precision=precision)
    assert_same(found, expected)
    assert share < 0.7


def test_the_judge_of_the_clock_changes_no_bit() -> None:
    frames = list(standing_frames(YUV, 40, seed=2))
    expected, _ = streamed(frames, "off")
    found, _ = streamed(frames, "exact")
    assert_same(found, expected)


@pytest.mark.parametrize(
    "pixel",
    [
        PixelFormat("yuv", 8, (2, 2)),
        PixelFormat("yuv", 10, (2, 2)),
        PixelFormat("yuv", 8, (2, 1)),
        PixelFormat("yuv", 8, (1, 1)),
        PixelFormat("gray", 8),
        PixelFormat("rgb", 8),
        PixelFormat("rgb", 16),
    ],
    ids=lambda pixel: pixel.name,
)
@pytest.mark.parametrize("kind", ["luma", "rgb", "restorer"])
@pytest.mark.usefixtures("always")
def test_formats_at_odd_sizes(kind: str, pixel: PixelFormat, tmp_path: Path) -> None:
    models = {"luma": FAST, "restorer": "unet-x1", "rgb": rgb_model(tmp_path)}
    model = models[kind]
    layout = of_format(pixel, *((101, 61) if kind == "restorer" else (133, 75)))
    frames = list(standing_frames(layout, 6, seed=len(pixel.name)))
    expected, _ = streamed(frames, "off", model)
    found, _ = streamed(frames, "exact", model)
    assert_same(found, expected)


@pytest.mark.usefixtures("always")
def test_another_size_and_another_matrix() -> None:
    target = VideoFormat(200, 120, PixelFormat("yuv", 8, (1, 1)), ColorSpec(matrix=6))
    frames = list(standing_frames(YUV, 8))
    expected, _ = streamed(frames, "off", target=target)
    found, share = streamed(frames, "exact", target=target)
    assert_same(found, expected)
    assert share < 0.9


@pytest.mark.usefixtures("always")
def test_a_receiver_that_writes_into_its_frames_spoils_none_that_follow() -> None:
    frames = list(standing_frames(YUV, 8))
    expected, _ = streamed(frames, "off")
    found = []
    with Upscaler(FAST, device="cpu", precision="fp32") as upscaler:
        for large in upscaler.stream(iter(frames)):
            found.append(replace(large, planes=tuple(plane.clone() for plane in large.planes)))
            for plane in large.planes:
                plane.numpy()[:] = 0
    assert_same(found, expected)


@pytest.mark.usefixtures("always")
def test_an_engine_whose_parts_differ_is_not_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = YUV.height * YUV.width
    run = TorchEngine.run

    def by_size(self: TorchEngine, x: torch.Tensor) -> torch.Tensor:
        small = x.shape[-1] * x.shape[-2] < whole
        return run(self, x) + (1e-6 if small else 0)

    scene, frames = Standing(YUV), []
    for _ in range(8):
        scene.move(boxes=3)
        frames.append(scene.frame())
    target = replace(YUV, width=256, height=160, pixel=PixelFormat("yuv", 16, (2, 2)))
    expected, _ = streamed(frames, "off", target=target)
    monkeypatch.setattr(TorchEngine, "run", by_size)
    with Upscaler(FAST, device="cpu", precision="fp32") as upscaler:
        found = list(upscaler.stream(iter(frames), target))
        assert upscaler.reused.computed_share == 1
        assert any("nothing is reused" in note for note in upscaler.notes.said)
    assert_same(found, expected)
