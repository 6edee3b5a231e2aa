"""Upscaling without a network: where it puts things, and what values it gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.quality.baselines import FILTERS, bicubic, bilinear, lanczos, nearest, shrink

ALL = pytest.mark.parametrize("name", FILTERS)


@ALL
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_an_impulse_stays_where_it_is(name: str, scale: int) -> None:
    # Sample i of the small picture covers i*scale .. (i+1)*scale of the large one.
    small = torch.zeros(1, 13, 15)
    small[0, 6, 8] = 1
    large = FILTERS[name](small, scale)[0].double()
    down, across = torch.arange(13.0 * scale), torch.arange(15.0 * scale)
    total = large.sum()
    # float32 weights: 1e-7 each, times a distance of up to 60 and a few dozen of them.
    centre = (6 + 0.5) * scale - 0.5, (8 + 0.5) * scale - 0.5
    assert ((large.sum(1) * down).sum() / total).item() == pytest.approx(centre[0], abs=1e-4)
    assert ((large.sum(0) * across).sum() / total).item() == pytest.approx(centre[1], abs=1e-4)
    assert total.item() == pytest.approx(scale**2, abs=1e-4)


@ALL
@settings(max_examples=15, deadline=None)
@given(
    level=st.integers(0, 255), height=st.integers(1, 9), width=st.integers(1, 9),
    scale=st.sampled_from([2, 4]),
)  # fmt: skip
def test_a_constant_stays_constant(
    name: str, level: int, height: int, width: int, scale: int
) -> None:
    flat = torch.full((3, height, width), level, dtype=torch.uint8)
    large = FILTERS[name](flat, scale)
    assert large.shape == (3, height * scale, width * scale)
    assert large.dtype == torch.uint8
    assert (large == level).all()


@ALL
def test_mirrored_in_mirrored_out(name: str) -> None:
    picture = photograph(0, 12, 17).double()
    turned = FILTERS[name](picture.flip(1, 2), 4).flip(1, 2)
    # float32 at levels of up to 300: half a unit in the last place of some sums.
    torch.testing.assert_close(turned, FILTERS[name](picture, 4), rtol=0, atol=1e-3)


@ALL
def test_uint8_is_the_rounded_and_clamped_float(name: str) -> None:
    picture = torch.randint(0, 2, (3, 9, 8), generator=torch.Generator().manual_seed(0)) * 255
    exact = FILTERS[name](picture.double(), 4)
    assert torch.equal(
        FILTERS[name](picture.to(torch.uint8), 4), exact.round().clamp(0, 255).to(torch.uint8)
    )
    overshoots = bool(exact.max() > 256) and bool(exact.min() < -1)
    assert overshoots == (name in ("bicubic", "lanczos"))


@ALL
def test_the_dtype_stays(name: str) -> None:
    for dtype in (torch.uint8, torch.float32, torch.float64):
        assert FILTERS[name](torch.zeros(1, 4, 4, dtype=dtype), 2).dtype == dtype


def test_nearest_repeats() -> None:
    small = torch.tensor([[[1, 2], [3, 4]]], dtype=torch.uint8)
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert nearest(small, 2).tolist() == [expected]


def row(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).expand(1, 9, len(values)).contiguous()


IMPULSE = [0.0] * 4 + [1.0] + [0.0] * 4


def test_bicubic_has_the_weights_of_keys() -> None:
    # a = -1/2 at distances of 1.75, 1.25, 0.75 and 0.25 samples, worked out by hand.
    weights = [-0.0234375, -0.0703125, 0.2265625, 0.8671875]
    found = bicubic(row(IMPULSE), 2)[0, 9, 5:13]
    assert found.tolist() == pytest.approx([*weights, *weights[::-1]], abs=1e-14)


def test_bilinear_and_lanczos_have_theirs() -> None:
    # float32 weights. Lanczos: sinc(t) sinc(t / 3), of which 1 is the sum over samples after
    # normalising; distances 0.25 and 0.75.
    assert bilinear(row(IMPULSE), 2)[0, 9, 7:11].tolist() == pytest.approx(
        [0.25, 0.75, 0.75, 0.25], abs=1e-6
    )
    t = torch.tensor([-2.75, -1.75, -0.75, 0.25, 1.25, 2.25], dtype=torch.float64)
    weights = torch.sinc(t) * torch.sinc(t / 3)
    weights /= weights.sum()
    found = lanczos(row(IMPULSE), 2)[0, 9, 8:10].tolist()
    assert found == pytest.approx([weights[3].item()] * 2, abs=1e-6)


@ALL
def test_a_ramp_stays_a_ramp(name: str) -> None:
    ramp = row([float(i) for i in range(12)])
    large = FILTERS[name](ramp, 4)[0, 18, 16:-16]
    expected = (torch.arange(48, dtype=torch.float64)[16:-16] + 0.5) / 4 - 0.5
    # nearest is at most 3/8 of a sample away; the wings of Lanczos keep a ramp to a hundredth
    limit = {"nearest": 0.375, "lanczos": 0.02}.get(name, 1e-5)
    assert (large - expected).abs().max().item() <= limit


@pytest.mark.parametrize("scale", [2, 4])
def test_shrinking_takes_enlarging_back(scale: int) -> None:
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(30.0), indexing="ij")
    wave = (128 + 50 * torch.cos(x / 5) + 50 * torch.sin(y / 6))[None].double()
    back = shrink(bicubic(wave, scale), scale)
    # Waves of 30 samples and more: the two filters together take about 1% of the amplitude.
    inner = (slice(None), slice(3, -3), slice(3, -3))
    assert (back - wave)[inner].abs().max().item() < 2
    flat = torch.full((1, 5, 7), 93, dtype=torch.uint8)
    assert torch.equal(shrink(bicubic(flat, scale), scale), flat)


def test_shrinking_is_centred() -> None:
    ramp = row([float(i) for i in range(40)]).repeat(1, 5, 1)
    expected = (torch.arange(10, dtype=torch.float64) + 0.5) * 4 - 0.5
    torch.testing.assert_close(shrink(ramp, 4)[0, 5, 3:-3], expected[3:-3])


def test_shrinking_leaves_out_what_does_not_fill_a_sample() -> None:
    picture = photograph(0, 43, 47)
    assert torch.equal(shrink(picture, 4), shrink(picture[:, :40, :44], 4))
    assert shrink(picture, 4).shape == (3, 10, 11)
    with pytest.raises(ValueError, match="4x4 or larger"):
        shrink(picture[:, :3], 4)
