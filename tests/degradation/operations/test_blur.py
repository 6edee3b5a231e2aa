"""Kernels that keep pictures in place, and the convolution with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidsr.degradation.operations import blur as module
from vidsr.degradation.operations.blur import blur, defocus_kernel, gaussian_kernel, motion_kernel
from vidsr.errors import OptionError

PX = st.floats(0.1, 6)
ANGLES = st.floats(-180, 180)


def check_kernel(kernel: Tensor) -> None:
    """Odd, positive, sum 1, centroid 0: within the rounding of some hundred float32 values."""
    high, wide = kernel.shape
    assert high == wide
    assert high % 2 == 1
    assert float(kernel.min()) >= 0
    kernel = kernel.double()
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
    place = torch.arange(high, dtype=torch.float64) - high // 2
    assert float((kernel.sum(0) * place).sum()) == pytest.approx(0, abs=1e-5)
    assert float((kernel.sum(1) * place).sum()) == pytest.approx(0, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(PX, st.floats(0.3, 3), ANGLES, st.floats(0.5, 4))
def test_gaussians_are_centred(sigma: float, ratio: float, angle: float, beta: float) -> None:
    check_kernel(gaussian_kernel(sigma, ratio=ratio, angle_deg=angle, beta=beta))


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 20), ANGLES)
def test_motion_is_centred(length: float, angle: float) -> None:
    check_kernel(motion_kernel(length, angle))


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 12))
def test_discs_are_centred(radius: float) -> None:
    check_kernel(defocus_kernel(radius))


def test_a_gaussian_has_its_width() -> None:
    kernel = gaussian_kernel(2.0).double()
    place = torch.arange(len(kernel), dtype=torch.float64) - len(kernel) // 2
    variance = float((kernel.sum(0) * place**2).sum())
    assert variance == pytest.approx(4, rel=0.04)  # cut at three sigma, which loses 3 %


def test_an_anisotropic_gaussian_points_along_its_angle() -> None:
    kernel = gaussian_kernel(3.0, ratio=0.3, angle_deg=90)
    middle = len(kernel) // 2
    assert kernel[middle + 3, middle] > 5 * kernel[middle, middle + 3]


def test_motion_across_is_a_row() -> None:
    kernel = motion_kernel(4.0, 0.0)
    middle = len(kernel) // 2
    assert float(kernel[middle].sum()) == pytest.approx(1)
    assert float(kernel[middle, middle]) == pytest.approx(0.25, abs=0.02)  # evenly over 4 pixels


def test_none_is_none() -> None:
    x = torch.rand(1, 3, 9, 7)
    for kernel in (motion_kernel(0.0), defocus_kernel(0.0)):
        assert torch.allclose(blur(x, kernel), x, atol=1e-6)


def test_a_disc_has_its_area() -> None:
    # A disc of radius 5 covers 78.5 pixels; each gets its share.
    assert 1 / float(defocus_kernel(5.0).max()) == pytest.approx(78.5, rel=0.02)


def test_blur_convolves() -> None:
    """By hand: the kernel appears, not mirrored, where an impulse was."""
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1
    kernel = torch.arange(1.0, 10).view(3, 3) / 45
    assert torch.allclose(blur(x, kernel)[0, 0, 1:4, 1:4], kernel)


@pytest.mark.parametrize("size", [(33, 47), (6, 5)])  # the second is smaller than the kernel
def test_both_ways_agree(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    x, kernel = torch.rand(2, 3, *size), gaussian_kernel(3.0, ratio=0.5, angle_deg=30)
    by_fft = blur(x, kernel)
    monkeypatch.setattr(module, "FFT_FROM", 1000)
    assert by_fft.shape == x.shape
    assert torch.allclose(by_fft, blur(x, kernel), atol=1e-5)  # float32 transforms


def test_flat_stays_flat() -> None:
    x = torch.full((1, 3, 12, 17), 0.7)
    assert torch.allclose(blur(x, motion_kernel(9, 30)), x, atol=1e-5)


def test_what_is_refused() -> None:
    makers: tuple[Callable[[], Tensor], ...] = (
        lambda: gaussian_kernel(0),
        lambda: gaussian_kernel(1, beta=0),
        lambda: motion_kernel(-1),
        lambda: defocus_kernel(-1),
        lambda: blur(torch.rand(1, 3, 8, 8), torch.ones(2, 2) / 4),
    )
    for make in makers:
        with pytest.raises(OptionError, match="expected"):
            make()
