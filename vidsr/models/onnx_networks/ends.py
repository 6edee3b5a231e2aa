"""Pictures in the form that a network takes, and what it gives as pictures again, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsr.models.onnx_networks.contract import End

Array = NDArray[Any]
# Black and white in each range, as factor and offset of a picture in [0, 1].
AFFINE = {"unit": (1.0, 0.0), "byte": (255.0, 0.0), "signed": (2.0, -1.0)}


def to_network(pictures: Array, end: End) -> Array:
    """Return [N, C, H, W] in [0, 1] float32 as the network takes it, contiguous."""
    factor, offset = AFFINE[end.range]
    x = pictures[:, ::-1] if end.order == "bgr" else pictures
    if factor != 1:
        x = x * np.float32(factor)
    if offset:
        x = x + np.float32(offset)
    if end.type == "uint8":
        x = np.clip(np.rint(x), 0, 255)
    if end.layout == "nhwc":
        x = x.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(x, dtype=end.type)


def from_network(result: Array, end: End) -> Array:
    """Return what the network gives as [N, C, H, W] about [0, 1], float32."""
    factor, offset = AFFINE[end.range]
    y = result.transpose(0, 3, 1, 2) if end.layout == "nhwc" else result
    y = y.astype(np.float32, copy=False)
    if offset:
        y = y - np.float32(offset)
    if factor != 1:
        y = y * np.float32(1 / factor)
    return np.ascontiguousarray(y[:, ::-1] if end.order == "bgr" else y)
