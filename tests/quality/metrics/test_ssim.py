"""SSIM against scikit-image's, its properties, and what bicubic scores on Set5."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.quality.baselines import bicubic
from vidsr.quality.metrics.psnr import luma_601
from vidsr.quality.metrics.ssim import (
    SIGMA,
    WINDOW,
    SsimReference,
    filter_valid,
    gaussian,
    ssim,
)
from vidsr.quality.pairs import benchmark_pairs, read_pair


def plane(height: int, width: int, seed: int = 0) -> Tensor:
    return luma_601(photograph(seed, height, width))


def noisy(y: Tensor, level: float, seed: int = 0) -> Tensor:
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed))
    return (y + level * noise).round().clamp(0, 255)


def elsewhere(a: Tensor, b: Tensor) -> float:
    value = structural_similarity(  # type: ignore[no-untyped-call]
        a.double().numpy(), b.double().numpy(), data_range=255,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    return float(value)


# Both are float64 and the same formula: what differs is the order of the sums. scikit-image leaves
# five pixels at each side out of its mean, which are those where the window does not fit.
TOLERANCE = 1e-10


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(11, 60), width=st.integers(11, 60), level=st.floats(0, 80),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_agrees_with_scikit_image(height: int, width: int, level: float, seed: int) -> None:
    a = plane(height, width, seed)
    b = noisy(a, level, seed)
    assert ssim(a, b) == pytest.approx(elsewhere(a, b), abs=TOLERANCE)


@pytest.mark.parametrize("border", [0, 1, 4, 13])
def test_border_is_cut_off_before(border: int) -> None:
    a = plane(53, 41)
    b = noisy(a, 12)
    inner = (slice(border, 53 - border), slice(border, 41 - border))
    assert ssim(a, b, border=border) == pytest.approx(elsewhere(a[inner], b[inner]), abs=TOLERANCE)


@given(seed=st.integers(0, 99), size=st.tuples(st.integers(11, 40), st.integers(11, 40)))
@settings(max_examples=15, deadline=None)
def test_symmetric_and_one_only_for_equals(seed: int, size: tuple[int, int]) -> None:
    a, b = plane(*size, seed), noisy(plane(*size, seed), 10, seed)
    assert ssim(a, a) == pytest.approx(1, abs=1e-12)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-12)
    assert -1 <= ssim(a, b) < 1


def test_falls_as_noise_rises() -> None:
    a = plane(64, 64)
    scores = [ssim(a, noisy(a, level)) for level in (0, 2, 8, 32)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_of_two_flat_planes_only_luminance_is_left() -> None:
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)
    flat = torch.full((11, 11), 100.0), torch.full((11, 11), 120.0)
    assert ssim(*flat) == pytest.approx(expected, abs=1e-9)


def test_peak_sets_the_scale() -> None:
    a, b = plane(30, 30), noisy(plane(30, 30), 9)
    assert ssim(a / 255, b / 255, peak=1) == pytest.approx(ssim(a, b), abs=1e-6)  # float32 in


def test_uint8_does_not_wrap_around() -> None:
    a = plane(30, 30)
    b = noisy(a, 9)
    assert ssim(a.byte(), b.byte()) == ssim(a, b)


def test_window_sums_to_one_and_fits_where_it_should() -> None:
    kernel = gaussian(WINDOW, SIGMA)
    assert kernel.sum().item() == pytest.approx(1, abs=1e-15)
    assert torch.equal(kernel, kernel.flip(0))
    impulse = torch.zeros(21, 21, dtype=torch.float64)
    impulse[10, 10] = 1
    torch.testing.assert_close(filter_valid(impulse, kernel), torch.outer(kernel, kernel))


def test_sizes_must_be_equal() -> None:
    with pytest.raises(ValueError, match=r"expected equal shapes, got \(20, 20\) and \(20, 21\)"):
        ssim(torch.zeros(20, 20), torch.zeros(20, 21))


@pytest.mark.parametrize(("size", "border"), [((10, 40), 0), ((40, 10), 0), ((20, 20), 5)])
def test_the_window_must_fit(size: tuple[int, int], border: int) -> None:
    with pytest.raises(ValueError, match=f"border = {border} leaves less than 11x11 of"):
        ssim(torch.zeros(size), torch.zeros(size), border=border)


def test_border_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="border = -1"):
        ssim(torch.zeros(20, 20), torch.zeros(20, 20), border=-1)


@pytest.mark.corpus
def test_bicubic_on_set5(data_dir: Path) -> None:
    if not (data_dir / "eval" / "Set5").is_dir():
        pytest.skip(f"no eval/Set5 in {data_dir}")
    scores = []
    for pair in benchmark_pairs(data_dir / "eval", ["Set5"], 4):
        original, lr = read_pair(pair, 4, 19)
        scores.append(ssim(luma_601(bicubic(lr, 4)), luma_601(original), border=4))
    # Published tables say 0.8104 to 0.8109, by other decoders and borders.
    assert sum(scores) / len(scores) == pytest.approx(0.8102, abs=0.001)


@pytest.mark.parametrize("level", [8, 128, 250])
def test_a_reference_scores_as_the_function(level: int) -> None:
    random = torch.Generator().manual_seed(level)
    spread = torch.randint(-6, 6, (2, 60, 80), generator=random)
    original, plane = (level + spread).clamp(0, 255).to(torch.uint8)
    reference = SsimReference(original, border=4)
    assert reference.score(plane) == pytest.approx(ssim(plane, original, border=4), abs=2e-5)
    assert reference.score(original) == pytest.approx(1, abs=2e-5)
    with pytest.raises(ValueError, match="expected"):
        reference.score(plane[1:])
    with pytest.raises(ValueError, match="leaves less"):
        SsimReference(original, border=28)
