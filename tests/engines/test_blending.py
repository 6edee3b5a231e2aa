"""Tiles of networks without a known reach: no seams, whole where they can be, said where not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vidsr
from tests.doubles.boundless_runtime import BoundlessEngine, BoundlessStarter
from tests.doubles.stub_engine import StubEngine
from tests.makers.clips import make_clip
from vidsr.engines.blending import blend
from vidsr.engines.selection import engine_order
from vidsr.engines.tile_spans import Span
from vidsr.engines.tiling import (
    BLEND_MARGIN,
    choose_tile,
    is_exact,
    run_tiled,
    tile_error_levels,
    window_pixels,
)
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.picture.size import Size
from vidsr.upscaling.memory_plan import Load, plan_memory


def test_two_windows_fade_into_each_other_linearly() -> None:
    rows, left, right = Span(0, 1, 0, 1), Span(0, 6, 0, 4), Span(2, 8, 4, 8)
    parts = torch.zeros(1, 1, 1, 12), torch.ones(1, 1, 1, 12)
    found = blend([(rows, left), (rows, right)], parts, 2)
    # Not rows: their window has one row, which grew twice; columns 4 to 12 overlap.
    ramp = (torch.arange(8) + 0.5) / 8
    assert found.shape == (1, 1, 2, 16)
    assert torch.allclose(found[0, 0, 0], torch.cat([torch.zeros(4), ramp, torch.ones(4)]))


@pytest.mark.parametrize("size", [Size(200, 170), Size(65, 300), Size(130, 99)])
@pytest.mark.parametrize("alignment", [1, 4])
def test_what_needs_no_surroundings_is_the_whole_however_it_is_cut(
    size: Size, alignment: int
) -> None:
    """Weights sum to one everywhere; only rounding is left."""
    engine = StubEngine(halo=None, alignment=alignment, dtype=torch.float32)
    x = torch.rand(1, 1, size.height, size.width)
    found = run_tiled(engine, x, Size(33, 40))
    assert engine.runs > 1
    assert torch.allclose(found, engine.run(x), atol=1e-6)


def test_neighbours_leave_no_seam() -> None:
    """Where the mean of tiles jumps, the picture changes over the whole overlap instead."""
    x = torch.cat([torch.zeros(1, 1, 20, 150), torch.ones(1, 1, 20, 150)], dim=3)
    found = run_tiled(BoundlessEngine(channels=1), x, Size(50, 20))[0, 0, 5]
    steps = found.diff().abs()
    steps[149] = 0  # the picture's own edge
    assert 0 < float(steps.max()) < 0.25 / BLEND_MARGIN


@pytest.mark.parametrize("size", [Size(40, 30), Size(50, 20)])
def test_a_picture_within_a_tile_is_whole_and_exact(size: Size) -> None:
    engine, tile = BoundlessEngine(), Size(50, 40)
    x = torch.rand(1, 1, size.height, size.width)
    assert is_exact(engine, size, tile)
    assert torch.equal(run_tiled(engine, x, tile), BoundlessEngine().run(x))
    assert engine.runs == 1
    assert not is_exact(engine, Size(500, 30), tile)
    assert is_exact(StubEngine(halo=3), Size(500, 30), tile)


def test_chosen_tiles_of_boundless_engines_fit_the_budget() -> None:
    engine, size = BoundlessEngine(bytes_per_pixel=64), Size(1920, 1080)
    tile = choose_tile(size, engine, 10 << 20)
    assert tile is not None
    assert window_pixels(tile, size, engine) * 64 <= 10 << 20


def test_a_network_that_may_not_be_cut_is_refused_in_tiles() -> None:
    from tests.upscaling.test_memory_plan import layout

    engine = StubEngine(tiling=False)
    source, target = layout(640, 360), layout(1280, 720)
    with pytest.raises(MemoryLimitError, match="whole frame, which it does not allow to be cut"):
        choose_tile(Size(640, 360), engine, 1 << 20)
    with pytest.raises(OptionError, match="expected None, stub sees whole frames only"):
        plan_memory(source, target, engine, 1 << 30, Load(), Size(64, 64))


@pytest.mark.parametrize("tile", [None, (24, 32)])
def test_a_whole_run_through_another_runtime(
    tile: tuple[int, int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_order, "STARTERS", (BoundlessStarter(), *engine_order.STARTERS))
    clip = make_clip(tmp_path / "in.mp4", size=(160, 120), frames=3).path
    report = vidsr.upscale(clip, tmp_path / "out.mkv", model="lite-x2", device="cpu", tile=tile)
    assert (report.engine, report.frames) == ("fake boundless", 3)
    said = [note for note in report.notes if "not exactly the picture" in note]
    assert said == (["boundless in tiles of 32x24, which blend over 64 pixels: not exactly the "
                     "picture that whole frames give"] if tile else [])  # fmt: skip
    plain = vidsr.upscale(clip, tmp_path / "b.mkv", model="lite-x2", device="cpu", engine="torch")
    assert plain.engine == "torch"


def test_a_deep_network_is_exact_in_large_tiles_and_blends_in_small_ones() -> None:
    engine, picture = StubEngine(halo=94, dtype=torch.float32), Size(1000, 800)
    assert is_exact(engine, picture, Size(200, 200))
    assert not is_exact(engine, picture, Size(150, 150))
    assert is_exact(StubEngine(halo=40), picture, Size(16, 16))
    x = torch.rand(1, 1, 300, 400)
    assert torch.allclose(run_tiled(engine, x, Size(100, 100)), engine.run(x), atol=1e-6)


def test_memory_that_exact_tiles_of_a_deep_network_do_not_fit_gives_blending_ones() -> None:
    engine, picture = StubEngine(halo=349, dtype=torch.float32), Size(1920, 1080)
    budget = 460 * 460 * engine.bytes_per_pixel
    tile = choose_tile(picture, engine, budget)
    assert tile is not None
    assert tile.width > 300
    assert not is_exact(engine, picture, tile)
    assert window_pixels(tile, picture, engine) <= 460 * 460


def test_the_error_of_blending_tiles_is_measured_in_levels() -> None:
    x, tile = torch.rand(1, 3, 200, 200), Size(64, 64)
    levels = tile_error_levels(BoundlessEngine(), x, tile)
    assert levels is not None
    assert 0 < levels < 255
    assert tile_error_levels(StubEngine(halo=3), x[:, :1], tile) is None
