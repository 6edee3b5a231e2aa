"""The Triton kernels at the sizes, pitches and streams of real video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import (
    DEVICE,
    cuda_only,
    layout,
    pick,
    skip_without_cuda,
    synchronize,
    two_gpus,
)
from vidsr.picture import chroma, conversion
from vidsr.picture.color import ColorSpec, Siting
from vidsr.picture.frame import Family, PixelFormat, VideoFormat

pytest.importorskip("triton")

from vidsr.kernels.triton_kernels.pixel_shuffle import pixel_shuffle
from vidsr.kernels.triton_kernels.resample_chroma import resample_chroma
from vidsr.kernels.triton_kernels.shuffle_to_yuv import shuffle_to_yuv
from vidsr.kernels.triton_kernels.yuv_to_rgb import yuv_to_rgb

skip_without_cuda()

# Six roundings of magnitudes up to 2, then half an ulp of float16 just below 1.
ATOL = 2**-12 + 1e-6
CHANNELS_LAST, PLANAR = torch.channels_last, torch.contiguous_format
SITINGS: tuple[Siting, ...] = ("left", "center", "topleft")
FORMATS: list[tuple[Family, int, tuple[int, int]]] = [
    ("yuv", 8, (2, 2)),
    ("yuv", 10, (2, 2)),
    ("yuv", 12, (2, 1)),
    ("yuv", 16, (1, 1)),
    ("gray", 8, (1, 1)),
    ("rgb", 10, (1, 1)),
]


def random_codes(form: VideoFormat, batch: int = 1, pitch: int = 0) -> list[Tensor]:
    """``[N, h, w]`` of any codes on the device, rows ``pitch`` samples longer than they show."""
    planes = []
    for index, (h, w) in enumerate(form.plane_sizes):
        generator = torch.Generator(DEVICE).manual_seed(index)
        top = 2**form.pixel.depth
        shape = (batch, h, w + pitch)
        wide = torch.randint(0, top, shape, dtype=torch.int32, device=DEVICE, generator=generator)
        planes.append(wide.to(form.pixel.dtype)[..., :w])
    return planes


def random_phases(shape: tuple[int, ...], order: torch.memory_format) -> Tensor:
    """Draw phases counted from mid-grey, a little beyond the range."""
    generator = torch.Generator(DEVICE).manual_seed(sum(shape))
    values = torch.rand(shape, device=DEVICE, dtype=torch.float16, generator=generator)
    return values.sub_(0.5).mul_(1.1).contiguous(memory_format=order)


def assert_codes_close(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> None:
    """Sums in another order round the other way where a value lies on the border."""
    assert [p.shape for p in found] == [p.shape for p in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.dtype == theirs.dtype
        change = (mine.int() - theirs.int()).abs()
        assert int(change.max()) <= 1
        assert float((change > 0).float().mean()) < 0.005


@pytest.mark.parametrize("pitch", [0, 1, 61])
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize(("family", "depth", "subsampling"), FORMATS)
def test_to_rgb(
    family: Family, depth: int, subsampling: tuple[int, int], siting: Siting, pitch: int
) -> None:
    width, height = pick((1919, 1079), (37, 5))
    matrix = 0 if family == "rgb" else 9
    color = ColorSpec(matrix=matrix, range=1, siting=siting)
    form = VideoFormat(width, height, PixelFormat(family, depth, subsampling), color)
    planes = random_codes(form, pitch=pitch)
    wanted = conversion.yuv_to_rgb([p[0] for p in planes], form)
    for channels_last in (False, True):
        found = yuv_to_rgb(planes, form, channels_last=channels_last)[0]
        assert torch.allclose(found.float(), wanted, rtol=0, atol=ATOL)


@pytest.mark.parametrize("depth", [8, 10])
def test_interleaved_chroma_with_the_pitch_of_a_decoder(depth: int) -> None:
    form = layout(*pick((3838, 2160), (38, 6)), depth=depth)
    planes = random_codes(form)
    shift = 16 - depth if depth > 8 else 0
    luma, cb, cr = ((p.int() << shift).to(p.dtype) for p in planes)
    wide = torch.zeros(1, form.height, -(-form.width // 256) * 256, dtype=luma.dtype, device=DEVICE)
    wide[..., : form.width] = luma
    source = [wide[..., : form.width], torch.stack([cb, cr], -1)]
    found = yuv_to_rgb(source, form, high_bits=shift > 0)[0]
    wanted = conversion.yuv_to_rgb([p[0] for p in planes], form)
    assert torch.allclose(found.float(), wanted, rtol=0, atol=ATOL)


@pytest.mark.parametrize(
    ("r", "order"), [(1, PLANAR), (2, CHANNELS_LAST), (4, CHANNELS_LAST), (4, PLANAR)]
)
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize(("family", "depth", "subsampling"), FORMATS)
def test_to_planes(
    family: Family,
    depth: int,
    subsampling: tuple[int, int],
    siting: Siting,
    r: int,
    order: torch.memory_format,
) -> None:
    h, w = pick((1079 // r, 1917 // r), (3, 9))
    matrix = 0 if family == "rgb" else 1
    color = ColorSpec(matrix=matrix, range=1, siting=siting)
    form = VideoFormat(w * r, h * r, PixelFormat(family, depth, subsampling), color)
    phases = random_phases((1, 3 * r * r, h, w), order)
    found = shuffle_to_yuv(phases, form, shuffle=r, offset=0.5)
    wanted = conversion.rgb_to_yuv(torch.pixel_shuffle(phases.float() + 0.5, r)[0], form)
    assert_codes_close([p[0] for p in found], wanted)


def test_p010_at_4k_into_the_pitch_of_an_encoder() -> None:
    h, w = pick((1080, 1920), (4, 10))
    form = layout(2 * w, 2 * h, depth=10)
    phases = random_phases((1, 12, h, w), torch.channels_last)
    out = [
        torch.zeros(1, 2 * h, 2 * w + 64, dtype=torch.uint16, device=DEVICE)[..., : 2 * w],
        torch.zeros(1, h, w + 32, 2, dtype=torch.uint16, device=DEVICE)[:, :, :w],
    ]
    shuffle_to_yuv(phases, form, shuffle=2, offset=0.5, semi_planar=True, high_bits=True, out=out)
    luma, cb, cr = conversion.rgb_to_yuv(torch.pixel_shuffle(phases.float() + 0.5, 2)[0], form)
    codes = [(plane[0].int() >> 6).to(torch.uint16) for plane in out]
    assert_codes_close(codes, [luma, torch.stack([cb, cr], -1)])


def test_a_batch_of_8k_pictures_passes_31_bits_on_the_way_in() -> None:
    form = layout(*pick((7680, 4320), (20, 6)))
    batch = pick(66, 3)  # 2.2e9 samples of luma, 6.6e9 of RGB: 16 GB
    planes = [
        torch.randint(0, 256, (batch, *size), dtype=torch.uint8, device=DEVICE)
        for size in form.plane_sizes
    ]
    rgb = yuv_to_rgb(planes, form)
    for index in (0, batch - 1):
        wanted = conversion.yuv_to_rgb([p[index] for p in planes], form)
        assert torch.allclose(rgb[index].float(), wanted, rtol=0, atol=ATOL)


@pytest.mark.parametrize("order", [CHANNELS_LAST, PLANAR])
def test_a_batch_of_8k_pictures_passes_31_bits_on_the_way_out(order: torch.memory_format) -> None:
    h, w = pick((1080, 1920), (2, 6))
    form = layout(4 * w, 4 * h)
    batch = pick(66, 3)
    phases = torch.empty(
        (batch, 48, h, w), dtype=torch.float16, device=DEVICE, memory_format=order
    ).uniform_(-0.55, 0.55)
    found = shuffle_to_yuv(phases, form, shuffle=4, offset=0.5)
    for index in (0, batch - 1):
        picture = torch.pixel_shuffle(phases[index].float() + 0.5, 4)
        assert_codes_close([p[index] for p in found], conversion.rgb_to_yuv(picture, form))


@pytest.mark.parametrize("pitch", [0, 5])
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("depth", "subsampling"), [(8, (2, 2)), (10, (2, 2)), (12, (2, 1))])
def test_chroma_to_4k(
    depth: int, subsampling: tuple[int, int], scale: int, siting: Siting, pitch: int
) -> None:
    width, height = pick((3836 // scale, 2156 // scale), (19, 5))
    color = ColorSpec(matrix=1, range=1, siting=siting)
    source = VideoFormat(width, height, PixelFormat("yuv", depth, subsampling), color)
    target = replace(source, width=width * scale, height=height * scale)
    planes = random_codes(source, pitch=pitch)[1:]
    quant = conversion.quantization(source)
    small = torch.stack([conversion.dequantize_chroma(p[0], quant) for p in planes])
    large = chroma.resample_chroma(small, source, target, target.pixel)
    wanted = [conversion.quantize_chroma(c, quant, target.pixel.dtype) for c in large]
    assert_codes_close([p[0] for p in resample_chroma(planes, source, target)], wanted)


@pytest.mark.parametrize("r", [2, 4])
def test_pixel_shuffle_at_4k(r: int) -> None:
    h, w = pick((2160 // r, 3840 // r), (3, 5))
    phases = random_phases((1, 3 * r * r, h, w), torch.channels_last)
    wanted = torch.pixel_shuffle(phases.float() + 0.5, r).clamp(0, 1).half()
    assert torch.equal(pixel_shuffle(phases, r, offset=0.5), wanted)


def conversions() -> list[tuple[Tensor, Callable[[Tensor], Tensor]]]:
    """Return inputs, each with a kernel that reads it."""
    form = layout(64, 32)
    codes = random_codes(form)
    phases = random_phases((1, 48, 8, 16), torch.channels_last)
    return [
        (codes[0], lambda luma: yuv_to_rgb([luma, *codes[1:]], form)),
        (phases, lambda x: shuffle_to_yuv(x, form, shuffle=4, offset=0.5)[0]),
        (phases, lambda x: pixel_shuffle(x, 4, offset=0.5)),
        (codes[1], lambda cb: resample_chroma([cb, codes[2]], form, layout(128, 64))[0]),
    ]


@cuda_only
@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_kernels_are_launched_on_the_current_stream(index: int) -> None:
    source, convert = conversions()[index]
    wanted = convert(source).clone()
    late = torch.zeros_like(source)
    convert(late)
    synchronize()
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    with torch.cuda.stream(stream):
        # A tenth of a second, in which another stream would read.
        torch.cuda._sleep(200_000_000)  # type: ignore[no-untyped-call]
        late.copy_(source)
        found = convert(late)
    stream.synchronize()
    assert torch.equal(found, wanted)


@cuda_only
@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_kernels_can_be_captured(index: int) -> None:
    source, convert = conversions()[index]
    held = torch.zeros_like(source)
    wanted = convert(source).clone()
    convert(held)
    synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = convert(held)
    held.copy_(source)
    graph.replay()
    synchronize()
    assert torch.equal(found, wanted)


@two_gpus
def test_kernels_run_where_their_tensors_are() -> None:
    for source, convert in conversions():
        if source.dtype == torch.float16:  # the others close over planes on the first device
            assert torch.equal(convert(source.to("cuda:1")).cpu(), convert(source).cpu())
