"""Chroma made larger on the host, with numpy, for networks on luma in programs without torch.

Catmull-Rom, where the chroma is sited: what ``resample_chroma`` gives, rounded.
"""

from __future__ import annotations

import math
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vidsr.kernels.cuda.layout import Picture

Floats = NDArray[np.float32]


def enlarge_chroma(image: av.VideoFrame, small: Picture, large: av.VideoFrame, scale: int) -> None:
    """Fill the chroma of ``large``, ``scale`` times as large as ``image``, planar or interleaved.

    From 960x540 to 3840x2160 in 4:2:0, 8 bits, it takes 70 ms on one core of a server.
    """
    components = 2 if len(image.planes) == 2 else 1
    for source, target in zip(image.planes[1:], large.planes[1:], strict=True):
        codes, result = (_samples(p, small, components) for p in (source, target))
        shift = 16 - small.depth if small.high_bits else 0
        values = (codes >> shift).astype(np.float32)
        for axis in (0, 1):
            origin = _origin(scale, small.subsampling[1 - axis], small.cosited[1 - axis])
            values = _enlarged(values, axis, scale, result.shape[axis], origin)
        # Nothing is negative after the clip, so the cast is a floor and halves are rounded up.
        values += 0.5
        np.clip(values, 0, 2**small.depth - 0.5, out=values)
        result[:] = values.astype(result.dtype) << shift


def _samples(plane: Any, picture: Picture, components: int) -> NDArray[Any]:
    """Return ``[h, w, components]`` of uint8 or uint16, without a copy."""
    dtype = np.dtype(f"u{picture.sample_bytes}")
    rows = np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
    return rows[:, : plane.width * components].reshape(plane.height, plane.width, components)


def _origin(scale: int, subsampling: int, cosited: bool) -> float:
    """Return where output 0 lies among the inputs, as ``chroma_grid`` has it."""
    position = 0.0 if cosited else (subsampling - 1) / 2
    return ((position + 0.5) / scale - 0.5 - position) / subsampling


def _enlarged(x: Floats, axis: int, scale: int, size: int, origin: float) -> Floats:
    """Return ``scale`` outputs between inputs of an axis, ``size`` in all; edges repeat."""
    count = x.shape[axis]
    padding = [(2, 2) if a == axis else (0, 0) for a in range(x.ndim)]
    padded = np.pad(x, padding, mode="edge")
    shape = list(x.shape)
    shape.insert(axis + 1, scale)
    out = np.empty(shape, np.float32)
    for phase in range(scale):
        whole = math.floor(origin + phase / scale)
        weights = _catmull_rom(origin + phase / scale - whole)
        taps = (
            weight * padded.take(range(start, start + count), axis)
            for start, weight in enumerate(weights, whole + 1)
        )
        out[(slice(None),) * (axis + 1) + (phase,)] = sum(taps)
    shape[axis : axis + 2] = [count * scale]
    return out.reshape(shape)[(slice(None),) * axis + (slice(size),)]


def _catmull_rom(t: float) -> tuple[np.float32, ...]:
    """Return weights of the samples at -1, 0, 1 and 2 for a position ``t`` in [0, 1).

    Keys, Cubic Convolution Interpolation, IEEE Trans. ASSP 29 (1981), with a = -1/2.
    """
    weights = (
        ((-t + 2) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((-3 * t + 4) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    return tuple(np.float32(weight) for weight in weights)
