"""Tiles cover the picture once and equal the whole frame to the last bit."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import choose_tile, plan_tiles, run_tiled, window_pixels
from vidsr.errors import MemoryLimitError, OptionError
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.picture.size import Size

KINDS: dict[str, dict[str, Any]] = {
    "lite luma": {"kind": "lite", "channels": 1, "width": 32, "blocks": 6},
    "lite coarse": {"kind": "lite", "width": 16, "blocks": 2, "stride": 2, "prelu": "shared"},
    "lite colour": {"kind": "lite", "channels": 3, "width": 16, "blocks": 2, "scale": 2},
    "srresnet x4": {"width": 16, "blocks": 2},
    "srresnet x2": {"width": 32, "blocks": 1, "scale": 2, "output_range": "signed"},
    "srresnet plain": {"width": 16, "blocks": 1, "norm": "none"},
    "espcn": {"kind": "espcn", "channels": 1, "width": 64, "blocks": 1},
    "srcnn x4": {"kind": "srcnn", "channels": 1, "width": 32, "blocks": 1},
    "srcnn x2": {"kind": "srcnn", "width": 16, "blocks": 1, "scale": 2},
    "rrdb": {"kind": "rrdb", "width": 16, "blocks": 1, "growth": 8, "scale": 2},
    "unet": {"kind": "unet", "width": 16, "blocks": 1, "scale": 1},
    "unet deep": {"kind": "unet", "width": 8, "blocks": 1, "scale": 1, "levels": 3},
    "unet coarse": {"kind": "unet", "width": 8, "blocks": 1, "scale": 1, "stride": 2},
}


@cache
def engine(kind: str) -> TorchEngine:
    fields: dict[str, Any] = {"kind": "srresnet", "scale": 4, "channels": 3}
    torch.manual_seed(0)
    net = build_generator(GeneratorConfig(**(fields | KINDS[kind]))).eval()
    torch.nn.init.normal_(net.tail.weight, std=0.1)  # a restorer starts at zero
    return TorchEngine(net, device="cpu", precision="fp32")


def sized(pair: tuple[int, int]) -> Size:
    """(height, width) as a size."""
    return Size(height=pair[0], width=pair[1])


def picture(kind: str, height: int, width: int) -> torch.Tensor:
    seed = torch.Generator().manual_seed(height * 1000 + width)
    return torch.rand(1, engine(kind).channels, height, width, generator=seed)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 200), st.integers(1, 200), st.integers(1, 250), st.integers(1, 250),
    st.integers(0, 45), st.sampled_from([1, 1, 2, 4, 8]),
)  # fmt: skip
def test_plans_cover_once_share_a_shape_and_keep_their_distance(
    height: int, width: int, tile_h: int, tile_w: int, halo: int, alignment: int
) -> None:
    tiles = plan_tiles(Size(width, height), Size(tile_w, tile_h), halo, alignment)
    covered = torch.zeros(height, width, dtype=torch.int32)
    for tile in tiles:
        rows, columns = tile.rows, tile.columns
        covered[rows.keep_start : rows.keep_stop, columns.keep_start : columns.keep_stop] += 1
        for span, length in ((rows, height), (columns, width)):
            assert 0 <= span.start <= span.keep_start < span.keep_stop <= span.stop <= length
            assert span.start % alignment == 0
            assert span.start == 0 or span.keep_start - span.start >= halo
            assert span.stop == length or span.stop - span.keep_stop >= halo
    assert bool((covered == 1).all())
    shapes = {(t.rows.stop - t.rows.start, t.columns.stop - t.columns.start) for t in tiles}
    ((high, wide),) = shapes
    for window, length, kept in ((high, height, tile_h), (wide, width, tile_w)):
        least = min(length, kept + 2 * halo)
        assert least <= window <= min(length, least + 2 * (alignment - 1))


@pytest.mark.parametrize(
    "bad",
    [(0, 9, 9, 9, 0), (9, 9, 0, 9, 0), (9, 9, 9, -1, 0), (9, 9, 9, 9, -1), (9, 9, 9, 9, 0, 0)],
)
def test_plans_that_cannot_be(bad: tuple[int, ...]) -> None:
    height, width, tile_h, tile_w, *rest = bad
    with pytest.raises(OptionError, match="expected"):
        plan_tiles(Size(width, height), Size(tile_w, tile_h), *rest)


@pytest.mark.parametrize("kind", list(KINDS))
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_tiled_equals_whole_to_the_last_bit(kind: str, data: st.DataObject) -> None:
    height, width = (data.draw(st.integers(1, 90), label=n) for n in ("height", "width"))
    tile = data.draw(st.tuples(st.integers(9, 100), st.integers(9, 100)), label="tile")
    x = picture(kind, height, width)
    assert torch.equal(run_tiled(engine(kind), x, sized(tile)), engine(kind).run(x))


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    ("size", "tile"),
    [((61, 83), (1, 200)), ((200, 210), (150, 60)), ((33, 190), (500, 500)), ((150, 9), (7, 9))],
)
def test_sizes_where_kernels_might_change(
    kind: str, size: tuple[int, int], tile: tuple[int, int]
) -> None:
    """PyTorch's own convolution changes algorithm at 20480 numbers; the engine's must not."""
    x = picture(kind, *size)
    assert torch.equal(run_tiled(engine(kind), x, sized(tile)), engine(kind).run(x))


def test_the_published_depth_tiles_exactly() -> None:
    torch.manual_seed(0)
    config = GeneratorConfig(kind="srresnet", scale=4, channels=3, width=8, blocks=16)
    deep = TorchEngine(build_generator(config).eval(), device="cpu", precision="fp32")
    x = torch.rand(1, 3, 101, 140)
    assert deep.halo == 40
    assert torch.equal(run_tiled(deep, x, Size(20, 16)), deep.run(x))


def test_threads_do_not_change_a_bit() -> None:
    x = picture("srresnet x4", 70, 95)
    alone = run_tiled(engine("srresnet x4"), x, Size(31, 24))
    torch.set_num_threads(2)
    together = engine("srresnet x4").run(x)
    torch.set_num_threads(1)
    assert torch.equal(alone, together)


def test_a_batch_is_tiled_like_one_picture() -> None:
    x = torch.cat([picture("lite luma", 50, 41), picture("lite luma", 50, 41).flip(-1)])
    whole = engine("lite luma").run(x)
    assert torch.equal(run_tiled(engine("lite luma"), x, Size(16, 16)), whole)
    assert torch.equal(run_tiled(engine("lite luma"), x, None), whole)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("size", [(180, 320), (2160, 3840), (40, 5000), (5000, 40)])
@pytest.mark.parametrize("budget", [2**24, 2**27, 2**30])
def test_chosen_tiles_fit_the_budget(kind: str, size: tuple[int, int], budget: int) -> None:
    net = engine(kind)
    tile = choose_tile(sized(size), net, budget)
    if tile is None:
        assert size[0] * size[1] * net.bytes_per_pixel <= budget
        return
    assert net.halo is not None
    plan = plan_tiles(sized(size), tile, net.halo, net.alignment)[0]
    pixels = (plan.rows.stop - plan.rows.start) * (plan.columns.stop - plan.columns.start)
    assert pixels <= window_pixels(tile, sized(size), net) <= budget // net.bytes_per_pixel
    assert pixels * net.bytes_per_pixel > budget / 4  # and use it


def test_no_tile_where_the_frame_fits() -> None:
    net = engine("lite luma")
    assert choose_tile(Size(100, 100), net, 100 * 100 * net.bytes_per_pixel) is None
    assert choose_tile(Size(100, 100), net, 100 * 100 * net.bytes_per_pixel - 1) is not None


def test_a_budget_below_the_smallest_tile_is_refused() -> None:
    with pytest.raises(MemoryLimitError, match="Hint: raise `max_memory`"):
        choose_tile(Size(1920, 1080), engine("srresnet x4"), 2**16)
