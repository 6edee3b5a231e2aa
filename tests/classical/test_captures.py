"""Captures are the project's own operators, and their adjoints are adjoint."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidsr.classical.captures import SHRINKINGS, Capture, capture
from vidsr.degradation.operations.blur import blur, gaussian_kernel
from vidsr.degradation.operations.resize import resize
from vidsr.errors import OptionError
from vidsr.picture.size import Size
from vidsr.quality.baselines import shrink


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 255


def test_two_by_two_captured_and_back_by_hand() -> None:
    mean = capture(Size(1, 1), 2, shrinking="area", dtype=torch.float64)
    picture = torch.tensor([[[1.0, 3.0], [5.0, 7.0]]], dtype=torch.float64)
    assert mean.forward(picture).tolist() == [[[4.0]]]
    assert mean.adjoint(torch.tensor([[[8.0]]], dtype=torch.float64)).tolist() == [[[2, 2], [2, 2]]]
    assert mean.squared_norm == pytest.approx(0.25)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 7),
    st.integers(2, 7),
    st.integers(1, 4),
    st.floats(-3, 3),
    st.floats(-3, 3),
    st.floats(0, 2),
    st.sampled_from(SHRINKINGS),
)
def test_the_adjoint_is_adjoint(
    high: int, wide: int, scale: int, down: float, across: float, blur_px: float, shrinking: str
) -> None:
    way = capture(
        Size(wide, high),
        scale,
        shift_px=(down, across),
        blur_px=blur_px,
        shrinking=shrinking,  # type: ignore[arg-type]
        dtype=torch.float64,
    )
    x, y = noise(2, high * scale, wide * scale), noise(2, high, wide, seed=1)
    one, other = (way.forward(x) * y).sum(), (x * way.adjoint(y)).sum()
    assert float(one) == pytest.approx(float(other), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shrinking_is_that_of_the_protocol_and_of_recipes(scale: int) -> None:
    picture, small = noise(3, 8 * scale, 11 * scale), Size(11, 8)
    cubic = capture(small, scale, dtype=torch.float64).forward(picture)
    torch.testing.assert_close(cubic, shrink(picture, scale), rtol=0, atol=1e-9)
    torch.testing.assert_close(cubic, resize(picture[None], small)[0], rtol=0, atol=1e-9)
    area = capture(small, scale, shrinking="area", dtype=torch.float64).forward(picture)
    torch.testing.assert_close(area, resize(picture[None], small, "area")[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("sigma_px", [0.4, 0.8, 1.7])
def test_the_blur_is_that_of_recipes(sigma_px: float) -> None:
    picture = noise(1, 24, 32)
    ours = capture(Size(32, 24), 1, blur_px=sigma_px, dtype=torch.float64).forward(picture)
    theirs = blur(picture[None], gaussian_kernel(sigma_px))[0]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_a_shift_of_whole_pixels_moves_the_picture_right_and_down() -> None:
    picture = noise(1, 8, 8)
    moved = capture(Size(8, 8), 1, shift_px=(2, 1), dtype=torch.float64).forward(picture)
    torch.testing.assert_close(moved[:, 2:, 1:], picture[:, :-2, :-1], rtol=0, atol=1e-6)


def test_a_shift_of_half_a_pixel_of_a_ramp() -> None:
    ramp = torch.arange(8, dtype=torch.float64).expand(1, 8, 8)
    moved = capture(Size(8, 8), 1, shift_px=(0, 0.5), dtype=torch.float64).forward(ramp)
    torch.testing.assert_close(moved[..., 2:-2], ramp[..., 2:-2] - 0.5, rtol=0, atol=1e-6)


def test_rows_sum_to_one() -> None:
    way = capture(Size(5, 7), 3, shift_px=(0.3, -1.2), blur_px=1.0)
    for matrix in (way.down, way.across):
        torch.testing.assert_close(matrix.sum(1), torch.ones(len(matrix)))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scale": 0}, "scale = 0"),
        ({"blur_px": -1.0}, "blur_px = -1.0"),
        ({"shrinking": "nearest"}, "expected one of bicubic, area"),
    ],
)
def test_what_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        capture(Size(4, 4), **({"scale": 2} | more))  # type: ignore[arg-type]


def test_a_capture_keeps_the_dtype_of_pictures() -> None:
    assert isinstance(capture(Size(2, 2), 2), Capture)
    assert capture(Size(2, 2), 2).forward(torch.zeros(1, 4, 4)).dtype == torch.float32
