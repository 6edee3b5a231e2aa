"""Decoding on an NVIDIA GPU (NVDEC), and its pictures as tensors on that GPU.

FFmpeg drives the decoder and PyAV hands out its surfaces; here they are asked for and read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import torch
from av.codec.hwaccel import HWAccel
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from vidsr.errors import DeviceError
from vidsr.picture.frame import PixelFormat
from vidsr.video.pixel_formats import on_gpu

# What a surface holds: bits of a sample, and how far up in its 16 they lie. FFmpeg's NVDEC says
# P016 for 12 bits.
_SURFACES = {"nv12": (8, 0), "p010le": (10, 6), "p016le": (12, 4)}
# PyAV gives no tensors of it, but it can be fetched. Deeper full chroma, and 4:2:2, do not say how
# many of their 16 bits count.
_FETCHED = ("yuv444p",)


@dataclass(frozen=True)
class Nvdec:
    """A GPU to decode on. ``stay`` says whether pictures stay there or come to the CPU."""

    hwaccel: HWAccel
    stay: bool


def open_nvdec(devices: tuple[torch.device, ...]) -> Nvdec:
    """Return NVDEC of the GPU that upscales, the first GPU where the CPU or several do.

    Pictures stay where one GPU does everything. Raises DeviceError without GPU or driver.
    """
    first = devices[0]
    settings: dict[str, object] = {"primary_ctx": "0"}
    if torch.cuda.is_available():
        settings["current_ctx"] = "1"
    accel = HWAccel(
        *("cuda", str(first.index or 0)),
        allow_software_fallback=True,
        options=settings,
        is_hw_owned=True,
    )
    try:
        with shared_context(accel):
            accel.create(av.Codec("h264", "r"))  # FFmpeg's own question for a GPU and a driver
    except (av.error.FFmpegError, OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeviceError(
            f"decoder = 'cuda' needs an NVIDIA GPU and its driver: {reason}",
            hint="decoder = 'cpu' decodes on the CPU.",
        ) from error
    return Nvdec(accel, stay=len(devices) == 1 and first.type == "cuda")


@contextmanager
def shared_context(accel: HWAccel) -> Iterator[None]:
    """Make PyTorch's CUDA context the thread's while FFmpeg opens a device, which takes it.

    Memory belongs to a context. FFmpeg's way of asking for the same one, ``primary_ctx``, fails
    once PyTorch has used it: it insists on blocking waits, which PyTorch has not asked for.
    """
    if not torch.cuda.is_available():
        yield
        return
    with torch.cuda.device(accel.device_id):
        torch.empty(1, device="cuda")  # choosing a device alone may leave its context unmade
        yield


def is_exact(image: av.VideoFrame, width: int, height: int) -> bool:
    """Return True for a surface of what the CPU would decode: the same samples, all of them.

    FFmpeg crops surfaces at the right and at the bottom only (av_frame_apply_cropping): a stream
    that is cropped at the left or the top comes out larger than its decoder's own ``width`` x
    ``height``.
    """
    known = on_gpu(image) and _surface(image) in (*_SURFACES, *_FETCHED)
    return known and (image.width, image.height) == (width, height)


def has_tensors(image: av.VideoFrame) -> bool:
    """Return True if ``unpack`` reads the surface without loss.

    PyAV rounds the chroma of odd sizes down, to the last column or line less.
    """
    even = image.width % 2 == 0 and image.height % 2 == 0
    return even and _surface(image) in _SURFACES


def unpack(image: av.VideoFrame) -> tuple[Tensor, ...]:
    """Return the surface as planes of its device, ``[h, w]`` uint8 or uint16 code values.

    Copies, finished on return: a picture may wait longer for its turn than the decoder, which has
    a fixed number of surfaces, can spare one. The thread sleeps until these copies are done and for
    nothing else on the device; networks at work on streams of their own are not waited for.

    What FFmpeg does (libavutil/hwcontext_cuda.c) is queued on the null stream of the context
    that it was given, PyTorch's default stream. There, and not on the caller's stream, surfaces are
    read, behind the decoder's own copies. The wait would be needless if a surface that is given
    back were always filled again on that stream; FFmpeg has a mode that hands out what the decoder
    itself fills, and PyAV does not say which one is on. Not yet timed on a GPU.
    """
    _, shift = _SURFACES[_surface(image)]
    # The capsule, not the plane: PyTorch would pass its stream on, which PyAV refuses.
    luma, chroma = (from_dlpack(plane.__dlpack__()) for plane in image.planes)
    parts = (luma, chroma[..., 0], chroma[..., 1])
    if not luma.is_cuda:
        return tuple(_samples(part, shift) for part in parts)
    default = torch.cuda.default_stream(luma.device)
    with torch.cuda.stream(default):
        planes = tuple(_samples(part, shift) for part in parts)
        # Blocking: a thread that spins would take a core from the encoder.
        copied = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        copied.record(default)
    copied.synchronize()
    return planes


def _samples(stored: Tensor, shift: int) -> Tensor:
    """Return a copy without gaps; values that lie high in 16 bits are moved down."""
    if not shift:
        return stored.clone(memory_format=torch.contiguous_format)
    # PyTorch has no shift of uint16 on every device: int16 has, and the mask drops its sign.
    mask = (1 << (16 - shift)) - 1
    return (stored.view(torch.int16) >> shift).bitwise_and_(mask).contiguous().view(torch.uint16)


def blank(image: av.VideoFrame) -> av.VideoFrame:
    """Return an empty planar picture of the surface's size, depth and colour tags."""
    bare = av.VideoFrame(image.width, image.height, _planar(image))
    bare.colorspace, bare.color_range = image.colorspace, image.color_range
    bare.color_primaries, bare.color_trc = image.color_primaries, image.color_trc
    return bare


def fetch(image: av.VideoFrame) -> av.VideoFrame:
    """Return the surface as a planar picture in the CPU's memory, with all that hangs on it."""
    # Moves samples and changes none. One thread, for swscale's slices can overwrite samples of
    # P010; one matrix on both sides, whichever, for it refuses those that it cannot compute.
    fetched = image.reformat(format=_planar(image), threads=1, src_colorspace=5, dst_colorspace=5)
    fetched.colorspace, fetched.color_range = image.colorspace, image.color_range
    return fetched


def _planar(image: av.VideoFrame) -> str:
    """Return FFmpeg's name of the format that holds the surface's code values and nothing else."""
    name = _surface(image)
    if name not in _SURFACES:
        return name
    return PixelFormat("yuv", _SURFACES[name][0], (2, 2)).name


def _surface(image: av.VideoFrame) -> str:
    """Return FFmpeg's name of how the surface's samples are laid out."""
    layout = image.sw_format
    return layout.name if layout is not None else ""
