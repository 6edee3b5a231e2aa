"""Pictures as callers have them: of torch, NumPy and PyAV, to and from what engines see."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.notes import Notes
from vidsr.picture.chroma import components, split
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, to_image, view_planes
from vidsr.picture.size import Size
from vidsr.upscaling import transform
from vidsr.video.coding.blind.estimate import look
from vidsr.video.pixel_formats import (
    conform,
    has_alpha,
    has_clear_colors,
    read_format,
    resolve_matrix,
)

Array = NDArray[np.generic]
Upscale = Callable[[Tensor], Tensor]  # [N, 3, h, w] float in [0, 1] -> [N, 3, H, W]


def upscale_array(array: Array, upscale: Upscale) -> Array:
    """Upscale [H, W, 3] RGB or [H, W] grey of uint8, uint16 or floats in [0, 1].

    Raises OptionError for other shapes and types.
    """
    array = np.asarray(array)  # a matrix of NumPy's keeps two axes, whatever is done with it
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise OptionError(f"array.shape: expected [H, W, 3] or [H, W], got {array.shape}.")
    peak = _peak(array.dtype)
    samples = torch.from_numpy(array.astype(np.float32, order="C")).div_(peak)
    rgb = samples.expand(3, -1, -1) if array.ndim == 2 else samples.permute(2, 0, 1)
    large = upscale(rgb[None])[0]
    shaped = large.mean(0) if array.ndim == 2 else large.permute(1, 2, 0)
    levels = shaped if peak == 1 else (shaped * peak).round()
    return levels.numpy().astype(array.dtype)


def upscale_tensor(x: Tensor, upscale: Upscale) -> Tensor:
    """Upscale [3, H, W] or [N, 3, H, W] RGB, floats in [0, 1] or uint8.

    Raises OptionError for other shapes and types.
    """
    _check_samples(x)
    if x.ndim not in (3, 4) or x.shape[-3] != 3:
        raise OptionError(f"x.shape: expected [3, H, W] or [N, 3, H, W], got {tuple(x.shape)}.")
    if not (x.is_floating_point() or x.dtype == torch.uint8):
        raise OptionError(f"x.dtype: expected floating point or uint8, got {x.dtype}.")
    peak = 1 if x.is_floating_point() else 255
    large = upscale((x if x.ndim == 4 else x[None]).float() / peak)
    levels = large if peak == 1 else (large * peak).round()
    result = levels.to(device=x.device, dtype=x.dtype)
    return result if x.ndim == 4 else result[0]


def _check_samples(x: Tensor) -> None:
    """Raise OptionError for a tensor whose samples do not lie in memory one by one."""
    kind = "meta" if x.is_meta else "nested" if x.is_nested else "quantized"
    if x.is_meta or x.is_nested or x.is_quantized:
        raise OptionError(f"x: expected a tensor with samples in memory, got a {kind} one.")
    if x.layout != torch.strided:
        raise OptionError(f"x.layout: expected torch.strided, got {x.layout}.")


def rgb_format(batch: Tensor) -> VideoFormat:
    """Return the format of [N, 3, H, W] float RGB. Raises OptionError for samples outside [0, 1].

    A little beyond is a filter's overshoot; 200 is a picture in 0..255, NaN an error.
    """
    if min(batch.shape) < 1:
        raise OptionError(f"{tuple(batch.shape) = }: an empty picture.")
    low, high = (float(v) for v in batch.detach().aminmax())
    if not (low >= -1 and high <= 2):
        raise OptionError(f"samples: floats are expected in [0, 1], got {low:g} to {high:g}.")
    return VideoFormat(batch.shape[3], batch.shape[2], PixelFormat("rgb", 16), transform.RGB_FULL)


def planar(image: av.VideoFrame, error: CodingError | None = None) -> Frame:
    """Return the planes of a picture of any pixel format, its matrix resolved.

    ``error``: what is known of its coding.
    """
    layout = read_format(image, "")
    color = resolve_matrix(layout.color, layout.height)
    layout = VideoFormat(layout.width, layout.height, layout.pixel, color)
    planes = view_planes(conform(image, layout, layout))
    return Frame(planes, layout, image.pts, coding_error=error)


def estimate_coding_error(picture: Tensor | Array | av.VideoFrame) -> float:
    """Return how far codecs seem to have moved the luma of a picture, by its look alone.

    It is made for pictures of unknown origin, and takes 5 to 10 ms. Neighbours in a stream may
    differ: estimate once for some of them.

    Args:
        picture: torch ``[3, H, W]`` or ``[N, 3, H, W]`` RGB, float in [0, 1] or uint8; NumPy
            ``[H, W, 3]`` RGB or ``[H, W]`` grey of uint8, uint16, or float in [0, 1]; or
            ``av.VideoFrame``.

    Returns:
        Root mean square in levels of 8 bits, as ``coding_error`` takes it, the mean for a batch; 0
        for what seems clean, is smaller than 128x64, or leaves a doubt.

    Raises:
        OptionError: ``picture`` is none of these, empty, or has samples far outside of [0, 1].
    """
    if isinstance(picture, av.VideoFrame):
        frame = planar(picture)
        if frame.format.pixel.family != "rgb":
            return look(frame.planes[0].numpy(), frame.format.pixel.depth).beyond(0.0)
        return look(_limited(components(frame).luma), 8).beyond(0.0)
    seen: list[Tensor] = []

    def see(rgb: Tensor) -> Tensor:
        rgb_format(rgb)
        seen.extend(rgb)
        return rgb

    if isinstance(picture, Tensor):
        _check_samples(picture)
        upscale_tensor(picture.detach().cpu(), see)
    elif isinstance(picture, np.ndarray):
        upscale_array(picture, see)
    else:
        raise OptionError(
            f"picture: expected torch.Tensor, numpy.ndarray or av.VideoFrame, "
            f"got type {type(picture).__name__}."
        )
    return fmean(look(_limited(split(rgb.clone()).luma), 8).beyond(0.0) for rgb in seen)


def _limited(luma: Tensor) -> NDArray[np.uint8]:
    """Return luma of [0, 1] in levels of 8 bits, as video has them."""
    levels: NDArray[np.uint8] = (16 + 219 * luma).round().clamp(0, 255).byte().numpy()
    return levels


def note_losses(image: av.VideoFrame, notes: Notes) -> None:
    """Log a warning, once, where a picture holds more than its larger one will."""
    if has_alpha(image) or has_clear_colors(image):
        notes.say("the alpha channel (transparency) is not carried over")


def delivered(frame: Frame, original: av.VideoFrame, *, keep_matrix: bool = True) -> av.VideoFrame:
    """Return a picture of its own, with the tags and the clock of the original.

    ``keep_matrix``: one that was not named stays so, whatever it was taken for.
    """
    result = to_image(frame)
    frame.release()
    if keep_matrix:
        result.colorspace = read_format(original, "").color.matrix
    if original.time_base is not None:  # a picture built in memory has none
        result.time_base = original.time_base
    return result


def tile_size(tile: object) -> Size | None:
    """Return the size of a tile that is given as (height, width). Raises OptionError."""
    if tile is None:
        return None
    if not (isinstance(tile, tuple) and len(tile) == 2 and min(tile) > 0):
        raise OptionError(f"tile: expected (height, width), each at least 1, got {tile!r}.")
    return Size(height=tile[0], width=tile[1])


def _peak(dtype: np.dtype[np.generic]) -> int:
    dtype = dtype.newbyteorder("=")
    if dtype == np.uint8:
        return 255
    if dtype == np.uint16:
        return 65535
    if np.issubdtype(dtype, np.floating):
        return 1
    raise OptionError(f"array.dtype: expected uint8, uint16 or floats, got {dtype}.")
