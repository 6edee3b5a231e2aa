"""Steps of quantisers, and grids of them."""

from __future__ import annotations

import numpy as np
import pytest

from vidsr.video.coding.headers.steps import VP9_AC, mpeg_steps, qp_steps, vp9_steps
from vidsr.video.coding.step_map import picture_steps
from vidsr.video.coding.venc_params import Kind, Quantisers


def quantisers(kind: Kind, base: int, *blocks: tuple[int, int, int, int, int]) -> Quantisers:
    return Quantisers(kind, base, np.array(blocks, np.int32).reshape(-1, 5))


def test_six_qp_double_the_step_of_h264() -> None:
    assert qp_steps([4, 10, 16, 28]) == pytest.approx([1, 2, 4, 16])


def test_a_bit_of_depth_is_six_qp() -> None:
    assert float(qp_steps(28 + 12, 10)) == pytest.approx(float(qp_steps(28)))


def test_the_table_of_vp9_is_that_of_the_standard() -> None:
    some = {0: 4, 1: 8, 95: 102, 96: 104, 120: 152, 121: 155, 200: 639, 254: 1793, 255: 1828}
    assert len(VP9_AC) == 256
    assert {index: int(VP9_AC[index]) for index in some} == some
    assert (np.diff(VP9_AC) > 0).all()


def test_index_0_of_vp9_is_lossless_and_deep_steps_are_near() -> None:
    assert vp9_steps([0, 1, 255]).tolist() == [0, 1, 228.5]
    assert vp9_steps([0, 255], 10).tolist() == [0, 228.5]
    assert (np.diff(vp9_steps(np.arange(256), 10)) > 0).all()
    assert vp9_steps(np.arange(96, 256), 10) == pytest.approx(
        vp9_steps(np.arange(96, 256)), rel=0.02
    )


@pytest.mark.parametrize("odd", [-(2**31), -1, 0, 2**31 - 1])
def test_odd_numbers_give_steps_in_range(odd: int) -> None:
    for values in (qp_steps(odd), vp9_steps(odd), mpeg_steps(odd)):
        assert 0 <= float(values) < 1000


def test_blocks_are_painted_where_they_lie() -> None:
    found = picture_steps(
        quantisers("h264", 20, (0, 0, 16, 16, -16), (16, 0, 16, 16, -10)), 32, 16, 8
    )
    assert found is not None
    assert found.grid is not None
    assert found.grid[0].tolist() == pytest.approx([1, 2])
    assert found.mean == pytest.approx(1.5)


def test_small_and_large_blocks_share_cells_by_area() -> None:
    blocks = [(0, 0, 64, 32, 4), (64, 0, 8, 16, 2), (72, 0, 8, 16, 6), (-8, 99, 8, 8, 9)]
    found = picture_steps(quantisers("mpeg", 0, *blocks), 80, 32, 8)
    assert found is not None
    assert found.grid is not None
    assert found.grid.shape == (2, 5)
    assert found.grid[0].tolist() == [4, 4, 4, 4, 4]
    assert found.grid[1, :4].tolist() == [4, 4, 4, 4]


def test_a_picture_of_one_quantiser_has_no_grid() -> None:
    found = picture_steps(quantisers("vp9", 95), 64, 64, 8)
    assert found is not None
    assert (found.mean, found.grid) == (102 / 8, None)


def test_mpeg_without_blocks_says_nothing() -> None:
    assert picture_steps(quantisers("mpeg", 0), 64, 64, 8) is None
    assert picture_steps(quantisers("h264", 20, (999, 999, 16, 16, 0)), 64, 64, 8) is None
