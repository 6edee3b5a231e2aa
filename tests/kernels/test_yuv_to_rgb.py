"""The Triton conversion to RGB against the reference, in every format it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from vidsr.errors import InputError, OptionError
from vidsr.picture import conversion
from vidsr.picture.color import ColorSpec, Siting
from vidsr.picture.frame import Family, PixelFormat, VideoFormat

pytest.importorskip("triton")

from vidsr.kernels.triton_kernels.yuv_to_rgb import yuv_to_rgb

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SUBSAMPLINGS = ((2, 2), (2, 1), (1, 1))
SITINGS: tuple[Siting, ...] = ("left", "center", "topleft")
# float32: the kernel interpolates codes and scales once, the reference scales first. Each rounds
# some six times at magnitudes up to 2, by 1.2e-7 at most.
# float16: the same, and then half an ulp, which is 2**-12 just below 1.
TOLERANCE = {torch.float32: 1e-6, torch.float16: 2**-12 + 1e-6}


def layout(
    width: int,
    height: int,
    family: Family = "yuv",
    *,
    depth: int = 8,
    subsampling: tuple[int, int] = (1, 1),
    matrix: int = 1,
    range: int = 1,
    siting: Siting = "left",
) -> VideoFormat:
    color = ColorSpec(matrix=matrix, range=range, siting=siting)
    return VideoFormat(width, height, PixelFormat(family, depth, subsampling), color)


def random_planes(form: VideoFormat, batch: int, seed: int = 0) -> list[Tensor]:
    """Every code of the depth, the forbidden ones too: ``[N, h, w]`` on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    top = 2**form.pixel.depth
    return [
        torch.randint(top, (batch, *size), generator=generator).to(form.pixel.dtype)
        for size in form.plane_sizes
    ]


def expected(planes: Sequence[Tensor], form: VideoFormat) -> Tensor:
    pictures = zip(*planes, strict=True)
    return torch.stack([conversion.yuv_to_rgb(picture, form) for picture in pictures])


def check(planes: Sequence[Tensor], form: VideoFormat, source: Any = None, **options: Any) -> None:
    """The kernel on ``source`` (``planes`` unless given) equals the reference on ``planes``."""
    source = [plane.to(DEVICE) for plane in planes] if source is None else source
    rgb = yuv_to_rgb(source, form, **options)
    dtype, nhwc = options.get("dtype", torch.float16), options.get("channels_last", True)
    assert rgb.dtype == dtype
    assert rgb.is_contiguous(memory_format=torch.channels_last if nhwc else torch.contiguous_format)
    want = expected(planes, form)
    assert rgb.shape == want.shape
    assert torch.allclose(rgb.cpu().float(), want, rtol=0, atol=TOLERANCE[dtype])


def interleaved(planes: Sequence[Tensor], shift: int = 0) -> list[Tensor]:
    """Planar samples as NV12 (or P010 with its shift) has them."""
    shifted = [(p.int() << shift).to(p.dtype).to(DEVICE) for p in planes]
    return [shifted[0], torch.stack(shifted[1:], -1)]


def padded(plane: Tensor, right: int, below: int) -> Tensor:
    """The same samples inside a wider and taller tensor full of ones."""
    n, h, w = plane.shape
    wide = torch.full((n, h + below, w + right), 255, dtype=plane.dtype, device=DEVICE)
    view = wide[:, :h, :w]
    view.copy_(plane)
    return view


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("range", [1, 2])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_depths_ranges_and_subsamplings(
    depth: int, range: int, subsampling: tuple[int, int]
) -> None:
    form = layout(13, 5, depth=depth, range=range, subsampling=subsampling)
    check(random_planes(form, 1), form, dtype=torch.float32)


@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("matrix", [6, 1, 9])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS[:2])
def test_sitings_and_matrices(siting: Siting, matrix: int, subsampling: tuple[int, int]) -> None:
    form = layout(9, 6, subsampling=subsampling, matrix=matrix, siting=siting)
    check(random_planes(form, 1), form, dtype=torch.float32)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 2), (3, 5), (17, 31), (64, 33), (129, 3)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_sizes_and_memory_orders(size: tuple[int, int], channels_last: bool) -> None:
    form = layout(*size, subsampling=(2, 2))
    check(random_planes(form, 1), form, channels_last=channels_last)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("subsampling", [(2, 2), (1, 1)])
def test_wide_pictures_take_several_programs(
    subsampling: tuple[int, int], channels_last: bool
) -> None:
    form = layout(1025, 2, subsampling=subsampling)
    check(random_planes(form, 1), form, channels_last=channels_last)


@pytest.mark.parametrize("family", ["gray", "rgb"])
@pytest.mark.parametrize(("depth", "range"), [(8, 0), (8, 1), (8, 2), (12, 1), (16, 2)])
def test_grey_and_rgb_need_no_matrix(family: Family, depth: int, range: int) -> None:
    form = layout(7, 5, family, depth=depth, range=range, matrix=2)
    check(random_planes(form, 2), form, dtype=torch.float32, channels_last=depth == 8)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize(("depth", "high_bits"), [(8, False), (10, True), (12, True), (16, True)])
def test_interleaved_chroma(
    depth: int, high_bits: bool, subsampling: tuple[int, int], dtype: torch.dtype
) -> None:
    form = layout(11, 4, depth=depth, subsampling=subsampling)
    planes = random_planes(form, 2)
    source = interleaved(planes, 16 - depth if high_bits else 0)
    check(planes, form, source, high_bits=high_bits, dtype=dtype)


@pytest.mark.parametrize("semi_planar", [False, True])
def test_padded_rows_and_batch_strides(semi_planar: bool) -> None:
    form = layout(10, 6, depth=10, subsampling=(2, 2))
    planes = random_planes(form, 3)
    views = [padded(p, right, 2) for p, right in zip(planes, (6, 3, 1), strict=True)]
    if semi_planar:
        chroma = torch.full((3, 5, 9, 2), 1023, dtype=torch.uint16, device=DEVICE)[:, :3, :5]
        chroma.copy_(torch.stack(planes[1:], -1))
        views[1:] = [chroma]
    check(planes, form, views)


def test_pictures_apart_in_a_ring_of_slots() -> None:
    form = layout(6, 4, subsampling=(2, 2))
    planes = random_planes(form, 4)
    check([p[::2] for p in planes], form, [p.to(DEVICE)[::2] for p in planes])


def test_planes_without_a_batch_are_a_batch_of_one() -> None:
    form = layout(6, 4, subsampling=(2, 2))
    planes = random_planes(form, 1)
    check(planes, form, [plane[0].to(DEVICE) for plane in planes])
    check(planes, form, [plane[0] for plane in interleaved(planes)])


@pytest.mark.parametrize("width", [5, 343])  # 3 * 343 values end just after the first 1024
@pytest.mark.parametrize("channels_last", [False, True])
def test_out_is_written_and_nothing_beside_it(channels_last: bool, width: int) -> None:
    form = layout(width, 3, subsampling=(2, 2))
    planes = random_planes(form, 1)
    store = torch.full((3, 3, 3, width), 7.0, dtype=torch.float16, device=DEVICE)
    if channels_last:
        store = store.contiguous(memory_format=torch.channels_last)
    out = store[1:2]
    source = [plane.to(DEVICE) for plane in planes]
    assert yuv_to_rgb(source, form, channels_last=channels_last, out=out) is out
    want = expected(planes, form)
    assert torch.allclose(out.cpu().float(), want, rtol=0, atol=TOLERANCE[torch.float16])
    assert (store[0] == 7).all()
    assert (store[2] == 7).all()


def test_neutral_samples_give_exact_black_and_grey() -> None:
    form = layout(4, 1, depth=10, subsampling=(2, 1), matrix=9)
    luma = torch.tensor([[[0, 64, 500, 940]]], dtype=torch.uint16)
    chroma = torch.full((1, 1, 2), 512, dtype=torch.uint16)
    rgb = yuv_to_rgb([p.to(DEVICE) for p in (luma, chroma, chroma)], form, dtype=torch.float32)
    assert rgb[0, 0, 0, :2].tolist() == [0, 0]  # footroom is clamped
    assert torch.equal(rgb[:, 0], rgb[:, 1])
    assert torch.equal(rgb[:, 0], rgb[:, 2])
    assert rgb[0, 0, 0, 3] == pytest.approx(1, abs=2e-7)


def test_results_lie_in_the_unit_interval() -> None:
    form = layout(4, 1)
    luma = torch.tensor([[[0, 255, 0, 255]]], dtype=torch.uint8)
    chroma = torch.tensor([[[0, 255, 255, 0]]], dtype=torch.uint8)
    rgb = yuv_to_rgb([p.to(DEVICE) for p in (luma, chroma, chroma)], form)
    assert (rgb.min().item(), rgb.max().item()) == (0, 1)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p[:1], "need N >= 1 of each of"),
        (lambda p: [], "need N >= 1 of each of"),
        (lambda p: [*p, p[0]], "need N >= 1 of each of"),
        (lambda p: [p[0], p[1][:, :-1], p[2]], "need N >= 1 of each of"),
        (lambda p: [p[0][:0], p[1][:0], p[2][:0]], "need N >= 1 of each of"),
        (lambda p: [p[0], p[1], p[2].repeat(2, 1, 1)], "need N >= 1 of each of"),
        (lambda p: [p[0], p[1]], "need N >= 1 of each of"),
        (lambda p: [plane.to(torch.int16) for plane in p], "need torch.uint8"),
        (lambda p: [p[0].mT.contiguous().mT, p[1], p[2]], "need 1 as the last"),
        (lambda p: [p[0], p[1], p[2].to("meta")], "one CUDA device"),
    ],
)
def test_wrong_planes_raise(spoil: Any, says: str) -> None:
    form = layout(6, 4, subsampling=(2, 2))
    planes = [plane.to(DEVICE) for plane in random_planes(form, 1)]
    with pytest.raises(OptionError, match=says):
        yuv_to_rgb(spoil(planes), form)


@pytest.mark.parametrize(
    "out",
    [
        torch.empty(1, 3, 4, 5),
        torch.empty(1, 3, 4, 6),
        torch.empty(1, 3, 4, 6, dtype=torch.float16),
        torch.empty(1, 3, 4, 6, dtype=torch.float16, device="meta"),
    ],
    ids=["size", "dtype", "order", "device"],
)
def test_a_wrong_out_raises(out: Tensor) -> None:
    form = layout(6, 4)
    planes = [plane.to(DEVICE) for plane in random_planes(form, 1)]
    target = out if out.device.type == "meta" else out.to(DEVICE)
    with pytest.raises(OptionError, match=r"^out: "):
        yuv_to_rgb(planes, form, out=target)


def test_wrong_options_raise() -> None:
    form = layout(6, 4)
    planes = [plane.to(DEVICE) for plane in random_planes(form, 1)]
    with pytest.raises(OptionError, match="dtype = "):
        yuv_to_rgb(planes, form, dtype=torch.bfloat16)
    with pytest.raises(OptionError, match="high_bits"):
        yuv_to_rgb(planes, form, high_bits=True)
    with pytest.raises(InputError, match="colour matrix 8"):
        yuv_to_rgb(planes, layout(6, 4, matrix=8))


@pytest.mark.parametrize("shape", [(1, 65536, 1), (65536, 1, 1)])
def test_more_rows_or_pictures_than_cuda_launches_raise(shape: tuple[int, ...]) -> None:
    plane = torch.zeros(shape, dtype=torch.uint8, device=DEVICE)
    with pytest.raises(OptionError, match=r"65536.* programs"):
        yuv_to_rgb([plane], layout(1, shape[1], "gray"))


def test_rows_beyond_2_to_the_31_samples() -> None:
    """Memory that is never touched takes no room on a CPU, so that a pitch of 2**30 is cheap."""
    form = layout(4, 3)
    planes = random_planes(form, 1)
    far = torch.empty(2**31 + 4, dtype=torch.uint8, device=DEVICE).as_strided(
        (1, 3, 4), (2**31, 2**30, 1)
    )
    far.copy_(planes[0])
    check(planes, form, [far, *(plane.to(DEVICE) for plane in planes[1:])])
