"""Phases to YUV planes: the kernel against torch.pixel_shuffle and kernels/conversion.py."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton")

from vidsr.errors import InputError, OptionError
from vidsr.kernels.triton_kernels.shuffle_to_yuv import shuffle_to_yuv
from vidsr.picture import conversion
from vidsr.picture.color import ColorSpec, Siting
from vidsr.picture.frame import PixelFormat, VideoFormat

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CHANNELS_LAST, PLANAR = torch.channels_last, torch.contiguous_format
YUV420, YUV422, YUV444 = (PixelFormat("yuv", 16, s) for s in ((2, 2), (2, 1), (1, 1)))
SITINGS: tuple[Siting, ...] = ("left", "center", "topleft")


def _format(
    size: tuple[int, int],
    pixel: PixelFormat,
    siting: Siting = "left",
    range: int = 2,
    matrix: int = 1,
) -> VideoFormat:
    """``size`` is (height, width)."""
    return VideoFormat(
        size[1], size[0], pixel, ColorSpec(matrix=matrix, range=range, siting=siting)
    )


def _phases(
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    layout: torch.memory_format = CHANNELS_LAST,
) -> Tensor:
    """Counted from mid-grey; a quarter of the picture is outside [0, 1]."""
    generator = torch.Generator().manual_seed(sum(shape))
    values = (torch.rand(shape, generator=generator) - 0.5) * 1.3
    return values.to(DEVICE, dtype).contiguous(memory_format=layout)


def _expected(phases: Tensor, target: VideoFormat, r: int) -> list[Tensor]:
    pictures = torch.pixel_shuffle(phases.float().cpu() + 0.5, r)
    planes = [conversion.rgb_to_yuv(picture, target) for picture in pictures]
    return [torch.stack(batch) for batch in zip(*planes, strict=True)]


def _assert_close(planes: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Equal, but for roundings of processors (and interpreters) without fused multiply-add.

    Those move a value by 1e-7: by at most one code, and few of the 16-bit ones.
    """
    assert len(planes) == len(expected)
    for plane, wanted in zip(planes, expected, strict=True):
        assert plane.shape == wanted.shape
        assert plane.dtype == wanted.dtype
        change = (plane.cpu().int() - wanted.int()).abs()
        assert change.max() <= 1
        assert (change > 0).sum() <= max(1, 0.005 * change.numel())


def _check(phases: Tensor, target: VideoFormat, r: int) -> None:
    planes = shuffle_to_yuv(phases, target, shuffle=r, offset=0.5)
    _assert_close(planes, _expected(phases, target, r))


# Triton's interpreter rounds a fused multiply-add twice before 3.9.
FUSED = DEVICE == "cuda" or tuple(map(int, version("triton").split(".")[:2])) >= (3, 9)


@pytest.mark.skipif(not FUSED, reason="no fused multiply-add in this interpreter")
@pytest.mark.parametrize("siting", SITINGS)
def test_equal_to_the_last_bit(siting: Siting) -> None:
    phases, target = _phases((2, 48, 4, 66)), _format((16, 264), YUV420, siting, matrix=9)
    planes = shuffle_to_yuv(phases, target, shuffle=4, offset=0.5)
    for plane, wanted in zip(planes, _expected(phases, target, 4), strict=True):
        assert torch.equal(plane.cpu(), wanted)


# Wider than a program's tile (64 pixels for r = 4, 256 for r = 2, 512 for r = 1), and not.
@pytest.mark.parametrize(
    ("r", "h", "w", "layout"),
    [(4, 3, 66, CHANNELS_LAST), (2, 3, 258, PLANAR), (1, 17, 31, PLANAR), (1, 3, 515, PLANAR)],
)
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("pixel", [YUV420, YUV422])
def test_chroma_where_it_is_sited(
    pixel: PixelFormat, siting: Siting, r: int, h: int, w: int, layout: torch.memory_format
) -> None:
    phases = _phases((1, 3 * r * r, h, w), layout=layout)
    _check(phases, _format((h * r, w * r), pixel, siting), r)


@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 7), (7, 1), (2, 3)])
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("layout", [CHANNELS_LAST, PLANAR])
def test_tiny_and_odd(h: int, w: int, siting: Siting, layout: torch.memory_format) -> None:
    _check(_phases((1, 3, h, w), layout=layout), _format((h, w), YUV420, siting), 1)


@pytest.mark.parametrize("layout", [CHANNELS_LAST, PLANAR])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("r", [1, 2, 4])
def test_layouts_and_dtypes_in_a_batch(
    r: int, dtype: torch.dtype, layout: torch.memory_format
) -> None:
    phases = _phases((3, 3 * r * r, 5, 7), dtype, layout)
    _check(phases, _format((5 * r, 7 * r), YUV420), r)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("range", [1, 2])
@pytest.mark.parametrize("family", ["yuv", "gray", "rgb"])
def test_depths_and_ranges(family: Any, depth: int, range: int) -> None:
    pixel = PixelFormat(family, depth)
    _check(_phases((1, 48, 3, 9)), _format((12, 36), pixel, range=range), 4)


@pytest.mark.parametrize("matrix", [1, 4, 5, 7, 9])
def test_matrices(matrix: int) -> None:
    _check(_phases((1, 12, 4, 6)), _format((8, 12), YUV420, matrix=matrix), 2)


@pytest.mark.parametrize("r", [1, 2, 4])
def test_rgb_from_either_layout(r: int) -> None:
    for layout in (CHANNELS_LAST, PLANAR):
        phases = _phases((2, 3 * r * r, 3, 5), layout=layout)
        _check(phases, _format((3 * r, 5 * r), PixelFormat("rgb", 10), matrix=0), r)


@pytest.mark.parametrize(
    ("pixel", "high_bits", "step"),
    [
        (PixelFormat("yuv", 8, (2, 2)), False, 1),  # nv12
        (PixelFormat("yuv", 8, (1, 1)), False, 1),  # nv24
        (PixelFormat("yuv", 10, (2, 2)), True, 64),  # p010
        (PixelFormat("yuv", 12, (2, 1)), True, 16),  # p212
    ],
)
def test_semi_planar(pixel: PixelFormat, high_bits: bool, step: int) -> None:
    phases, target = _phases((2, 48, 3, 5)), _format((12, 20), pixel, range=1)
    planes = shuffle_to_yuv(
        phases, target, shuffle=4, offset=0.5, semi_planar=True, high_bits=high_bits
    )
    luma, cb, cr = _expected(phases, target, 4)
    expected = [luma, torch.stack([cb, cr], dim=-1)]
    codes = [plane.cpu().int() for plane in planes]
    assert all((plane % step == 0).all() for plane in codes)
    _assert_close([(p // step).to(pixel.dtype) for p in codes], expected)


def test_odd_semi_planar() -> None:
    phases, target = _phases((1, 3, 5, 7)), _format((5, 7), YUV420)
    planes = shuffle_to_yuv(phases, target, shuffle=1, offset=0.5, semi_planar=True)
    luma, cb, cr = _expected(phases, target, 1)
    _assert_close(planes, [luma, torch.stack([cb, cr], dim=-1)])


def test_high_bits_of_planes() -> None:
    phases, target = _phases((1, 12, 3, 5)), _format((6, 10), PixelFormat("yuv", 10, (2, 2)))
    low = shuffle_to_yuv(phases, target, shuffle=2, offset=0.5)
    high = shuffle_to_yuv(phases, target, shuffle=2, offset=0.5, high_bits=True)
    for a, b in zip(low, high, strict=True):
        assert torch.equal(a.int() * 64, b.int())


@pytest.mark.parametrize(("r", "h", "w"), [(4, 3, 66), (2, 3, 7), (1, 5, 7)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("depth", [8, 10])
def test_luma_of_luma_networks(r: int, h: int, w: int, dtype: torch.dtype, depth: int) -> None:
    phases = _phases((2, r * r, h, w), dtype)
    target = _format((h * r, w * r), PixelFormat("yuv", depth, (2, 2)), range=1, matrix=2)
    planes = shuffle_to_yuv(phases, target, shuffle=r, offset=0.5)
    picture = torch.pixel_shuffle(phases.float().cpu() + 0.5, r)[:, 0]
    quant = conversion.quantization(target)
    expected = conversion.quantize_luma(picture, quant, target.pixel.dtype)
    _assert_close(planes, [expected])
    assert expected.int().min() < quant.luma_offset  # footroom is kept


@pytest.mark.parametrize("pixel", [PixelFormat("yuv", 8), PixelFormat("yuv", 10, (2, 2))])
def test_at_rounding_borders(pixel: PixelFormat) -> None:
    # Greys half way between codes, and the float32 numbers next to them.
    target = _format((16, 16), pixel)
    middle = (torch.arange(64) + 0.5) / (2**pixel.depth - 1)
    ends = torch.tensor([0.0, 1.0, -0.0, -1e30, 1e30, 1e-30, 0.5, 1 - 2**-24])
    below, above = (torch.nextafter(middle, torch.tensor(to)) for to in (0.0, 1.0))
    values = torch.cat([middle, below, above, ends.repeat(8)]).reshape(1, 1, 16, 16)
    phases = values.expand(1, 3, 16, 16).contiguous().to(DEVICE)
    planes = shuffle_to_yuv(phases, target, shuffle=1)
    wanted = conversion.rgb_to_yuv(phases[0].cpu(), target)
    for plane, expected in zip(planes, wanted, strict=True):
        assert (plane[0].cpu().int() - expected.int()).abs().max() <= 1
    assert (planes[1].int() == 2 ** (pixel.depth - 1)).all()  # grey has no colour


def test_into_planes_of_another_pitch() -> None:
    phases, target = _phases((2, 12, 5, 9)), _format((10, 18), YUV420)
    wholes = [torch.full((3, h + 1, w + 13), 7, dtype=torch.int32) for h, w in target.plane_sizes]
    wholes = [whole.to(torch.uint16).to(DEVICE) for whole in wholes]
    out = [
        whole[1:, :h, 5 : 5 + w] for whole, (h, w) in zip(wholes, target.plane_sizes, strict=True)
    ]
    planes = shuffle_to_yuv(phases, target, shuffle=2, offset=0.5, out=out)
    assert all(a is b for a, b in zip(planes, out, strict=True))
    _assert_close(planes, _expected(phases, target, 2))
    for whole, (h, w) in zip(wholes, target.plane_sizes, strict=True):
        around = whole.cpu().int()
        around[1:, :h, 5 : 5 + w] = 7
        assert (around == 7).all()


def test_reads_a_crop_in_place() -> None:
    target = _format((8, 12), YUV420, "topleft")
    for layout in (CHANNELS_LAST, PLANAR):
        crop = _phases((2, 12, 9, 11), layout=layout)[:, :, 2:6, 3:9]
        _check(crop, target, 2)


def test_reads_some_of_more_channels() -> None:
    for layout in (CHANNELS_LAST, PLANAR):
        part = _phases((2, 20, 4, 6), layout=layout)[:, 4:16]
        _check(part, _format((8, 12), YUV420, "topleft"), 2)


def _refused(message: str, phases: Tensor, target: VideoFormat, **options: Any) -> None:
    with pytest.raises(OptionError, match=message):
        shuffle_to_yuv(phases, target, **({"shuffle": 2} | options))


def test_refuses() -> None:
    phases, target = _phases((1, 12, 2, 3)), _format((4, 6), YUV420)
    gray, eight = PixelFormat("gray", 8), PixelFormat("yuv", 8)
    _refused("makes 6x4", phases, _format((4, 7), YUV420))
    _refused("pixel shuffle by 3", phases, target, shuffle=3)
    _refused("need", phases[:, :11], target)
    _refused("expected 1 or 3", phases[:, :8], target)
    _refused("float64", phases.double(), target)
    _refused("semi_planar", phases, _format((4, 6), gray), semi_planar=True)
    _refused("high_bits", phases, _format((4, 6), eight), high_bits=True)
    with pytest.raises(InputError, match="matrix"):
        shuffle_to_yuv(phases, _format((4, 6), YUV420, matrix=2), shuffle=2)


def test_refuses_targets() -> None:
    phases, target = _phases((1, 12, 2, 3)), _format((4, 6), YUV420)
    planes = [torch.zeros(1, *s, dtype=torch.uint16, device=DEVICE) for s in target.plane_sizes]
    _refused("2 planes", phases, target, out=planes[:2])
    _refused("need", phases, target, out=[planes[0], planes[0], planes[2]])
    _refused("need", phases, target, out=[p.to(torch.uint8) for p in planes])
    wide = torch.zeros(1, 4, 12, dtype=torch.uint16, device=DEVICE)
    _refused("side by side", phases, target, out=[wide[..., ::2], *planes[1:]])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "height"), [(65536, 1), (1, 131071)])
def test_more_rows_or_pictures_than_cuda_launches(channels: int, n: int, height: int) -> None:
    phases = torch.zeros(n, channels, height, 1, device=DEVICE)
    _refused(r"65536.* programs", phases, _format((height, 1), YUV444), shuffle=1)


def test_tensors_of_two_devices_raise_before_any_launch() -> None:
    phases, target = _phases((1, 12, 4, 6)), _format((8, 12), YUV420)
    out = [torch.empty(1, *size, dtype=torch.uint16, device="meta") for size in target.plane_sizes]
    with pytest.raises(OptionError, match=r"tensors on .*meta.*: expected one CUDA device"):
        shuffle_to_yuv(phases, target, shuffle=2, out=out)
