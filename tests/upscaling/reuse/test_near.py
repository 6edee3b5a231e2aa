"""Near reuse: what is held is never further off than the bound, nor older than the refresh."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.doubles.always_worth import AlwaysWorth
from tests.makers.standing import Standing
from vidsr.errors import OptionError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling.reuse import stream as reuse_stream
from vidsr.upscaling.reuse.near import Hold
from vidsr.upscaling.reuse.rule import Reuse
from vidsr.upscaling.upscaler import Upscaler

LAYOUT = VideoFormat(100, 52, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1))
LONG = Reuse("near", near_levels=4, refresh_s=1e6)


def greatest(one: Frame, other: Frame) -> list[int]:
    pairs = zip(one.planes, other.planes, strict=True)
    return [int((a.int() - b.int()).abs().max()) for a, b in pairs]


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("planes", [1, 3])
def test_no_sample_is_further_off_than_the_bound(depth: int, planes: int) -> None:
    layout = replace(LAYOUT, pixel=PixelFormat("yuv", depth, (2, 2)))
    scene, hold = Standing(layout), Hold(layout, LONG, planes)
    bound, held_back = 4 << (depth - 8), 0
    for _ in range(60):
        frame = scene.frame()
        seen = hold.seen(frame)
        apart = greatest(seen, frame)
        assert max(apart[:planes]) <= bound
        assert apart[planes:] == [0] * (3 - planes)
        held_back = max(held_back, *apart[:planes])
        scene.shake(1 << (depth - 8))  # adds up: a walk far beyond the bound
    assert held_back > bound // 2


def test_every_sample_is_taken_over_within_the_refresh() -> None:
    rule = Reuse("near", near_levels=8, refresh_s=2, rate_hz=5)
    scene, hold = Standing(LAYOUT), Hold(LAYOUT, rule, 3)
    assert rule.refresh_frames == 10
    hold.seen(scene.frame())
    scene.shake(3)
    last = scene.frame()
    for number in range(10):
        assert (greatest(hold.seen(last, keep=False), last) != [0, 0, 0]) or number
        seen = hold.seen(last)
    assert greatest(seen, last) == [0, 0, 0]


def test_a_look_ahead_keeps_nothing() -> None:
    scene, hold = Standing(LAYOUT), Hold(LAYOUT, LONG, 3)
    first = scene.frame()
    hold.seen(first)
    scene.cut()
    hold.seen(scene.frame(), keep=False)
    scene.planes = [plane.numpy() for plane in first.planes]
    scene.shake(2)
    assert greatest(hold.seen(scene.frame()), first) == [0, 0, 0]


def test_the_result_is_exactly_that_of_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse_stream, "Worth", AlwaysWorth)
    scene, frames = Standing(LAYOUT), []
    for _ in range(12):
        frames.append(scene.frame())
        scene.shake(1)
        scene.move(1)
    hold = Hold(LAYOUT, LONG, 1)
    held = [hold.seen(frame) for frame in frames]
    with Upscaler("lite-fast-x2", device="cpu", precision="fp32", reuse="off") as upscaler:
        expected = list(upscaler.stream(held))
    with Upscaler("lite-fast-x2", device="cpu", precision="fp32", reuse=LONG) as upscaler:
        found = list(upscaler.stream(frames))
        assert upscaler.reused.computed_share < 1
    for one, other in zip(found, expected, strict=True):
        assert all(map(torch.equal, one.planes, other.planes))


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "exactly"},
        {"near_levels": -1},
        {"near_levels": 65},
        {"near_levels": float("nan")},
        {"refresh_s": 0},
        {"rate_hz": float("nan")},
    ],
)
def test_rules_are_checked(arguments: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=next(iter(arguments))):
        Reuse(**arguments)  # type: ignore[arg-type]
