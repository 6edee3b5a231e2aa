"""The reference conversion on known colours, at its edges, and there and back."""

from __future__ import annotations

import pytest
import torch

from vidsr.errors import InputError, OptionError
from vidsr.picture.color import ColorSpec, Quantization, Siting
from vidsr.picture.conversion import (
    dequantize_chroma,
    dequantize_luma,
    quantize_chroma,
    quantize_luma,
    rgb_to_yuv,
    upsample_chroma,
    yuv_to_rgb,
)
from vidsr.picture.frame import PixelFormat, VideoFormat

SUBSAMPLINGS = ((2, 2), (2, 1), (1, 1))


def layout(
    width: int,
    height: int,
    *,
    matrix: int = 1,
    full: bool = False,
    depth: int = 8,
    subsampling: tuple[int, int] = (1, 1),
    siting: Siting = "left",
) -> VideoFormat:
    color = ColorSpec(matrix=matrix, range=2 if full else 1, siting=siting)
    return VideoFormat(width, height, PixelFormat("yuv", depth, subsampling), color)


# Code values of colour bars as the standards' tables print them (8 bits; 10 for BT.2020), limited.
BARS: list[tuple[int, int, float, str, tuple[int, int, int]]] = [
    *((6, 8, 1.0, c, v) for c, v in {
        "111": (235, 128, 128), "110": (210, 16, 146), "011": (170, 166, 16), "010": (145, 54, 34),
        "101": (106, 202, 222), "100": (81, 90, 240), "001": (41, 240, 110), "000": (16, 128, 128),
    }.items()),
    *((6, 8, 0.75, c, v) for c, v in {
        "111": (180, 128, 128), "110": (162, 44, 142), "011": (131, 156, 44), "010": (112, 72, 58),
        "101": (84, 184, 198), "100": (65, 100, 212), "001": (35, 212, 114),
    }.items()),
    *((1, 8, 1.0, c, v) for c, v in {
        "111": (235, 128, 128), "110": (219, 16, 138), "011": (188, 154, 16), "010": (173, 42, 26),
        "101": (78, 214, 230), "100": (63, 102, 240), "001": (32, 240, 118), "000": (16, 128, 128),
    }.items()),
    *((1, 8, 0.75, c, v) for c, v in {
        "111": (180, 128, 128), "110": (168, 44, 136), "011": (145, 147, 44), "010": (133, 63, 52),
        "101": (63, 193, 204), "100": (51, 109, 212), "001": (28, 212, 120),
    }.items()),
    *((9, 10, 1.0, c, v) for c, v in {
        "111": (940, 512, 512), "010": (658, 189, 100), "100": (294, 387, 960),
        "001": (116, 960, 476), "000": (64, 512, 512),
    }.items()),
]  # fmt: skip


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize(("matrix", "depth", "level", "colour", "codes"), BARS)
def test_colour_bars(
    matrix: int,
    depth: int,
    level: float,
    colour: str,
    codes: tuple[int, int, int],
    subsampling: tuple[int, int],
) -> None:
    form = layout(3, 3, matrix=matrix, depth=depth, subsampling=subsampling)
    rgb = torch.tensor([level * int(c) for c in colour]).view(3, 1, 1).expand(3, 3, 3)
    planes = rgb_to_yuv(rgb, form)
    assert [sorted(set(plane.flatten().tolist())) for plane in planes] == [[c] for c in codes]
    back = yuv_to_rgb(planes, form)
    assert torch.allclose(back, rgb, rtol=0, atol=1.4 / 2 ** (depth - 8) / 219)
    # Bars lie on the surface of the cube: rounding put some outside, and clamping moves those back.
    for one, two in zip(planes, rgb_to_yuv(back, form), strict=True):
        assert int((one.int() - two.int()).abs().max()) <= 1


@pytest.mark.parametrize("family", ["yuv", "gray", "rgb"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_grey_ramps_round_trip_exactly(depth: int, full: bool, family: str) -> None:
    quant = Quantization.of(depth, full_range=full)
    ramp = torch.arange(int(quant.luma_span) + 1) + int(quant.luma_offset)
    ramp = torch.cat((ramp, ramp[-1:].expand(-len(ramp) % 64))).view(-1, 64)
    pixel = PixelFormat(family, depth, (2, 2) if family == "yuv" else (1, 1))  # type: ignore[arg-type]
    color = ColorSpec(matrix=1, range=2 if full else 1)
    form = VideoFormat(64, len(ramp), pixel, color)
    planes = [ramp.to(pixel.dtype)]
    for height, width in form.plane_sizes[1:]:
        chroma = torch.full((height, width), int(quant.chroma_offset)).to(pixel.dtype)
        planes.append(planes[0] if family == "rgb" else chroma)
    rgb = yuv_to_rgb(planes, form)
    assert torch.equal(rgb[0], rgb[1])
    assert torch.equal(rgb[0], rgb[2])
    assert rgb[0].flatten()[[0, -1]].tolist() == [0, 1]
    for before, after in zip(planes, rgb_to_yuv(rgb, form), strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [6, 1, 9])
def test_444_round_trip_of_real_colours(matrix: int, full: bool) -> None:
    """Exact inside the RGB cube; codes that rounding put outside it move by one at most."""
    form = layout(400, 400, matrix=matrix, full=full)
    generator = torch.Generator().manual_seed(0)
    planes = rgb_to_yuv(torch.rand(3, 400, 400, generator=generator), form)
    again = rgb_to_yuv(yuv_to_rgb(planes, form), form)
    for one, two in zip(planes, again, strict=True):
        difference = (one.int() - two.int()).abs()
        assert int(difference.max()) <= 1
        assert float((difference > 0).float().mean()) < 5e-4  # measured: 6e-5
    unclamped = yuv_to_rgb(planes, form, clamp=False)
    inside = ((unclamped >= 0) & (unclamped <= 1)).all(0)
    for one, two in zip(planes, again, strict=True):
        assert torch.equal(one[inside], two[inside])


# ---- siting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("siting", "across", "down"),
    [
        ("left", [0, 0, 0, 4, 8, 4, 0, 0, 0, 0], [0, 0, 0, 2, 6, 6, 2, 0, 0, 0]),
        ("center", [0, 0, 0, 2, 6, 6, 2, 0, 0, 0], [0, 0, 0, 2, 6, 6, 2, 0, 0, 0]),
        ("topleft", [0, 0, 0, 4, 8, 4, 0, 0, 0, 0], [0, 0, 0, 4, 8, 4, 0, 0, 0, 0]),
    ],
)
def test_one_chroma_sample_spreads_from_where_it_sits(
    siting: Siting, across: list[float], down: list[float]
) -> None:
    form = layout(10, 10, subsampling=(2, 2), siting=siting)
    chroma = torch.zeros(2, 5, 5)
    chroma[0, :, 2] = 8
    chroma[1, 2, :] = 8
    wide, tall = upsample_chroma(chroma, form)
    assert wide[4].tolist() == across
    assert tall[:, 4].tolist() == down


# ---- the rest -----------------------------------------------------------------------------------


def test_grey_is_three_equal_channels_and_needs_no_matrix() -> None:
    form = VideoFormat(2, 1, PixelFormat("gray", 8), ColorSpec(range=1))
    rgb = yuv_to_rgb([torch.tensor([[16, 235]], dtype=torch.uint8)], form)
    assert rgb.tolist() == [[[0, 1]]] * 3


def test_grey_output_is_the_luma() -> None:
    form = VideoFormat(1, 1, PixelFormat("gray", 8), ColorSpec(matrix=1, range=1))
    assert rgb_to_yuv(torch.tensor([1.0, 0, 0]).view(3, 1, 1), form)[0].item() == 63


@pytest.mark.parametrize(("range_", "white", "black"), [(0, 255, 0), (2, 255, 0), (1, 235, 16)])
def test_rgb_planes_are_stored_green_blue_red(range_: int, white: int, black: int) -> None:
    form = VideoFormat(1, 1, PixelFormat("rgb", 8), ColorSpec(matrix=0, range=range_))
    red = torch.tensor([1.2, -0.2, 0]).view(3, 1, 1)
    planes = rgb_to_yuv(red, form)
    assert [p.item() for p in planes] == [black, black, white]
    assert yuv_to_rgb(planes, form).flatten().tolist() == [1, 0, 0]


def test_clamp_is_optional_and_the_dtype_is_asked_for() -> None:
    form = layout(1, 1)
    planes = [torch.tensor([[v]], dtype=torch.uint8) for v in (255, 128, 128)]
    assert yuv_to_rgb(planes, form).max() == 1
    raw = yuv_to_rgb(planes, form, clamp=False, dtype=torch.float64)
    assert raw.dtype == torch.float64
    assert raw.flatten().tolist() == pytest.approx([239 / 219] * 3)


@pytest.mark.parametrize("depth", [8, 16])
def test_halves_round_up_and_extremes_stay_inside(depth: int) -> None:
    quant = Quantization.of(depth, full_range=True)
    dtype = PixelFormat("gray", depth).dtype
    codes = torch.tensor([0.5, 1.5, 2.5, 3.49, -9.0, 2.0**depth, torch.inf])
    luma = quantize_luma(codes / quant.peak, quant, dtype)
    assert luma.tolist() == [1, 2, 3, 3, 0, quant.peak, quant.peak]
    chroma = quantize_chroma(torch.tensor([-0.5, 0.0, 0.5]), quant, dtype)
    middle = 2 ** (depth - 1)
    assert chroma.tolist() == [1, middle, quant.peak]
    assert dequantize_chroma(chroma, quant)[1] == 0
    assert dequantize_luma(luma, quant)[5] == 1


@pytest.mark.parametrize(("matrix", "name"), [(2, "unspecified"), (8, "YCgCo"), (14, "ICtCp")])
def test_a_matrix_without_weights_is_refused_by_name(matrix: int, name: str) -> None:
    form = layout(2, 2, matrix=matrix)
    planes = [torch.zeros(2, 2, dtype=torch.uint8)] * 3
    for call in (lambda: yuv_to_rgb(planes, form), lambda: rgb_to_yuv(torch.zeros(3, 2, 2), form)):
        with pytest.raises(InputError, match=rf"{matrix} \({name}\).* Hint: .*lite-x4"):
            call()


def test_wrong_shapes_are_refused() -> None:
    form = layout(4, 4, subsampling=(2, 2))
    with pytest.raises(OptionError, match="expected"):
        yuv_to_rgb([torch.zeros(4, 4, dtype=torch.uint8)] * 3, form)
    with pytest.raises(OptionError, match="expected"):
        rgb_to_yuv(torch.zeros(3, 4, 5), form)
