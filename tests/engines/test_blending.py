"""Tiles of networks without a known reach: no seams, whole where they can be, said where not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

import vidsr
from tests.doubles.boundless_runtime import BoundlessEngine, BoundlessStarter
from tests.doubles.stub_engine import StubEngine
from tests.makers.clips import make_clip
from vidsr.engines.blending import blend
from vidsr.engines.engine import BLEND_MARGIN, Engine
from vidsr.engines.selection import engine_order
from vidsr.engines.tile_margins import (
    GOOD_LEVELS,
    MARGINS,
    KnownSurroundings,
    Surroundings,
    measured,
)
from vidsr.engines.tile_spans import Span
from vidsr.engines.tiling import choose_tile, is_exact, run_tiled, window_pixels
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.models.model import Model
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite
from vidsr.notes import Notes
from vidsr.option_values import Precision
from vidsr.picture.size import Size
from vidsr.upscaling.memory_plan import Load, plan_memory
from vidsr.upscaling.memory_planner import MemoryPlanner

CONFIG = GeneratorConfig(kind="lite", scale=2, channels=1, width=4, blocks=1)


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
    clip = make_clip(tmp_path / "in.mp4", size=(240, 180), frames=3).path
    report = vidsr.upscale(clip, tmp_path / "out.mkv", model="lite-x2", device="cpu", tile=tile)
    assert (report.engine, report.frames) == ("fake boundless", 3)
    said = [note for note in report.notes if "not exactly the picture" in note]
    form = r"boundless in tiles of 32x24, which blend over \d+ pixels: not exactly the picture "
    assert len(said) == (1 if tile else 0)
    form += "that whole frames give, [0-9.]+ levels of 255"
    assert all(re.match(form, note) for note in said)
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


@dataclass
class FarEngine(StubEngine):
    """Adds what lies ``far`` pixels to the right and left, ``share`` of it each; black outside."""

    far: int = 50
    share: float = 0.1
    halo: int | None = None
    dtype: torch.dtype = torch.float32

    def run(self, x: Tensor) -> Tensor:
        width = x.shape[-1]
        wide = torch.nn.functional.pad(x, (self.far, self.far))
        both = wide[..., :width] + wide[..., 2 * self.far : 2 * self.far + width]
        return super().run(x * (1 - 2 * self.share) + self.share * both)


@dataclass(frozen=True)
class FarStarter(BoundlessStarter):
    """The starter of such engines."""

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        return FarEngine(channels=model.config.channels, scale=model.scale)


ROOM = 1 << 20


def test_surroundings_grow_until_the_cut_vanishes() -> None:
    """What lies 50 pixels away is missing where a tile ends, which weighs less with more around."""
    found = measured(FarEngine(), torch.full((1, 1, 80, 400), 0.5), ROOM)
    assert found is not None
    # Of the 64 pixels of overlap, the left part lacks 0.1 * 0.5 from the 14th on: what lies 50
    # pixels to the right of there is beyond its end. Its weight falls linearly from 1 to 0; the
    # right part is the mirror image. With 64 around, of 128 pixels from the 78th on.
    for pixels in (32, 64):
        at = torch.arange(2 * pixels)
        weight = (at + 0.5) / (2 * pixels)
        lacking = (1 - weight) * (at >= 2 * pixels - 50) + weight * (at < 50)
        wanted = 255 * float((0.05 * lacking).square().mean().sqrt())
        assert found.levels[pixels] == pytest.approx(wanted, rel=1e-3)
    assert found.levels[128] < 1 < found.levels[64]
    assert (found.pixels, found.settled) == (128, True)


def test_few_pixels_are_kept_where_they_are_enough_or_more_bring_nothing() -> None:
    found = measured(FarEngine(far=5), torch.rand(1, 1, 80, 400), ROOM)
    assert found is not None
    assert (list(found.levels), found.pixels, found.levels[32] < GOOD_LEVELS) == ([32], 32, True)
    # Of a network that sees the whole, other numbers of pixels leave about as much.
    assert Surroundings({32: 4.0, 64: 3.9}).pixels == 32
    assert Surroundings({32: 4.0, 64: 3.9}).settled
    assert Surroundings({32: 4.0, 64: 3.0, 128: 2.0}).pixels == 128
    assert not Surroundings({32: 4.0, 64: 3.0}).settled
    assert not Surroundings().settled


@pytest.mark.parametrize(("size", "tried"), [((60, 50), 0), ((80, 120), 1), ((400, 80), 3)])
def test_pictures_too_small_to_be_cut_tell_less(size: tuple[int, int], tried: int) -> None:
    """Tall ones are cut across."""
    found = measured(FarEngine(far=300), torch.rand(1, 1, *size).round(), ROOM)
    assert len(found.levels if found else ()) <= tried
    assert (found is None) == (tried == 0)


def test_what_is_measured_is_remembered_for_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "cache"))
    first, x = Model("far", Lite(CONFIG), tmp_path / "far.pth"), torch.full((1, 1, 80, 400), 0.5)
    first.path.write_bytes(b"weights")
    engine = FarEngine()
    known = KnownSurroundings(first, engine)
    assert known.found is None
    assert known.measure(engine, x, ROOM) == known.found
    again = FarEngine()
    found = KnownSurroundings(first, again).found
    assert found is not None
    assert (found.pixels, found.before, again.blend_margin) == (128, True, 128)
    assert engine.blend_margin == BLEND_MARGIN  # the pool's own affair
    first.path.write_bytes(b"others")
    assert KnownSurroundings(first, FarEngine()).found is None
    assert KnownSurroundings(first, StubEngine(halo=3)).found is None


def test_a_run_measures_once_and_says_what_its_tiles_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine_order, "STARTERS", (FarStarter(), *engine_order.STARTERS))
    clip = make_clip(tmp_path / "in.mp4", size=(400, 96), frames=2).path
    for when in ("on the first frame", "by an earlier run"):
        report = vidsr.upscale(
            clip, tmp_path / "o.mkv", model="lite-x2", device="cpu", tile=(96, 32), overwrite=True
        )
        said = [note for note in report.notes if "not exactly the picture" in note]
        assert len(said) == 1
        assert "which blend over 256 pixels" in said[0]
        assert said[0].endswith(f"measured {when}")
        assert report.tile_error_levels is not None
        assert f"{report.tile_error_levels:.2f} levels" in said[0]


def test_tiles_that_leave_no_memory_for_surroundings_have_fewer() -> None:
    from tests.upscaling.test_memory_plan import layout

    engine, notes = FarEngine(bytes_per_pixel=1000), Notes()
    engine.surround(MARGINS[-1])
    source, target = layout(640, 360), layout(1280, 720)
    beside = plan_memory(source, target, engine, 1 << 30, Load(), Size(32, 32)).beside
    planner = MemoryPlanner(beside + 200 * 200 * 1000)
    plan = planner.plan(source, target, engine, Load(), notes)
    assert plan.tile is not None
    assert (engine.blend_margin, len(notes.said)) == (64, 1)
    assert planner.plan(source, target, engine, Load(), notes) is plan
