"""The reusable transform: frames in, larger frames out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar, overload

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidsr.engines.devices import resolve_devices
from vidsr.engines.engine import Engine
from vidsr.engines.selection.choice import EngineChoice
from vidsr.errors import OptionError
from vidsr.models.families import check_scale, choose_model
from vidsr.models.zoo import load_model
from vidsr.notes import Notes
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, to_image, view_planes
from vidsr.upscaling import transform
from vidsr.upscaling.cpu_workers import Workers
from vidsr.upscaling.device_ring import Ring, by_format
from vidsr.upscaling.engine_pool import Runner
from vidsr.upscaling.memory_plan import (
    HELD_FRAMES,
    MemoryPlan,
    default_limit,
    fits_whole,
    plan_memory,
)
from vidsr.values import EngineKind, ModelName, Precision, parse_bytes
from vidsr.video.pixel_formats import conform, read_format, resolve_matrix

T = TypeVar("T")
Array = NDArray[np.generic]


class Upscaler:
    """Enlarges pictures of any size, one at a time; build it once, call it often.

    ``model``      a shipped name (``lite-x4``), a family (``lite``), a path, or ``auto``
    ``scale``      2 or 4, or 1 with a model that restores without enlarging; None means what the
                   model does, 4 for ``auto``
    ``device``     ``auto``, ``cpu``, ``cuda``, ``cuda:n``, or several: ``cuda:0,cuda:1``
    ``precision``  ``auto``, ``fp32``, ``bf16`` or ``fp16``
    ``engine``     ``auto``, ``torch``, ``tensorrt``, ``compile``, ``openvino``: see
                   ``EngineChoice``
    ``wait_for_engine``  have the first frame wait until TensorRT has built its engine
    ``tile``       (height, width) in source pixels that the network sees at once, halo aside
    ``max_memory`` bytes, or text such as ``"2G"``; chooses the tile where none is given. On CUDA it
                   is memory of each device: slots, networks, CUDA graphs

    Raises OptionError, ModelError, DeviceError; calls may raise MemoryLimitError. An instance
    serves one thread at a time.
    """

    def __init__(
        self,
        model: ModelName = "auto",
        *,
        scale: int | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        engine: EngineKind = "auto",
        wait_for_engine: bool = False,
        tile: tuple[int, int] | None = None,
        max_memory: int | str | None = None,
        notes: Notes | None = None,
    ) -> None:
        devices = resolve_devices(device)
        choice = EngineChoice(engine, precision, wait_for_engine)
        choice.check(devices[0])
        self.model = load_model(choose_model(model, scale, devices[0]))
        check_scale(self.model.name, self.model.config.scale, scale)
        if tile is not None and not (isinstance(tile, tuple) and len(tile) == 2 and min(tile) > 0):
            raise OptionError(f"{tile = }: allowed is (height, width), each at least 1.")
        self.notes = notes or Notes()
        if wait_for_engine and not choice.may_follow(devices[0]):
            self.notes.say(f"there is no TensorRT to wait for: PyTorch runs on {devices[0]}")
        self.runner = Runner(self.model, choice, devices, self.memory_plan, self.notes)
        self.tile = tile
        if max_memory is None:
            self.memory_limit = min(default_limit(device) for device in devices)
        else:
            self.memory_limit = parse_bytes(str(max_memory))
        self._plans: dict[tuple[VideoFormat, VideoFormat, int], dict[int, MemoryPlan]] = {}

    @property
    def engine(self) -> Engine:
        """What runs now, on the first device."""
        return self.runner.engine

    @property
    def scale(self) -> int:
        """How many times wider and higher the result is."""
        return self.engine.scale

    @overload
    def __call__(self, picture: Tensor) -> Tensor: ...
    @overload
    def __call__(self, picture: Array) -> Array: ...
    @overload
    def __call__(self, picture: av.VideoFrame) -> av.VideoFrame: ...
    def __call__(self, picture: Tensor | Array | av.VideoFrame) -> Tensor | Array | av.VideoFrame:
        """Enlarge one picture, or a batch, of any of these kinds; the same kind comes back.

        * torch: ``[3, H, W]`` or ``[N, 3, H, W]`` RGB, float in [0, 1] or uint8
        * NumPy: ``[H, W, 3]`` RGB or ``[H, W]`` grey; uint8, uint16, or float in [0, 1]
        * ``av.VideoFrame`` of any pixel format; ``pts``, ``time_base`` and colour tags are kept
        """
        if isinstance(picture, Tensor):
            return self._tensor(picture)
        if isinstance(picture, np.ndarray):
            return self._array(picture)
        if isinstance(picture, av.VideoFrame):
            return self._image(picture)
        raise OptionError(
            f"a picture of type {type(picture).__name__}: "
            f"allowed are torch.Tensor, numpy.ndarray and av.VideoFrame."
        )

    def enlarge(self, frame: Frame, target: VideoFormat | None = None) -> Frame:
        """Enlarge planes; ``target`` may ask for another size, pixel format or matrix."""
        source = frame.format
        target = target or self.target_format(source)
        with self.runner.alone(source, target, lambda: self._seen(frame.planes, source)) as engine:
            tile = self.memory_plan(source, target, engine).tile
            return transform.enlarge(frame, target, engine, tile)

    def _seen(self, planes: tuple[Tensor, ...], layout: VideoFormat) -> Tensor:
        planes = tuple(plane.to(self.engine.device) for plane in planes)
        return transform.engine_input(planes, layout, self.engine)

    def stream(
        self, pictures: Iterable[T], target: VideoFormat | None = None, *, held: int = 1
    ) -> Iterator[T]:
        """Enlarge a stream of pictures in order; what is no picture passes through in its place.

        Pictures are ``av.VideoFrame`` or ``Frame``. On CUDA several are on their
        way at once: one comes out when some more have gone in, or with the first to go in after it
        is done. The planes of a ``Frame`` that comes out are lent: call ``release`` when they have
        been read. ``held`` is how many of them are kept unreleased at a time.

        On a processor frames are enlarged side by side, each by its share of PyTorch's threads.
        """
        originals: deque[av.VideoFrame | None] = deque()
        frames = self._frames(pictures, originals)
        for result in self._enlarged(frames, target, held):
            original = originals.popleft()
            if original is not None:
                result = _delivered(result, original, keep_matrix=target is None)
            yield result

    def _frames(self, pictures: Iterable[Any], originals: deque[Any]) -> Iterator[Any]:
        for picture in pictures:
            image = isinstance(picture, av.VideoFrame)
            originals.append(picture if image else None)
            yield _planar(picture) if image else picture

    def _enlarged(
        self, items: Iterable[Any], target: VideoFormat | None, held: int
    ) -> Iterator[Any]:
        def way(source: VideoFormat) -> Ring | Workers:
            large = target or self.target_format(source)
            if self.runner.streams:
                return self.runner.ring(source, large, held)
            return Workers(
                lambda frame: self.enlarge(frame, large), self.side_by_side(source, large)
            )

        yield from by_format(items, way)

    def side_by_side(self, source: VideoFormat, target: VideoFormat) -> int:
        """How many frames a processor enlarges at once: as many as it has threads and room for."""
        if self.tile is not None:
            return 1
        count = torch.get_num_threads()
        while count > 1 and not fits_whole(source, target, self.engine, self.memory_limit, count):
            count //= 2
        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what still goes on in the background."""
        self.runner.close()

    def target_format(self, source: VideoFormat) -> VideoFormat:
        """``source``'s format, ``scale`` times larger."""
        width, height = source.width * self.scale, source.height * self.scale
        return VideoFormat(width, height, source.pixel, source.color)

    def plan(self, source: VideoFormat, target: VideoFormat) -> transform.Tile:
        """The tile frames of this format are cut into; None for whole frames."""
        return self.memory_plan(source, target).tile

    def memory_plan(
        self,
        source: VideoFormat,
        target: VideoFormat,
        engine: Engine | None = None,
        held: int = HELD_FRAMES,
    ) -> MemoryPlan:
        """What frames of this format take on each device, and the tile that keeps the limit.

        ``engine`` is the one that runs now unless given; with another that takes more, as float32
        does after half precision was rejected, the tile is chosen anew, and that is said.
        """
        engine = engine or self.engine
        plans = self._plans.setdefault((source, target, held), {})
        if engine.bytes_per_pixel not in plans:
            load = self.runner.load(engine, held)
            plan = plan_memory(source, target, engine, self.memory_limit, load, self.tile)
            if any(plan.tile != other.tile for other in plans.values()):
                tile = f"{plan.tile[1]}x{plan.tile[0]}" if plan.tile else "the whole frame"
                self.notes.say(
                    f"{engine.name} in {str(engine.dtype)[6:]} sees {tile} at once, "
                    f"to keep the limit of memory"
                )
            plans[engine.bytes_per_pixel] = plan
        return plans[engine.bytes_per_pixel]

    def _image(self, image: av.VideoFrame) -> av.VideoFrame:
        return _delivered(self.enlarge(_planar(image)), image)

    def _array(self, array: Array) -> Array:
        if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
            raise OptionError(f"{array.shape = }: allowed are [H, W, 3] and [H, W].")
        peak = _peak(array.dtype)
        samples = torch.from_numpy(array.astype(np.float32, order="C")).div_(peak)
        rgb = samples.expand(3, -1, -1) if array.ndim == 2 else samples.permute(2, 0, 1)
        large = self._rgb(rgb[None])[0]
        shaped = large.mean(0) if array.ndim == 2 else large.permute(1, 2, 0)
        levels = shaped if peak == 1 else (shaped * peak).round()
        return levels.numpy().astype(array.dtype)

    def _tensor(self, x: Tensor) -> Tensor:
        if x.ndim not in (3, 4) or x.shape[-3] != 3:
            raise OptionError(f"{x.shape = }: allowed are [3, H, W] and [N, 3, H, W].")
        if not (x.is_floating_point() or x.dtype == torch.uint8):
            raise OptionError(f"{x.dtype = }: allowed are floating point and uint8.")
        peak = 1 if x.is_floating_point() else 255
        large = self._rgb((x if x.ndim == 4 else x[None]).float() / peak)
        levels = large if peak == 1 else (large * peak).round()
        result = levels.to(device=x.device, dtype=x.dtype)
        return result if x.ndim == 4 else result[0]

    def _rgb(self, batch: Tensor) -> Tensor:
        """``[N, 3, h, w]`` float in [0, 1] -> ``[N, 3, H, W]``, clamped."""
        if min(batch.shape) < 1:
            raise OptionError(f"{tuple(batch.shape) = }: an empty picture.")
        low, high = (float(v) for v in batch.detach().aminmax())
        # A little beyond [0, 1] is a filter's overshoot; 200 is a picture in 0..255, NaN an error.
        if not (low >= -1 and high <= 2):
            raise OptionError(f"samples from {low:g} to {high:g}: floats are expected in [0, 1].")
        source = VideoFormat(
            batch.shape[3], batch.shape[2], PixelFormat("rgb", 16), transform.RGB_FULL
        )
        target = self.target_format(source)
        seen = lambda: transform.rgb_input(batch[0], self.engine)  # noqa: E731
        with self.runner.alone(source, target, seen) as engine:
            tile = self.memory_plan(source, target, engine).tile
            return torch.stack([transform.enlarge_rgb(rgb, engine, tile) for rgb in batch])


def _planar(image: av.VideoFrame) -> Frame:
    layout = read_format(image, "")
    color = resolve_matrix(layout.color, layout.height)
    layout = VideoFormat(layout.width, layout.height, layout.pixel, color)
    return Frame(view_planes(conform(image, layout, layout)), layout, image.pts)


def _delivered(frame: Frame, original: av.VideoFrame, *, keep_matrix: bool = True) -> av.VideoFrame:
    """A picture of its own, with the tags and the clock of the original.

    ``keep_matrix``: one that was not named stays so, whatever it was taken for.
    """
    result = to_image(frame)
    frame.release()
    if keep_matrix:
        result.colorspace = read_format(original, "").color.matrix
    if original.time_base is not None:  # a picture built in memory has none
        result.time_base = original.time_base
    return result


def _peak(dtype: np.dtype[np.generic]) -> int:
    if dtype == np.uint8:
        return 255
    if dtype == np.uint16:
        return 65535
    if np.issubdtype(dtype, np.floating):
        return 1
    raise OptionError(f"array.dtype = {dtype}: allowed are uint8, uint16 and floats.")
