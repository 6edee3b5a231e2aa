"""Sizes people ask for, the factor that reaches them, and the plan in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.makers.clips import make_clip
from vidsr import OptionError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.notes import Notes
from vidsr.option_values import MAX_SIDE
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.run.job import prepare
from vidsr.run.options import RunOptions
from vidsr.run.sizing import choose_scale, describe_tile, target_size
from vidsr.run.wanted_size import WantedSize


def layout(width: int, height: int) -> VideoFormat:
    return VideoFormat(width, height, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1))


def test_sizes_are_read() -> None:
    assert Size.parse("1920x1080") == Size(1920, 1080)
    assert Size.parse(" 640X480 ") == Size(640, 480)
    assert Size(640, 480).rows_columns == (480, 640)


@pytest.mark.parametrize(
    "text", ["", "1920", "x", "1920x", "x1080", "a x b", "-2x4", "1.5x2", "4:3"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(OptionError, match=r"size = .*expected WxH"):
        Size.parse(text)


@pytest.mark.parametrize(
    ("source", "height", "width"),
    [
        ((1920, 1080), 2160, 3840),
        ((640, 480), 1080, 1440),
        ((720, 576), 1080, 1350),
        ((853, 480), 1080, 1920),  # 1919.25
        ((426, 240), 1080, 1916),  # 1917 is halfway and goes to a multiple of four
        ((1, 4000), 8, 2),
    ],
)
def test_a_width_follows_the_height(source: tuple[int, int], height: int, width: int) -> None:
    assert WantedSize(None, height).of(layout(*source)) == Size(width, height)


@pytest.mark.parametrize(
    ("size", "scale", "factor"),
    [
        (None, None, None),
        (None, 2, 2),
        (WantedSize(1280, 720), None, 2),
        (WantedSize(1281, 720), None, 4),
        (WantedSize(1280, 721), None, 4),
        (WantedSize(320, 180), None, 2),
        (WantedSize(5000, 5000), None, 4),
        (WantedSize(1280, 720), 4, 4),
        (WantedSize(None, 720), None, 2),
        (WantedSize(None, 1080), None, 4),
    ],
)
def test_the_smallest_factor_that_is_enough(
    size: WantedSize | None, scale: int | None, factor: int | None
) -> None:
    assert choose_scale(size, layout(640, 360), scale) == factor


def test_target_sizes() -> None:
    assert target_size(None, layout(639, 361), 2) == Size(1278, 722)
    assert target_size(WantedSize(100, 50), layout(640, 360), 2) == Size(100, 50)
    assert target_size(None, layout(MAX_SIDE // 4, 2), 4) == Size(MAX_SIDE, 8)


@pytest.mark.parametrize(
    ("size", "source"),
    [
        (None, (MAX_SIDE // 4 + 1, 2)),
        (None, (2, MAX_SIDE // 4 + 1)),
        (WantedSize(0, 0), (64, 48)),
        (WantedSize(0, 100), (64, 48)),
        (WantedSize(100, 0), (64, 48)),
        (WantedSize(None, 0), (64, 48)),
        (WantedSize(None, -100), (64, 48)),
        (WantedSize(None, MAX_SIDE), (64, 48)),
        (WantedSize(10**30, 10), (64, 48)),
    ],
)
def test_targets_that_cannot_be(size: WantedSize | None, source: tuple[int, int]) -> None:
    with pytest.raises(OptionError, match=f"1 to {MAX_SIDE}.*`scale`, `size`"):
        target_size(size, layout(*source), 4)


def test_a_restorer_keeps_the_size() -> None:
    assert target_size(None, layout(639, 361), 1) == Size(639, 361)
    assert target_size(WantedSize(100, 50), layout(640, 360), 1) == Size(100, 50)
    assert choose_scale(WantedSize(None, 360), layout(640, 360), 1) == 1


@pytest.mark.parametrize("height", [None, 72])
@pytest.mark.parametrize("scale", [None, 1])
def test_the_plan_of_a_restorer(height: int | None, scale: int | None, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    config = GeneratorConfig(kind="unet", scale=1, channels=3, width=4, blocks=1)
    model = tmp_path / "my-unet.safetensors"
    save_generator(model, config, build_generator(config).state_dict())
    options = RunOptions(
        model=model, scale=scale, height=height, device="cpu", precision="fp32", tile=(16, 24)
    )
    with prepare(clip.path, tmp_path / "b.mkv", options, Notes()) as job:
        lines = {line.split()[0]: line for line in job.describe()}
    assert ("96x72" if height else "64x48") in lines["target"]
    assert "my-unet on cpu" in lines["model"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 1}, "scale = 1, but model auto upscales"),
        ({"scale": 1, "model": "lite-x2"}, "scale = 1, but lite-x2 upscales 2 times"),
        ({"scale": 2, "model": "unet"}, "scale = 2, but unet keeps the size"),
        ({"scale": 3}, "scale = 3: expected 1, 2 or 4"),
        ({"scale": 17}, "scale = 17: expected a whole number of 1 to 16"),
        ({"scale": 0}, "scale = 0: expected a whole number of 1 to 16"),
    ],
)
def test_scales_that_do_not_fit_the_model(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    with pytest.raises(OptionError, match=message):
        prepare(clip.path, tmp_path / "b.mkv", RunOptions(device="cpu", **options), Notes())


def test_tiles_in_words() -> None:
    assert describe_tile(None) == "whole frames"
    assert describe_tile(Size(640, 32)) == "640x32"


def test_the_plan_says_what_will_happen(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    target = tmp_path / "b.mkv"
    options = RunOptions(model="lite-x2", device="cpu", precision="fp32", tile=(16, 24))
    with prepare(clip.path, target, options, Notes()) as job:
        lines = {line.split()[0]: line for line in job.describe()}
    assert str(clip.path) in lines["source"]
    assert "h264 64x48 yuv420p" in lines["source"]
    assert "25 fps" in lines["source"]
    assert str(target) in lines["target"]
    assert "128x96" in lines["target"]
    assert "lite-x2 on cpu in float32" in lines["model"]
    assert "24x16" in lines["tiles"]
    assert "MiB" in lines["memory"]
    assert "0 video: encode" in lines["stream"]
    assert list(tmp_path.iterdir()) == [clip.path]
