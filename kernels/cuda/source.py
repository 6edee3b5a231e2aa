"""The colour kernels in CUDA C++, for programs without torch and Triton: sources and launches.

``cuda/*.cu`` hold the arithmetic of ``reference.py``. This module describes a launch of them in
plain numbers, and whoever owns a CUDA context compiles and launches, with PyCUDA for instance:

    module = SourceModule(source(YUV_TO_RGB), no_extern_c=True, options=NVCC_OPTIONS,
                          include_dirs=[str(FOLDER)])
    launch = yuv_to_rgb(picture, packed_planes(picture, address), rgb, dtype="float16")
    function = module.get_function(launch.entry)
    function.prepare([f"{len(launch.argument)}s"])      # the one argument is a struct, by value
    function.prepared_async_call(launch.grid, launch.block, stream, launch.argument)

Every stride is in bytes, as in numpy. Nothing heavier than the standard library is imported.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidsr.errors import OptionError
from vidsr.kernels.cuda.layout import Floats, FloatType, Picture, Plane
from vidsr.picture.color import Quantization

FOLDER = Path(__file__).parent
YUV_TO_RGB, SHUFFLE_TO_YUV = "yuv_to_rgb.cu", "shuffle_to_yuv.cu"
# Rounds as reference.py does; color.cuh says what contraction would change.
NVCC_OPTIONS = ["--fmad=false"]

RUN = 8  # pixels a thread makes, as in color.cuh
# A warp reads 256 neighbouring pixels of a row. 256 threads at no more than 80 registers leave room
# for three blocks on a multiprocessor of sm_80 and sm_90; not yet measured on a GPU.
BLOCK = (32, 8, 1)


@dataclass(frozen=True)
class Launch:
    """One kernel launch: a function of a source file, and its only argument, a struct by value."""

    source: str
    entry: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    argument: bytes


def source(name: str) -> str:
    """Return the text of one of the two files; it includes color.cuh from ``FOLDER``."""
    return (FOLDER / name).read_text(encoding="utf-8")


def yuv_to_rgb(
    picture: Picture,
    planes: Sequence[Plane],
    rgb: Floats,
    *,
    dtype: FloatType = "float16",
    batch: int = 1,
) -> Launch:
    """Launch that turns planes of codes into ``[batch, 3, H, W]`` of ``dtype``, in [0, 1].

    Luma alone becomes three equal channels. Raises OptionError.
    """
    _check_planes(picture, planes, batch)
    across, down = picture.subsampling
    kr, kb = picture.kr, picture.kb
    kg = 1 - kr - kb
    # Weights at even and odd positions: centred chroma lies 1/4 of its pitch from either of them.
    near = [(1.0, 0.5) if cosited else (0.75, 0.75) for cosited in picture.cosited]
    argument = _YuvToRgb(
        _plane_array(planes),
        _tensor(rgb),
        picture.width,
        picture.height,
        across,
        max(1, down),
        _levels(picture),
        (ctypes.c_float * 2)(*near[0]),
        (ctypes.c_float * 2)(*near[1]),
        2 * (1 - kr),
        -2 * kr * (1 - kr) / kg,
        -2 * kb * (1 - kb) / kg,
        2 * (1 - kb),
    )
    entry = f"yuv_to_rgb_{_sample_type(picture)}_{dtype}"
    return Launch(YUV_TO_RGB, entry, _grid(picture, 1, batch), BLOCK, bytes(argument))


def shuffle_to_yuv(
    picture: Picture,
    phases: Floats,
    planes: Sequence[Plane],
    *,
    shuffle: int,
    channels: int = 3,
    offset: float = 0.0,
    dtype: FloatType = "float16",
    batch: int = 1,
) -> Launch:
    """Launch that turns phases ``[batch, channels * shuffle**2, h, w]`` into planes of codes.

    ``picture`` describes the target, ``shuffle`` times as wide and high; ``offset`` is added to
    every value. Three channels are RGB; one is luma, for which ``picture`` is luma alone, its
    codes clamped to what its depth holds and to no range. Raises OptionError.
    """
    _check_planes(picture, planes, batch)
    _check_phases(picture, shuffle, channels)
    across, down = picture.subsampling
    argument = _ShuffleToYuv(
        _tensor(phases),
        _plane_array(planes),
        picture.width,
        picture.height,
        across,
        max(1, down),
        channels,
        shuffle.bit_length() - 1,
        _levels(picture),
        offset,
        *(0.25 if cosited else 0.0 for cosited in picture.cosited),
        picture.kr,
        1 - picture.kr - picture.kb,
        picture.kb,
        2 * (1 - picture.kb),
        2 * (1 - picture.kr),
    )
    entry = f"shuffle_to_yuv_{_sample_type(picture)}_{dtype}"
    grid = _grid(picture, max(1, down), batch)
    return Launch(SHUFFLE_TO_YUV, entry, grid, BLOCK, bytes(argument))


class _Plane(ctypes.Structure):
    _fields_ = [("data", ctypes.c_uint64)] + [
        (name, ctypes.c_int64) for name in ("picture", "row", "sample")
    ]


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_uint64)] + [
        (name, ctypes.c_int64) for name in ("picture", "channel", "row", "pixel")
    ]


class _Levels(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_float)
        for name in ("luma_offset", "luma_span", "chroma_offset", "chroma_span", "peak")
    ] + [("shift", ctypes.c_int)]


class _YuvToRgb(ctypes.Structure):
    _fields_ = [
        ("planes", _Plane * 3),
        ("rgb", _Tensor),
        *((name, ctypes.c_int) for name in ("width", "height", "across", "down")),
        ("levels", _Levels),
        *((name, ctypes.c_float * 2) for name in ("near_across", "near_down")),
        *((name, ctypes.c_float) for name in ("red_cr", "green_cr", "green_cb", "blue_cb")),
    ]


class _ShuffleToYuv(ctypes.Structure):
    _fields_ = [
        ("phases", _Tensor),
        ("planes", _Plane * 3),
        *((name, ctypes.c_int) for name in ("width", "height", "across", "down")),
        *((name, ctypes.c_int) for name in ("channels", "shuffle_bits")),
        ("levels", _Levels),
        *((name, ctypes.c_float) for name in ("offset", "before_across", "before_down")),
        *((name, ctypes.c_float) for name in ("red", "green", "blue", "cb_scale", "cr_scale")),
    ]


def _levels(picture: Picture) -> _Levels:
    q = Quantization.of(picture.depth, full_range=picture.full_range)
    shift = 16 - picture.depth if picture.high_bits else 0
    return _Levels(q.luma_offset, q.luma_span, q.chroma_offset, q.chroma_span, q.peak, shift)


def _tensor(floats: Floats) -> _Tensor:
    return _Tensor(floats.address, floats.picture, floats.channel, floats.row, floats.pixel)


def _plane_array(planes: Sequence[Plane]) -> ctypes.Array[_Plane]:
    return (_Plane * 3)(*(_Plane(p.address, p.picture, p.row, p.sample) for p in planes))


def _sample_type(picture: Picture) -> str:
    return "uint8" if picture.sample_bytes == 1 else "uint16"


def _grid(picture: Picture, rows_per_thread: int, batch: int) -> tuple[int, int, int]:
    runs, rows = -(-picture.width // RUN), -(-picture.height // rows_per_thread)
    return -(-runs // BLOCK[0]), -(-rows // BLOCK[1]), batch


def _check_planes(picture: Picture, planes: Sequence[Plane], batch: int) -> None:
    if len(planes) != len(picture.plane_sizes):
        raise OptionError(f"{len(planes)} planes; need {len(picture.plane_sizes)}")
    if not 1 <= batch <= 65535:  # the third dimension of a grid
        raise OptionError(f"batch = {batch}: expected 1 to 65535")
    if picture.high_bits and picture.depth == 8:
        raise OptionError("high_bits at 8 bits: expected 9 to 16 bits")


def _check_phases(picture: Picture, shuffle: int, channels: int) -> None:
    if shuffle not in (1, 2, 4):
        raise OptionError(f"shuffle = {shuffle}: expected 1, 2 or 4")
    if picture.width % shuffle or picture.height % shuffle:
        size = f"{picture.width}x{picture.height}"
        raise OptionError(f"picture of {size}: expected multiples of shuffle = {shuffle}")
    if channels not in (1, 3) or (channels == 1 and picture.subsampling != (0, 0)):
        raise OptionError(
            f"{channels} channels to subsampling {picture.subsampling}: expected 3, or 1 to (0, 0)"
        )
