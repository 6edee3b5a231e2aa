"""Resampling against hand-made numbers, torch's own filter, and the second path."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.picture.color import chroma_position
from vidsr.picture.resample import Kernel, _Axis, _by_strips, _by_taps, chroma_grid, resample
from vidsr.picture.size import Size

KERNELS: tuple[Kernel, ...] = ("bilinear", "cubic", "lanczos")
ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)


def centred(old: int, new: int) -> tuple[Fraction, Fraction]:
    """(step, origin) that maps the whole of one axis onto the whole of another."""
    step = Fraction(old, new)
    return step, (step - 1) / 2


def resized(x: Tensor, size: Size, kernel: Kernel) -> Tensor:
    (sy, by), (sx, bx) = centred(x.shape[2], size.height), centred(x.shape[3], size.width)
    return resample(x, size, step=(sy, sx), origin=(by, bx), kernel=kernel)


@pytest.mark.parametrize("kernel", KERNELS)
def test_identity(kernel: Kernel) -> None:
    x = torch.randn(2, 3, 5, 7)
    y = resample(x, Size(7, 5), step=(1, 1), origin=(0, 0), kernel=kernel)
    assert torch.equal(x, y)
    assert x.data_ptr() != y.data_ptr()


@pytest.mark.parametrize("kernel", KERNELS)
def test_whole_shifts_move_samples_and_replicate_edges(kernel: Kernel) -> None:
    x = torch.randn(1, 1, 4, 6)
    y = resample(x, Size(6, 4), step=(1, 1), origin=(1, -2), kernel=kernel)
    want = x[:, :, [1, 2, 3, 3]][..., [0, 0, 0, 1, 2, 3]]
    assert torch.allclose(y, want, rtol=0, atol=1e-6)


def test_doubling_by_hand() -> None:
    """A quarter sample aside: triangle (1 3)/4, Catmull-Rom (-9 111 29 -3)/128."""
    x = torch.tensor([0.0, 0, 0, 128, 0, 0, 0]).view(1, 1, 1, 7)
    linear, cubic = (
        resample(x, Size(14, 1), step=(1, HALF), origin=(0, Fraction(-1, 4)), kernel=k).flatten()
        for k in ("bilinear", "cubic")
    )
    assert linear.tolist() == [0, 0, 0, 0, 0, 32, 96, 96, 32, 0, 0, 0, 0, 0]
    assert cubic.tolist() == [0, 0, 0, -3, -9, 29, 111, 111, 29, -9, -3, 0, 0, 0]


def test_halving_by_hand() -> None:
    """The triangle widened by two: [1 2 1]/4 on a sample, [1 3 3 1]/8 between two."""
    x = torch.tensor([0.0, 0, 0, 0, 8, 0, 0, 0]).view(1, 1, 1, 8)
    on = resample(x, Size(4, 1), step=(1, 2), origin=(0, 0), kernel="bilinear")
    between = resample(x, Size(4, 1), step=(1, 2), origin=(0, HALF), kernel="bilinear")
    assert on.flatten().tolist() == [0, 0, 4, 0]
    assert between.flatten().tolist() == [0, 1, 3, 0]


@given(
    kernel=st.sampled_from(KERNELS),
    sizes=st.tuples(*[st.integers(1, 40)] * 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_any_size_keeps_constants_and_both_paths_agree(
    kernel: Kernel, sizes: tuple[int, int, int, int], seed: int
) -> None:
    h, w, new_h, new_w = sizes
    x = torch.randn(1, 2, h, w, generator=torch.Generator().manual_seed(seed))
    assert torch.isfinite(resized(x, Size(new_w, new_h), kernel)).all()
    ones = resized(torch.ones(1, 1, h, w), Size(new_w, new_h), kernel)
    assert torch.allclose(ones, torch.ones(1, 1, new_h, new_w), rtol=0, atol=1e-6)
    for old, new, dim in ((h, new_h, 2), (w, new_w, 3)):
        axis = _Axis(old, new, *centred(old, new), kernel)
        strips, taps = _by_strips(x, axis, dim), _by_taps(x, axis, dim)  # type: ignore[arg-type]
        assert torch.allclose(strips, taps, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_both_paths_agree_on_whole_enlargements(kernel: Kernel, factor: int) -> None:
    x = torch.rand(2, 2, 90, 70)
    step = Fraction(1, factor)
    for dim, size in ((2, 90), (3, 70)):
        axis = _Axis(size, size * factor - 1, step, Fraction(-3, 16), kernel)
        strips, taps = _by_strips(x, axis, dim), _by_taps(x, axis, dim)  # type: ignore[arg-type]
        assert torch.allclose(strips, taps, rtol=0, atol=1e-5)


@pytest.mark.parametrize("text", ["80x45", "64x30", "100x61", "320x180", "240x135"])
def test_cubic_equals_the_antialiased_bicubic_of_torch(text: str) -> None:
    size = Size.parse(text)
    x = torch.rand(1, 3, 90, 160, generator=torch.Generator().manual_seed(1))
    want = F.interpolate(x, size.rows_columns, mode="bicubic", antialias=True)
    got = resized(x, size, "cubic")
    # At the edges torch drops the taps outside instead of replicating.
    margin = max(2, 2 * size.height // 90)
    inside = (..., slice(margin * 2, -margin * 2), slice(margin * 2, -margin * 2))
    assert torch.allclose(got[inside], want[inside], rtol=0, atol=1e-5)


def test_reducing_does_not_alias() -> None:
    stripes = (torch.arange(64) % 2).float().view(1, 1, 1, 64)
    for kernel in KERNELS:
        y = resample(stripes, Size(16, 1), step=(1, 4), origin=(0, Fraction(3, 2)), kernel=kernel)
        assert torch.allclose(y[..., 3:-3], torch.tensor(0.5), rtol=0, atol=0.02)


def test_floats_are_taken_exactly() -> None:
    x = torch.randn(1, 1, 9, 9)
    by_float = resample(x, Size(18, 18), step=(0.5, 0.5), origin=(-0.25, -0.25))
    by_fraction = resample(x, Size(18, 18), step=(HALF, HALF), origin=(Fraction(-1, 4),) * 2)
    assert torch.equal(by_float, by_fraction)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [  # scale, in subsampling and position, out subsampling and position -> step, origin
        ((4, 1, ZERO, 1, ZERO), (Fraction(1, 4), Fraction(-3, 8))),
        ((4, 2, ZERO, 2, ZERO), (Fraction(1, 4), Fraction(-3, 16))),
        ((4, 2, HALF, 2, HALF), (Fraction(1, 4), Fraction(-3, 8))),
        ((2, 2, ZERO, 2, ZERO), (Fraction(1, 2), Fraction(-1, 8))),
        ((2, 2, ZERO, 1, ZERO), (Fraction(1, 4), Fraction(-1, 8))),
        ((1, 2, HALF, 1, ZERO), (Fraction(1, 2), Fraction(-1, 4))),
        ((1, 2, ZERO, 2, HALF), (ONE, Fraction(1, 4))),
        ((Fraction(3, 2), 1, ZERO, 1, ZERO), (Fraction(2, 3), Fraction(-1, 6))),
    ],
)
def test_chroma_grid(
    arguments: tuple[Fraction, int, Fraction, int, Fraction], want: tuple[Fraction, Fraction]
) -> None:
    assert chroma_grid(Fraction(arguments[0]), *arguments[1:]) == want


@pytest.mark.parametrize("kernel", ["bilinear", "cubic"])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_ramp_stays_the_same_ramp(kernel: Kernel, scale: int, siting: str, axis: str) -> None:
    """Chroma that equals its own luma coordinate still does in the large picture."""
    position = chroma_position(2, axis, siting)  # type: ignore[arg-type]
    step, origin = chroma_grid(Fraction(scale), 2, position, 2, position)
    x = (2 * torch.arange(20.0) + float(position)).view(1, 1, 1, 20)
    y = resample(
        x, Size(20 * scale, 1), step=(1, step), origin=(0, origin), kernel=kernel
    ).flatten()
    large = 2 * torch.arange(20.0 * scale) + float(position)
    want = (large + 0.5) / scale - 0.5
    inside = slice(2 * scale, -2 * scale)
    assert torch.allclose(y[inside], want[inside], rtol=0, atol=2e-5)


def test_weights_serve_callers_in_and_out_of_inference_mode() -> None:
    x = torch.rand(1, 1, 6, 6)
    with torch.inference_mode():
        inside = resized(x, Size(13, 13), "cubic")
    assert torch.equal(inside, resized(x, Size(13, 13), "cubic"))


def test_planes_need_not_be_contiguous() -> None:
    x = torch.rand(2, 3, 11, 8)
    turned = x.transpose(2, 3)
    assert torch.equal(
        resized(turned, Size(5, 16), "cubic"), resized(turned.clone(), Size(5, 16), "cubic")
    )


def test_what_is_not_allowed_says_so() -> None:
    x = torch.rand(1, 1, 4, 4)
    with pytest.raises(OptionError, match="float32"):
        resized(x.double(), Size(8, 8), "cubic")
    with pytest.raises(OptionError, match="expected 1 or more"):
        resample(x, Size(8, 0), step=(1, 1), origin=(0, 0))
    with pytest.raises(OptionError, match="expected more than 0"):
        resample(x, Size(8, 8), step=(0, 1), origin=(0, 0))
