"""The CUDA C++ kernels: they compile without spills, and compute what the reference computes."""

from __future__ import annotations

import mmap
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.doubles.cuda_on_cpu import HAVE_COMPILER, run
from tests.paths import ROOT
from vidsr.errors import OptionError
from vidsr.kernels.cuda.layout import Floats, FloatType, Picture, Plane, packed_planes
from vidsr.kernels.cuda.source import (
    FOLDER,
    NVCC_OPTIONS,
    SHUFFLE_TO_YUV,
    YUV_TO_RGB,
    _levels,
    shuffle_to_yuv,
    source,
    yuv_to_rgb,
)
from vidsr.picture import conversion
from vidsr.picture.color import ColorSpec, Quantization, Siting, chroma_position
from vidsr.picture.frame import PixelFormat, VideoFormat

Array = np.ndarray[Any, Any]
needs_compiler = pytest.mark.skipif(not HAVE_COMPILER, reason="no g++ to build kernels for the CPU")

SUBSAMPLINGS = [(2, 2), (2, 1), (1, 1)]
# Odd and even, smaller than a thread's run of 8, and past the 256 x 8 pixels of a block.
SIZES = [(35, 21), (64, 10), (1, 1), (3, 2), (261, 9)]


def form(
    width: int,
    height: int,
    subsampling: tuple[int, int] = (2, 2),
    *,
    depth: int = 8,
    siting: Siting = "left",
    matrix: int = 1,
    full: bool = False,
) -> VideoFormat:
    """A VideoFormat; subsampling (0, 0) is grey."""
    gray = subsampling == (0, 0)
    pixel = PixelFormat("gray" if gray else "yuv", depth, (1, 1) if gray else subsampling)
    color = ColorSpec(matrix=matrix, range=2 if full else 1, siting=siting)
    return VideoFormat(width, height, pixel, color)


def plain(layout: VideoFormat, *, high_bits: bool = False) -> Picture:
    """The same in plain numbers."""
    across, down = layout.pixel.subsampling
    siting = layout.color.siting
    kr, kb = layout.color.luma_weights
    return Picture(
        width=layout.width,
        height=layout.height,
        depth=layout.pixel.depth,
        subsampling=(0, 0) if layout.pixel.family == "gray" else (across, down),
        cosited=(
            chroma_position(across, "x", siting) == 0,
            chroma_position(down, "y", siting) == 0,
        ),
        kr=kr,
        kb=kb,
        full_range=layout.color.full_range,
        high_bits=high_bits,
    )


def codes(layout: VideoFormat, batch: int = 1, seed: int = 0) -> list[Array]:
    """Random codes over the whole range: planes ``[batch, h, w]``."""
    random = np.random.default_rng(seed)
    dtype = np.uint8 if layout.pixel.depth == 8 else np.uint16
    sizes = layout.plane_sizes
    return [random.integers(0, 2**layout.pixel.depth, (batch, *s), dtype) for s in sizes]


def span(plane: Array) -> Plane:
    """``[N, h, w]`` in any memory, described for a launch."""
    return Plane(plane.ctypes.data, *plane.strides)


def floats(array: Array) -> Floats:
    """``[N, C, h, w]`` in any memory, described for a launch."""
    return Floats(array.ctypes.data, *array.strides)


def pitched(shape: tuple[int, ...], dtype: Any, *, pad: int, shift: int = 0) -> Array:
    """``[N, h, w]`` with ``pad`` samples of 7 behind each row, ``shift`` samples into memory."""
    count, height, width = shape
    memory = np.full(count * height * (width + pad) + shift, 7, dtype)
    return memory[shift:].reshape(count, height, width + pad)[:, :, :width]


def tensor(shape: tuple[int, ...], dtype: FloatType, *, channels_last: bool) -> Array:
    """``[N, C, H, W]``, NaN, in order NCHW or NHWC."""
    n, c, h, w = shape
    if channels_last:
        return np.full((n, h, w, c), np.nan, dtype).transpose(0, 3, 1, 2)
    return np.full(shape, np.nan, dtype)


def expected_rgb(planes: list[Array], layout: VideoFormat) -> Array:
    pictures = zip(*(torch.from_numpy(p) for p in planes), strict=True)
    return torch.stack([conversion.yuv_to_rgb(list(p), layout) for p in pictures]).numpy()


def to_rgb(
    planes: list[Array],
    picture: Picture,
    *,
    dtype: FloatType = "float32",
    channels_last: bool = False,
    spans: list[Plane] | None = None,
) -> Array:
    batch = len(planes[0])
    shape = (batch, 3, picture.height, picture.width)
    out = tensor(shape, dtype, channels_last=channels_last)
    spans = spans or [span(p) for p in planes]
    run(yuv_to_rgb(picture, spans, floats(out), dtype=dtype, batch=batch))
    return out


def assert_rgb(result: Array, expected: Array) -> None:
    """Of values up to 1: 4e-7 is a few roundings of 2**-24; half an fp16 ulp below 1 is 2**-12."""
    tolerance = 4e-7 if result.dtype == np.float32 else 2**-12 + 4e-7
    assert np.abs(result.astype(np.float64) - expected).max() <= tolerance


@needs_compiler
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
@pytest.mark.parametrize("subsampling", [*SUBSAMPLINGS, (0, 0)])
@pytest.mark.parametrize("depth", [8, 10])
def test_yuv_to_rgb(
    depth: int, subsampling: tuple[int, int], siting: Siting, size: tuple[int, int]
) -> None:
    layout = form(*size, subsampling, depth=depth, siting=siting)
    planes = codes(layout)
    assert_rgb(to_rgb(planes, plain(layout)), expected_rgb(planes, layout))


@needs_compiler
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("matrix", [6, 9])
def test_yuv_to_rgb_of_every_scale(matrix: int, depth: int, full: bool) -> None:
    layout = form(37, 6, depth=depth, matrix=matrix, full=full)
    planes = codes(layout)
    assert_rgb(to_rgb(planes, plain(layout)), expected_rgb(planes, layout))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("width", [64, 35])
def test_yuv_to_rgb_layouts(width: int, channels_last: bool, dtype: FloatType) -> None:
    """A batch, in both layouts and types; 64 stores 16 bytes at a time, 35 value by value."""
    layout = form(width, 5)
    planes = codes(layout, batch=3)
    result = to_rgb(planes, plain(layout), dtype=dtype, channels_last=channels_last)
    assert_rgb(result, expected_rgb(planes, layout))


@needs_compiler
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize(("pad", "shift"), [(13, 0), (16, 0), (16, 1)])
def test_yuv_to_rgb_reads_any_pitch(pad: int, shift: int, depth: int) -> None:
    layout = form(35, 5, (2, 1), depth=depth)
    planes = []
    for plane in codes(layout, batch=2):
        planes.append(pitched(plane.shape, plane.dtype, pad=pad, shift=shift))
        planes[-1][:] = plane
    assert_rgb(to_rgb(planes, plain(layout)), expected_rgb(planes, layout))


@needs_compiler
def test_samples_may_lie_apart() -> None:
    """Y Cb Y Cr, one after the other in memory, as cameras send 4:2:2: read, and written again."""
    layout = form(32, 5, (2, 1))
    given, memory, written = codes(layout), *np.zeros((2, 1, 5, 32, 2), np.uint8)
    planes, targets = (
        [m[..., 0], m[:, :, 0::2, 1], m[:, :, 1::2, 1]] for m in (memory, written)
    )  # fmt: skip
    for plane, values in zip(planes, given, strict=True):
        plane[:] = values
    rgb = to_rgb(planes, plain(layout))
    assert_rgb(rgb, expected_rgb(given, layout))
    spans = [span(p) for p in targets]
    run(shuffle_to_yuv(plain(layout), floats(rgb), spans, shuffle=1, dtype="float32"))
    for one, two in zip(targets, expected_codes(rgb, 1, 0.0, layout), strict=True):
        assert_codes(one, two)


def far_apart(shape: tuple[int, ...], dtype: Any) -> Array:
    """Two pictures more than 2**31 bytes from each other, in memory that is never touched."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    dense = np.empty(shape, dtype)
    stride = 2**31 + 64
    memory = mmap.mmap(-1, stride + dense.nbytes, flags=flags)
    return np.ndarray((2, *shape), dtype, memory, strides=(stride, *dense.strides))


@needs_compiler
@pytest.mark.skipif(sys.platform != "linux", reason="memory without backing is Linux's")
def test_offsets_pass_2_to_the_31() -> None:
    layout = form(20, 6)
    planes = []
    for plane in codes(layout, batch=2):
        planes.append(far_apart(plane.shape[1:], plane.dtype))
        planes[-1][:] = plane
    rgb = far_apart((3, 6, 20), np.float32)
    picture, spans = plain(layout), [span(p) for p in planes]
    run(yuv_to_rgb(picture, spans, floats(rgb), dtype="float32", batch=2))
    assert_rgb(rgb, expected_rgb(planes, layout))
    written = [far_apart(plane.shape[1:], plane.dtype) for plane in planes]
    spans = [span(p) for p in written]
    run(shuffle_to_yuv(picture, floats(rgb), spans, shuffle=1, dtype="float32", batch=2))
    for one, two in zip(written, expected_codes(rgb, 1, 0.0, layout), strict=True):
        assert_codes(one, two)


@needs_compiler
def test_yuv_to_rgb_into_padded_channels() -> None:
    """Strides of a tensor of eight interleaved channels, as TensorRT's HWC8 format wants it."""
    layout = form(20, 4)
    planes = codes(layout)
    memory = np.full((1, 4, 20, 8), 5, np.float16)
    out = memory.transpose(0, 3, 1, 2)
    spans = [span(p) for p in planes]
    run(yuv_to_rgb(plain(layout), spans, floats(out), dtype="float16"))
    assert_rgb(out[:, :3], expected_rgb(planes, layout))
    assert (out[:, 3:] == 5).all()


@needs_compiler
@pytest.mark.parametrize(("depth", "high_bits"), [(8, False), (10, True), (12, True)])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_semi_planar_there_and_back(
    subsampling: tuple[int, int], depth: int, high_bits: bool
) -> None:
    """nv12, p010 and their kin, packed: read, and written again."""
    layout = form(35, 9, subsampling, depth=depth)
    picture = plain(layout, high_bits=high_bits)
    planes = codes(layout, batch=2)
    shift = 16 - depth if high_bits else 0
    parts = [(y, np.stack((u, v), -1)) for y, u, v in zip(*planes, strict=True)]
    memory = np.concatenate([part.ravel() << shift for pair in parts for part in pair])
    spans = list(packed_planes(picture, memory.ctypes.data, semi_planar=True))
    rgb = to_rgb(planes, picture, spans=spans)
    assert_rgb(rgb, expected_rgb(planes, layout))

    written = np.zeros_like(memory)
    spans = list(packed_planes(picture, written.ctypes.data, semi_planar=True))
    run(shuffle_to_yuv(picture, floats(rgb), spans, shuffle=1, dtype="float32", batch=2))
    size = picture.packed_bytes // picture.sample_bytes
    for number, pixels in enumerate(torch.from_numpy(rgb)):
        y, u, v = (p.numpy() for p in conversion.rgb_to_yuv(pixels, layout))
        wanted = np.concatenate((y.ravel(), np.stack((u, v), -1).ravel()))
        assert_codes(written[number * size : (number + 1) * size] >> shift, wanted)


def assert_codes(result: Array, expected: Array) -> None:
    """At most one level off and fewer than 0.5 % of samples differing: roundings near a half."""
    difference = np.abs(result.astype(np.int64) - expected)
    assert difference.max() <= 1
    assert (difference > 0).sum() <= 0.005 * difference.size


def phases(rgb: Array, r: int, dtype: FloatType, *, channels_last: bool, offset: float) -> Array:
    """``[N, C, H, W]`` -> ``[N, C*r*r, H/r, W/r]`` less ``offset``."""
    wide = torch.pixel_unshuffle(torch.from_numpy(rgb), r).numpy()
    out = tensor(wide.shape, dtype, channels_last=channels_last)
    out[:] = wide - np.float32(offset)
    return out


def noise(width: int, height: int, batch: int = 1, channels: int = 3, seed: int = 0) -> Array:
    """Floats somewhat past [0, 1], so that the clamp has something to do."""
    random = np.random.default_rng(seed)
    return random.uniform(-0.1, 1.1, (batch, channels, height, width)).astype(np.float32)


def expected_codes(x: Array, r: int, offset: float, layout: VideoFormat) -> list[Array]:
    """What the reference makes of phases as they are, rounded to their own type."""
    wide = torch.pixel_shuffle(torch.from_numpy(np.ascontiguousarray(x)).float(), r) + offset
    pictures = [conversion.rgb_to_yuv(picture, layout) for picture in wide]
    return [torch.stack(planes).numpy() for planes in zip(*pictures, strict=True)]


def to_codes(
    x: Array, picture: Picture, r: int, *, offset: float = 0.0, pad: int = 0
) -> list[Array]:
    dtype: FloatType = "float16" if x.dtype == np.float16 else "float32"
    kind = np.uint8 if picture.depth == 8 else np.uint16
    planes = [pitched((len(x), h, w), kind, pad=pad) for h, w in picture.plane_sizes]
    channels = x.shape[1] // r**2
    launch = shuffle_to_yuv(
        picture, floats(x), [span(p) for p in planes],
        shuffle=r, channels=channels, offset=offset, dtype=dtype, batch=len(x),
    )  # fmt: skip
    run(launch)
    return planes


def check_codes(x: Array, layout: VideoFormat, r: int, **options: Any) -> None:
    result = to_codes(x, plain(layout), r, **options)
    wanted = expected_codes(x, r, options.get("offset", 0.0), layout)
    for one, two in zip(result, wanted, strict=True):
        assert_codes(one, two)


@needs_compiler
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
@pytest.mark.parametrize("subsampling", [*SUBSAMPLINGS, (0, 0)])
@pytest.mark.parametrize("depth", [8, 10])
def test_rgb_to_yuv(
    depth: int, subsampling: tuple[int, int], siting: Siting, size: tuple[int, int]
) -> None:
    layout = form(*size, subsampling, depth=depth, siting=siting)
    check_codes(noise(*size), layout, 1)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("siting", ["left", "topleft"])
@pytest.mark.parametrize("r", [1, 2, 4])
def test_shuffle(r: int, siting: Siting, channels_last: bool, dtype: FloatType) -> None:
    """A batch of phases counted from mid-grey, in both layouts and types."""
    width, height = 13 * r, 7 * r
    x = phases(noise(width, height, 2), r, dtype, channels_last=channels_last, offset=0.5)
    check_codes(x, form(width, height, siting=siting), r, offset=0.5)


@needs_compiler
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [8, 12, 16])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_codes_of_every_scale(subsampling: tuple[int, int], depth: int, full: bool) -> None:
    layout = form(122, 90, subsampling, depth=depth, full=full, matrix=9)
    check_codes(noise(122, 90), layout, 1)


@needs_compiler
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("r", [1, 2, 4])
def test_luma_alone_keeps_what_lies_outside_its_range(r: int, depth: int) -> None:
    layout = form(12, 8, (0, 0), depth=depth)
    luma = noise(12, 8, channels=1)
    x = phases(luma, r, "float32", channels_last=False, offset=0.0)
    (result,) = to_codes(x, plain(layout), r)
    quant = conversion.quantization(layout)
    wanted = conversion.quantize_luma(torch.from_numpy(luma[:, 0]), quant, layout.pixel.dtype)
    assert_codes(result, wanted.numpy())
    assert result.min() < quant.luma_offset
    assert result.max() > quant.luma_offset + quant.luma_span


@needs_compiler
@pytest.mark.parametrize("pad", [3, 8])
@pytest.mark.parametrize("depth", [8, 10])
def test_shuffle_writes_pictures_only(depth: int, pad: int) -> None:
    """Rows end in samples that are somebody else's."""
    layout = form(70, 6, depth=depth)
    x = noise(70, 6, 2)
    planes = to_codes(x, plain(layout), 1, pad=pad)
    for plane, wanted in zip(planes, expected_codes(x, 1, 0.0, layout), strict=True):
        assert_codes(plane, wanted)
        count, height, width = plane.shape
        assert plane.base is not None
        rows = plane.base.reshape(count, height, width + pad)
        assert (rows[:, :, width:] == 7).all()


@needs_compiler
def test_nothing_but_numbers_comes_out_of_nan() -> None:
    """A float that is no number becomes the lowest code, and does not disturb its neighbours."""
    layout = form(16, 4, (1, 1))
    x = np.full((1, 3, 4, 16), 0.5, np.float32)
    x[0, :, 1, 3] = np.nan
    luma = to_codes(x, plain(layout), 1)[0]
    assert luma[0, 1, 3] == 16
    assert (np.delete(luma.ravel(), 16 + 3) == luma[0, 0, 0]).all()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_levels_are_those_of_the_package(depth: int, full: bool) -> None:
    levels = _levels(Picture(width=2, height=2, depth=depth, full_range=full))
    quant = Quantization.of(depth, full_range=full)
    names = ("luma_offset", "luma_span", "chroma_offset", "chroma_span", "peak")
    assert [getattr(levels, n) for n in names] == [getattr(quant, n) for n in names]


def test_what_cannot_be_is_refused() -> None:
    picture, memory = Picture(width=6, height=6), Floats(0, 0, 0, 0, 0)
    planes = packed_planes(picture, 0)
    with pytest.raises(OptionError, match="shuffle = 3"):
        shuffle_to_yuv(picture, memory, planes, shuffle=3)
    with pytest.raises(OptionError, match="multiples of shuffle = 4"):
        shuffle_to_yuv(picture, memory, planes, shuffle=4)
    with pytest.raises(OptionError, match="1 channels"):
        shuffle_to_yuv(picture, memory, planes, shuffle=1, channels=1)
    with pytest.raises(OptionError, match="2 planes; need 3"):
        yuv_to_rgb(picture, planes[:2], memory)
    with pytest.raises(OptionError, match="batch = 0"):
        yuv_to_rgb(picture, planes, memory, batch=0)
    with pytest.raises(OptionError, match="high_bits"):
        yuv_to_rgb(replace(picture, high_bits=True), planes, memory)
    for wrong in ({"depth": 7}, {"width": 0}, {"subsampling": (4, 1)}):
        with pytest.raises(OptionError):
            replace(picture, **wrong)


def test_grid_covers_the_picture() -> None:
    picture = Picture(width=3841, height=2161)
    planes, memory = packed_planes(picture, 0), Floats(0, 0, 0, 0, 0)
    assert yuv_to_rgb(picture, planes, memory, batch=2).grid == (16, 271, 2)
    assert shuffle_to_yuv(picture, memory, planes, shuffle=1).grid == (16, 136, 1)


def test_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys\nimport vidsr.kernels.cuda.source as s\ns.source(s.YUV_TO_RGB)\n"
        "print({'torch', 'triton', 'pycuda', 'numpy'} & set(sys.modules))"
    )
    root = ROOT
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc to compile CUDA sources")
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", [YUV_TO_RGB, SHUFFLE_TO_YUV])
def test_compiles_without_spills(name: str, architecture: str, tmp_path: Path) -> None:
    """About 3 s each. No register is spilled, and three blocks of 256 threads fit: 80 registers."""
    command = ["nvcc", f"-arch={architecture}", "-cubin", "-Xptxas", "-v", *NVCC_OPTIONS]
    out = subprocess.run(
        [*command, "-o", str(tmp_path / "kernel.cubin"), str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert out.returncode == 0, out.stderr[-2000:]
    assert "warning" not in out.stderr
    text = out.stdout + out.stderr
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", text)
    entries = re.findall(r"^ENTRY\((\w+),", source(name), re.MULTILINE)
    assert spills == [("0", "0")] * len(entries)
    assert max(int(n) for n in re.findall(r"Used (\d+) registers", text)) <= 80
