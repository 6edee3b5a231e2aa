"""Items of a stream, as callers have them: pictures of every kind, and what is none."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import av
import numpy as np
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling.picture_kinds import Array, planar

Samples: TypeAlias = "Tensor | Array"
_HOLDS_SAMPLES = ("__array__", "__array_interface__", "__cuda_array_interface__", "__dlpack__")
# Packets of PyAV are buffers, too, and pass: what holds pictures or numbers is named here.
_CONTAINERS = (list, tuple, set, frozenset, Mapping, bytes, bytearray, memoryview, array)


def samples_of(item: object) -> Samples | None:
    """Return ``item`` if it is a picture of torch or NumPy, which one call upscales."""
    return item if isinstance(item, Tensor | np.ndarray) else None


def is_picture(item: object) -> bool:
    """Return True for what a stream upscales. Raises OptionError for what only looks like it.

    Marks, packets and whatever else holds no samples are none.
    """
    if isinstance(item, Frame | av.VideoFrame | Tensor | np.ndarray):
        return True
    kind = type(item)
    if isinstance(item, _CONTAINERS) or any(hasattr(kind, name) for name in _HOLDS_SAMPLES):
        raise OptionError(
            f"pictures: expected torch.Tensor, numpy.ndarray, av.VideoFrame or Frame, got an item "
            f"of type {kind.__name__}.",
            hint="convert it, for example with numpy.asarray, before it goes in.",
        )
    return False


def each_of(pictures: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over ``pictures``. Raises OptionError for a single one."""
    alone = isinstance(pictures, str | bytes | av.VideoFrame | Frame)
    if isinstance(pictures, Tensor | np.ndarray):
        alone = pictures.ndim != 4
    if alone or not isinstance(pictures, Iterable):
        raise OptionError(
            f"pictures: expected an iterable of pictures, got type {type(pictures).__name__}.",
            hint="put a single picture into a list, or call the upscaler with it.",
        )
    return iter(pictures)


def accepted(
    items: Iterator[Any],
    originals: Callable[[Any], None],
    *,
    target: VideoFormat | None,
    stateful: bool,
    error: CodingError | None = None,
) -> Iterator[Any]:
    """Yield planes for pictures of PyAV and all else as it is; give every item to ``originals``.

    ``error``: what is known of the coding of pictures of PyAV.

    Raises:
        OptionError: An item looks like a picture of a kind that no call takes, or is one of torch
            or NumPy where these cannot be: beside a target's format, or on an engine whose state
            only frames have.
    """
    for item in items:
        if is_picture(item) and samples_of(item) is not None and (target is not None or stateful):
            why = "a network that keeps a state" if stateful else "a stream with `target`"
            raise OptionError(
                f"pictures: {why} takes av.VideoFrame or Frame, got type {type(item).__name__}."
            )
        originals(item)
        yield planar(item, error) if isinstance(item, av.VideoFrame) else item
