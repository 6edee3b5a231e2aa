"""Colour kernels at 3840x2160: how near a plain copy each comes, and beside it plain torch.

Buffers take turns, so that the second level cache holds none of them. Bytes are the useful ones:
every sample of the source read once, every sample of the target written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import torch
from gpu_timing import Bench, Work, device_ms, guarded, host_us, rounded, say
from torch import Tensor

from vidsr.picture import chroma, conversion
from vidsr.picture.color import MATRIX_BT709, RANGE_LIMITED, ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat

COLOR = ColorSpec(matrix=MATRIX_BT709, range=RANGE_LIMITED)
OFFSET = 0.5
UHD = (3840, 2160)

# The constants that `tune` varies: the module that holds each, its name, and the values tried.
CONSTANTS = {
    "yuv_to_rgb": ("yuv_to_rgb", "BLOCK", (256, 512, 1024, 2048)),
    "shuffle_to_yuv": ("pixel_shuffle", "TILE_SAMPLES", (512, 1024, 2048, 4096)),
    "resample_chroma": ("resample_chroma", "COLUMNS", (32, 64, 128, 256)),
}
WARPS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Case:
    """Kernel at work on several sets of buffers, and plain torch on the first of them."""

    kernel: str
    name: str
    works: Sequence[Work]
    reference: Work
    difference: Callable[[], float]  # greatest, in levels of 1/255 or in codes
    useful_bytes: int


def to_rgb(
    bench: Bench,
    name: str,
    *,
    depth: int = 8,
    semi_planar: bool = False,
    dtype: torch.dtype = torch.float16,
    channels_last: bool = True,
) -> Case:
    """Prepare yuv_to_rgb of 4:2:0; semi-planar samples of more than 8 bits sit in the high bits."""
    from vidsr.kernels.triton_kernels.yuv_to_rgb import yuv_to_rgb

    width, height = bench.pick(UHD, (64, 4))
    form = VideoFormat(width, height, PixelFormat("yuv", depth, (2, 2)), COLOR)
    high = semi_planar and depth > 8
    size = form.frame_bytes + 3 * width * height * dtype.itemsize
    planes = [codes(form, bench.device) for _ in range(bench.buffers(size))]
    sources = [interleaved(p, form) for p in planes] if semi_planar else planes
    order = torch.channels_last if channels_last else torch.contiguous_format
    outs = [
        torch.empty(1, 3, height, width, dtype=dtype, device=bench.device, memory_format=order)
        for _ in sources
    ]

    def convert(i: int) -> Tensor:
        return yuv_to_rgb(
            sources[i], form, dtype=dtype, channels_last=channels_last, high_bits=high, out=outs[i]
        )

    def plain() -> Tensor:
        return conversion.yuv_to_rgb(planes[0], form, dtype=dtype)

    def difference() -> float:
        return 255 * float((convert(0)[0].float() - plain().float()).abs().max())

    works = [lambda i=i: convert(i) for i in range(len(sources))]
    return Case("yuv_to_rgb", name, works, plain, difference, size)


def to_yuv(
    bench: Bench,
    name: str,
    r: int,
    *,
    channels: int = 3,
    depth: int = 8,
    semi_planar: bool = False,
    dtype: torch.dtype = torch.float16,
) -> Case:
    """Prepare shuffle_to_yuv from channels last to 4:2:0, or to luma alone for one channel."""
    from vidsr.kernels.triton_kernels.shuffle_to_yuv import shuffle_to_yuv

    width, height = bench.pick(UHD, (64, 4))
    form = VideoFormat(width, height, PixelFormat("yuv", depth, (2, 2)), COLOR)
    high = semi_planar and depth > 8
    shape = (1, channels * r * r, height // r, width // r)
    written = form.frame_bytes if channels == 3 else width * height * form.pixel.dtype.itemsize
    size = channels * width * height * dtype.itemsize + written
    phases = [
        (torch.rand(shape, device=bench.device) - OFFSET)
        .to(dtype)
        .contiguous(memory_format=torch.channels_last)
        for _ in range(bench.buffers(size))
    ]

    def convert(i: int, out: Sequence[Tensor] | None) -> tuple[Tensor, ...]:
        return shuffle_to_yuv(
            phases[i], form, shuffle=r, offset=OFFSET, semi_planar=semi_planar, high_bits=high,
            out=out,
        )  # fmt: skip

    outs = [convert(i, None) for i in range(len(phases))]

    def plain() -> list[Tensor]:
        picture = torch.pixel_shuffle(phases[0].float() + OFFSET, r)[0]
        if channels == 1:
            quant = conversion.quantization(form)
            return [conversion.quantize_luma(picture[0], quant, form.pixel.dtype)]
        return list(conversion.rgb_to_yuv(picture, form))

    def difference() -> float:
        wanted = plain()
        wanted = interleaved(wanted, form) if semi_planar else wanted
        pairs = zip(convert(0, outs[0]), wanted, strict=True)
        step = 1 << (16 - depth) if high else 1
        return max(float((a[0].int() - b.int()).abs().max()) / step for a, b in pairs)

    works = [lambda i=i: convert(i, outs[i]) for i in range(len(phases))]
    return Case("shuffle_to_yuv", name, works, plain, difference, size)


def to_chroma(bench: Bench, name: str, scale: int, depth: int = 8) -> Case:
    """Prepare resample_chroma of 4:2:0: sums bound it, so its share of a copy is only noted."""
    from vidsr.kernels.triton_kernels.resample_chroma import resample_chroma

    width, height = bench.pick(UHD, (64, 8))
    target = VideoFormat(width, height, PixelFormat("yuv", depth, (2, 2)), COLOR)
    source = replace(target, width=width // scale, height=height // scale)
    size = sum(2 * h * w * form.pixel.dtype.itemsize
               for form in (source, target) for h, w in form.plane_sizes[1:2])  # fmt: skip
    planes = [codes(source, bench.device) for _ in range(bench.buffers(size))]
    pairs = [[plane[None] for plane in three[1:]] for three in planes]
    outs = [resample_chroma(pair, source, target) for pair in pairs]
    quant = conversion.quantization(source)

    def plain() -> list[Tensor]:
        small = torch.stack([conversion.dequantize_chroma(p, quant) for p in planes[0][1:]])
        large = chroma.resample_chroma(small, source, target, target.pixel)
        return [conversion.quantize_chroma(c, quant, target.pixel.dtype) for c in large]

    def difference() -> float:
        found = zip(resample_chroma(pairs[0], source, target), plain(), strict=True)
        return max(float((mine[0].int() - theirs.int()).abs().max()) for mine, theirs in found)

    works = [lambda i=i: resample_chroma(pairs[i], source, target, out=outs[i])
             for i in range(len(pairs))]  # fmt: skip
    return Case("resample_chroma", name, works, plain, difference, size)


def codes(form: VideoFormat, device: torch.device) -> list[Tensor]:
    """Draw planes of any codes."""
    top = 2**form.pixel.depth
    return [
        torch.randint(0, top, size, dtype=torch.int32, device=device).to(form.pixel.dtype)
        for size in form.plane_sizes
    ]


def interleaved(planes: Sequence[Tensor], form: VideoFormat) -> list[Tensor]:
    """Return NV12, or P010 of deeper samples: luma, and chroma as pairs."""
    shift = 16 - form.pixel.depth if form.pixel.depth > 8 else 0
    luma, cb, cr = ((p.int() << shift).to(p.dtype) for p in planes)
    return [luma, torch.stack([cb, cr], dim=-1)]


Make = Callable[[Bench], Case]
CASES: dict[str, Make] = {
    "yuv420p to fp16 nhwc": lambda b: to_rgb(b, "yuv420p to fp16 nhwc"),
    "nv12 to fp16 nhwc": lambda b: to_rgb(b, "nv12 to fp16 nhwc", semi_planar=True),
    "p010 to fp16 nhwc": lambda b: to_rgb(b, "p010 to fp16 nhwc", depth=10, semi_planar=True),
    "yuv420p to fp16 nchw": lambda b: to_rgb(b, "yuv420p to fp16 nchw", channels_last=False),
    "yuv420p to fp32 nhwc": lambda b: to_rgb(b, "yuv420p to fp32 nhwc", dtype=torch.float32),
    "fp16 by 2 to yuv420p": lambda b: to_yuv(b, "fp16 by 2 to yuv420p", 2),
    "fp16 by 4 to yuv420p": lambda b: to_yuv(b, "fp16 by 4 to yuv420p", 4),
    "fp16 by 2 to p010": lambda b: to_yuv(b, "fp16 by 2 to p010", 2, depth=10, semi_planar=True),
    "fp16 luma by 4": lambda b: to_yuv(b, "fp16 luma by 4", 4, channels=1),
    "fp32 luma by 4": lambda b: to_yuv(b, "fp32 luma by 4", 4, channels=1, dtype=torch.float32),
    "chroma by 2": lambda b: to_chroma(b, "chroma by 2", 2),
    "chroma by 4": lambda b: to_chroma(b, "chroma by 4", 4),
}  # fmt: skip


def kernels(bench: Bench, copy_gb_per_s: float | None) -> dict[str, Any]:
    """Measure every case by name."""
    return {
        name: guarded(f"kernels {name}", partial(_made_row, bench, make, copy_gb_per_s))
        for name, make in CASES.items()
    }


def _made_row(
    bench: Bench, make: Callable[[Bench], Case], copy_gb_per_s: float | None
) -> dict[str, Any]:
    return _row(bench, make(bench), copy_gb_per_s)


@torch.inference_mode()
def _row(bench: Bench, case: Case, copy_gb_per_s: float | None) -> dict[str, Any]:
    difference = case.difference()
    ms, how = device_ms(bench, case.works)
    plain_ms, plain_how = device_ms(bench, [case.reference])
    rate = case.useful_bytes / ms / 1e6
    return rounded({
        "kernel": case.kernel,
        "us": 1000 * ms,
        "useful_mb": case.useful_bytes / 1e6,
        "gb_per_s": rate,
        "share_of_copy": rate / copy_gb_per_s if copy_gb_per_s else None,
        "host_us": host_us(bench, case.works[0]),
        "torch_us": 1000 * plain_ms,
        "times_torch": plain_ms / ms,
        "greatest_difference": difference,
        "buffers": len(case.works),
        "timed_by": f"{how}, torch by {plain_how}",
    })  # fmt: skip


def tune(bench: Bench, copy_gb_per_s: float | None) -> dict[str, Any]:
    """Measure every case with every block size and number of warps; print a table for people."""
    results: dict[str, Any] = {}
    for name, make in list(CASES.items())[:: bench.pick(1, 5)]:
        if bench.left_s < 20:
            results[name] = {"skipped": "no time left"}
            continue
        results[name] = guarded(f"tune {name}", partial(_made_sweep, bench, make))
        say(table(name, results[name]))
    return results


def _made_sweep(bench: Bench, make: Callable[[Bench], Case]) -> dict[str, Any]:
    return _swept(bench, make(bench))


def _swept(bench: Bench, case: Case) -> dict[str, Any]:
    _, _, values = CONSTANTS[case.kernel]
    rates: dict[str, float | None] = {}
    for value, warps in product(bench.pick(values, values[1:2]), bench.pick(WARPS, WARPS[1:2])):
        key = f"{value} x {warps}"
        try:
            with constants(case.kernel, value, warps), torch.inference_mode():
                rates[key] = round(case.useful_bytes / device_ms(bench, case.works)[0] / 1e6, 1)
        except Exception as error:
            rates[key] = None
            say(f"  {key}: {type(error).__name__}: {str(error)[:100]}")
    known = {key: rate for key, rate in rates.items() if rate is not None}
    return {"gb_per_s": rates, "best": max(known, key=lambda key: known[key]) if known else None}


@contextmanager
def constants(kernel: str, value: int, warps: int) -> Iterator[None]:
    """Give the kernel's module other constants; launchers read them at every call."""
    from importlib import import_module

    name, constant, _ = CONSTANTS[kernel]
    module = import_module(f"vidsr.kernels.triton_kernels.{name}")
    before, options = getattr(module, constant), dict(module.OPTIONS)
    setattr(module, constant, value)
    module.OPTIONS["num_warps"] = warps
    try:
        yield
    finally:
        setattr(module, constant, before)
        module.OPTIONS.update(options)


def table(name: str, row: dict[str, Any]) -> str:
    """Return one line a block size, GB/s for every number of warps."""
    if "gb_per_s" not in row:
        return f"{name}: {row}"
    lines: dict[str, list[str]] = {}
    for key, rate in row["gb_per_s"].items():
        block, _, warps = key.partition(" x ")
        text = "-" if rate is None else f"{rate:.0f}"
        lines.setdefault(block, []).append(f"{warps} warps {text:>6}")
    body = "\n".join(f"  {block:>5}: {'  '.join(cells)}" for block, cells in lines.items())
    return f"{name} (GB/s), best {row['best']}\n{body}"
