"""The way of a frame through the Triton kernels: a pass over memory before the network, one after.

Between them is nothing but the engine: no float picture is written at the size of the target. The
chroma of luma networks goes by their side, in a pass of its own.
What the kernels do not do (another size than the network's, another matrix, restorers that change
as little as they can) is left to ``vidsr.upscaling.transform``, which gives the same
within a level.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.tiling import run_tiled
from vidsr.notes import logger
from vidsr.picture import conversion
from vidsr.picture.chroma import Components, chroma_planes, keeps_matrix, with_weights
from vidsr.picture.frame import VideoFormat
from vidsr.picture.size import Size

Planes = tuple[Tensor, ...]


@cache
def has_kernels(device: torch.device) -> bool:
    """Return True if Triton's kernels run there; log a warning once where they should and do not.

    Triton may be there and unable to make what launches a kernel, for want of a C compiler.
    """
    if device.type != "cuda" or find_spec("triton") is None:
        return False
    try:
        from vidsr.kernels.triton_kernels.pixel_shuffle import pixel_shuffle

        pixel_shuffle(torch.zeros(1, 4, 1, 1, device=device), 2)
    except Exception as error:  # Triton raises nearly anything, the compiler's own errors included
        reason = str(error).strip().partition("\n")[0]
        logger.warning(f"{device}: Triton cannot run kernels, PyTorch converts colours: {reason}")
        return False
    return True


def serves(source: VideoFormat, target: VideoFormat, engine: Engine) -> bool:
    """Return True if ``enlarge_planes`` is for these formats on the engine's device."""
    same_size = (source.width * engine.scale, source.height * engine.scale) == (
        target.width,
        target.height,
    )
    if not (same_size and engine.scale > 1 and has_kernels(engine.device)):
        return False
    from vidsr.kernels.triton_kernels.checks import GRID_LIMITS

    if source.height > GRID_LIMITS[1]:  # yuv_to_rgb has a program a row, the others have fewer
        return False
    return engine.channels == 3 or keeps_matrix(source, target)


def enlarge_planes(
    planes: Planes, source: VideoFormat, target: VideoFormat, engine: Engine, tile: Size | None
) -> Planes:
    """Return what ``transform.enlarge_planes`` does, where ``serves`` says so."""
    by = _by_luma if engine.channels == 1 else _by_rgb
    return by(planes, source, target, engine, tile)


def _by_rgb(
    planes: Planes, source: VideoFormat, target: VideoFormat, engine: Engine, tile: Size | None
) -> Planes:
    from vidsr.kernels.triton_kernels.shuffle_to_yuv import shuffle_to_yuv
    from vidsr.kernels.triton_kernels.yuv_to_rgb import yuv_to_rgb

    x = yuv_to_rgb(planes, source, dtype=engine.input_dtype, channels_last=True)
    phases = run_tiled(engine, x, tile)
    large = shuffle_to_yuv(
        phases, with_weights(target), shuffle=engine.shuffle, offset=engine.offset
    )
    return tuple(plane[0] for plane in large)


def _by_luma(
    planes: Planes, source: VideoFormat, target: VideoFormat, engine: Engine, tile: Size | None
) -> Planes:
    from vidsr.kernels.triton_kernels.shuffle_to_yuv import shuffle_to_yuv

    luma = conversion.dequantize_luma(planes[0], conversion.quantization(source))
    phases = run_tiled(engine, luma[None, None].to(engine.input_dtype), tile)
    (large,) = shuffle_to_yuv(phases, target, shuffle=engine.shuffle, offset=engine.offset)
    if target.pixel.family == "gray":
        return (large[0],)
    if source.pixel.family == "gray":
        neutral = Components(luma, None, source)
        return (large[0], *chroma_planes(neutral, target, conversion.quantization(target)))
    return (large[0], *_chroma(planes[1:], source, target))


def _chroma(planes: Planes, source: VideoFormat, target: VideoFormat) -> Planes:
    from vidsr.kernels.triton_kernels.resample_chroma import resample_chroma

    large = resample_chroma([plane[None] for plane in planes], source, target)
    return tuple(plane[0] for plane in large)
