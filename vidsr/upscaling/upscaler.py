"""The reusable transform: frames in, larger frames out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Self, TypeVar, overload

import av
import numpy as np
import torch
from torch import Tensor

from vidsr.engines.devices import resolve_devices
from vidsr.engines.engine import Engine
from vidsr.engines.selection.engine_order import EngineChoice
from vidsr.errors import OptionError
from vidsr.fetching.if_named import fetch_if_named
from vidsr.models.chain import restored_model
from vidsr.models.families import (
    check_restorer,
    check_scale,
    choose_model,
    choose_restorer,
    restorer_alone,
)
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import onnx_network
from vidsr.models.zoo import load_model
from vidsr.notes import Notes
from vidsr.option_values import (
    EngineKind,
    ModelName,
    Precision,
    ReuseMode,
    Strength,
    model_name,
    parse_bytes,
)
from vidsr.picture.coding_error import CodingError, given_error
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling import transform
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.forked import check_not_forked, mark_used
from vidsr.upscaling.format_run import FormatRun
from vidsr.upscaling.memory_plan import HELD_FRAMES, MemoryPlan
from vidsr.upscaling.picture_kinds import (
    Array,
    delivered,
    note_losses,
    planar,
    rgb_format,
    tile_size,
    upscale_array,
    upscale_tensor,
)
from vidsr.upscaling.reuse.counts import ReuseTally
from vidsr.upscaling.reuse.rule import Reuse
from vidsr.upscaling.session import Flow, Session
from vidsr.upscaling.stream_items import accepted, each_of, samples_of

T = TypeVar("T")
KEPT_FORMATS = 64  # of single pictures, whose plans are remembered


class Upscaler:
    """Upscaler of pictures of any size; build it once, call it often.

    Args:
        model: A shipped name (``lite-x4``), a family (``lite``), a path, or ``auto``.
        scale: 2 or 4, 1 with a model that restores at the same size, or up to 16 with a model in
            a file that has it; None means what the model does, 4 for ``auto``.
        restore: A model that keeps the size, to run before ``model``, or alone at scale 1; None
            for none.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:n``, or several: ``cuda:0,cuda:1``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        engine: ``auto``, ``torch``, ``tensorrt``, ``compile``, ``openvino``,
            ``onnxruntime``: see ``EngineChoice``.
        wait_for_engine: True makes the first frame wait until TensorRT has built its engine.
        tile: (height, width) in source pixels that the network sees at once, halo aside.
        max_memory: Bytes, or text such as ``"2G"``; chooses the tile where none is given. On CUDA
            it is memory of each device: slots, networks, CUDA graphs.
        strength: How far the network follows what a codec did to a frame of a video: ``auto``, or
            the number by which the frame's expected coding error is multiplied, from 0 (every
            picture is taken as clean) over 1 (as what the codec says, like ``auto``) to 2.
        reuse: What of a stream is not computed again, on a CPU: ``exact`` parts that did not
            change, with the same result to the last bit, ``near`` parts that changed by 4 levels of
            8 bits at most, ``off`` nothing; or a ``Reuse`` with other numbers.
        pool: Engines of another upscaler with the same arguments, to share; None loads the model.

    Raises:
        OptionError: A value is out of range, or contradicts another.
        ModelError: The model is unknown or cannot be read.
        DeviceError: The device or the engine is not there.
        MemoryLimitError: A frame does not fit into ``max_memory``; calls raise it.

    An instance serves one thread at a time; its sessions may have threads of their own.
    """

    def __init__(
        self,
        model: ModelName = "auto",
        *,
        scale: int | None = None,
        restore: ModelName | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        engine: EngineKind = "auto",
        wait_for_engine: bool = False,
        tile: tuple[int, int] | None = None,
        max_memory: int | str | None = None,
        strength: Strength = "auto",
        reuse: ReuseMode | Reuse = "exact",
        notes: Notes | None = None,
        pool: EnginePool | None = None,
    ) -> None:
        self._reuse = reuse if isinstance(reuse, Reuse) else Reuse(reuse)
        check_not_forked()
        kept_tile = tile_size(tile)
        limit_bytes = None if max_memory is None else parse_bytes(str(max_memory))
        devices = resolve_devices(device)
        choice = EngineChoice(engine, precision, wait_for_engine)
        choice.check(devices[0])
        mark_used()
        self.notes = notes or Notes()
        if pool is not None:
            pool.retain()
            self.model = pool.model
        else:
            self.model = _loaded(model, restore, scale, devices[0])
        check_scale(self.model.name, self.model.scale, scale)
        if (onnx := onnx_network(self.model.module)) is not None:
            self.notes.choose(onnx.describe())
        if wait_for_engine and not choice.may_follow(devices[0]):
            self.notes.choose(f"there is no TensorRT to wait for: PyTorch runs on {devices[0]}")
        self.pool = pool or EnginePool(
            self.model,
            choice,
            devices,
            self.notes,
            limit_bytes=limit_bytes,
            tile=kept_tile,
            strength=strength,
        )
        self._session = Session(self.pool, notes=self.notes, reuse=self._reuse)
        self._closed = False
        self._single: dict[tuple[VideoFormat, VideoFormat], FormatRun] = {}

    @property
    def engine(self) -> Engine:
        """Engine that runs now, on the first device."""
        return self.pool.engine

    @property
    def scale(self) -> int:
        """Factor by which the result is wider and higher."""
        return self.engine.scale

    @property
    def reused(self) -> ReuseTally:
        """What of the frames of ``stream`` was computed and what was reused so far."""
        return self._session.reused

    @property
    def memory_limit(self) -> int:
        """Bytes that all that runs may take together, on each device."""
        return self.pool.planner.limit_bytes

    @overload
    def __call__(self, picture: Tensor, *, coding_error: float | None = None) -> Tensor: ...
    @overload
    def __call__(self, picture: Array, *, coding_error: float | None = None) -> Array: ...
    @overload
    def __call__(
        self, picture: av.VideoFrame, *, coding_error: float | None = None
    ) -> av.VideoFrame: ...
    def __call__(
        self, picture: Tensor | Array | av.VideoFrame, *, coding_error: float | None = None
    ) -> Tensor | Array | av.VideoFrame:
        """Upscale one picture, or a batch, of any of these kinds; the same kind comes back.

        * torch: ``[3, H, W]`` or ``[N, 3, H, W]`` RGB, float in [0, 1] or uint8
        * NumPy: ``[H, W, 3]`` RGB or ``[H, W]`` grey; uint8, uint16, or float in [0, 1]
        * ``av.VideoFrame`` of any pixel format; ``pts``, ``time_base`` and colour tags are kept, an
          alpha channel is not, of which a warning is logged

        ``coding_error`` is how far a codec has moved the luma, root mean square in levels of 8
        bits, 0 to 64; None takes the picture as clean. ``strength`` makes a network of it.
        """
        error = given_error(coding_error)
        if isinstance(picture, Tensor):
            return upscale_tensor(picture, partial(self._rgb, error=error))
        if isinstance(picture, np.ndarray):
            return upscale_array(picture, partial(self._rgb, error=error))
        if isinstance(picture, av.VideoFrame):
            note_losses(picture, self.notes)
            return delivered(self.enlarge(planar(picture, error)), picture)
        raise OptionError(
            f"picture: expected torch.Tensor, numpy.ndarray or av.VideoFrame, "
            f"got type {type(picture).__name__}."
        )

    def enlarge(self, frame: Frame, target: VideoFormat | None = None) -> Frame:
        """Upscale planes; ``target`` may ask for another size, pixel format or matrix."""
        run = self._alone(frame.format, target)
        with self.pool.planner.admitted(run):
            return run.upscale(frame)

    def _alone(self, source: VideoFormat, target: VideoFormat | None = None) -> FormatRun:
        """Return the way of single pictures of a format."""
        check_not_forked()
        target = target or self.target_format(source)
        run = self._single.get((source, target))
        if run is None:
            run = FormatRun(self.pool, 0, source, target, self.notes)
            if len(self._single) >= KEPT_FORMATS:
                self._single.clear()
            self._single[source, target] = run
        return run

    def session(
        self,
        target: VideoFormat | None = None,
        *,
        held: int = 1,
        latency: int | None = None,
        coding_error: float | None = None,
    ) -> Session:
        """Open one more stream on the same engines, with notes and a state of its own.

        Sessions may have a thread each. They share the limit of memory from their first frame on;
        see ``Session``. The caller closes it.

        Args:
            target: Format of the frames that come out; None for ``scale`` times the source's.
            held: How many frames that came out are kept unreleased at a time, at least 1.
            latency: Most frames that are held back, 0 or more; None is what is fastest.
            coding_error: Expected error of frames of PyAV, as a call takes it.

        Raises:
            OptionError: A number is out of range, or the upscaler is closed.
        """
        flow = Flow(target, held, latency, coding_error)
        return Session(self.pool, flow, reuse=self._reuse)

    def stream(
        self,
        pictures: Iterable[T],
        target: VideoFormat | None = None,
        *,
        held: int = 1,
        latency: int | None = None,
        ends: Callable[[Any], bool] | None = None,
        coding_error: float | None = None,
    ) -> Iterator[T]:
        """Upscale a stream of pictures in order; marks and packets pass through in their place.

        Pictures are those that a call takes, or ``Frame``, whose planes are lent when it comes out:
        call ``release`` when they have been read. What looks like a picture and is none of these,
        such as one of Pillow, a list or bytes, is an error; so is a picture that a call refuses.

        Frames of PyAV are upscaled side by side. On a CPU there are as many at once as PyTorch has
        threads, each with its share of them, and as many are held back: frame ``n`` comes out when
        frame ``n + threads`` has gone in, or with the first item to go in after it is done; the
        first comes out at once. On CUDA up to 3 are held back on each device, in the same way.
        Pictures of torch and NumPy are upscaled one by one, and what is before them comes first.

        Args:
            pictures: Any iterable; it is asked for the next item when the caller asks.
            target: Format of the frames that come out; None for ``scale`` times the source's.
            held: How many ``Frame`` that came out are kept unreleased at a time, at least 1.
            latency: Most frames that are held back, 0 or more; None is what is fastest. With 0
                every frame comes out before the next one is asked for, as live pictures need it.
                All threads then share one frame, which is slower on the whole: twice to four times
                on two cores that other programs use as well.
            ends: Function that tells items that are no pictures and after which frames do not
                follow from those before, such as a jump or a scene cut: a network that keeps a
                state begins anew.
            coding_error: Expected error of all pictures but ``Frame``, as a call takes it.

        Yields:
            For every item one of the same kind, in order.

        Raises:
            OptionError: An argument or an item is wrong.
            MemoryLimitError: A frame does not fit into ``max_memory``.
        """
        flow = Flow(target, held, latency, coding_error)
        return self._streamed(each_of(pictures), flow, ends)

    def _streamed(
        self, items: Iterator[Any], flow: Flow, ends: Callable[[Any], bool] | None
    ) -> Iterator[Any]:
        originals: deque[Any] = deque()
        stateful = self.engine.traits.stateful
        frames = accepted(
            items, originals.append, target=flow.target, stateful=stateful, error=flow.error
        )
        marks = None if ends is None else lambda item: samples_of(item) is None and ends(item)
        for result in self._session.stream(frames, flow, marks):
            original = originals.popleft()
            if isinstance(original, av.VideoFrame):
                note_losses(original, self.notes)
                result = delivered(result, original, keep_matrix=flow.target is None)
            elif (samples := samples_of(original)) is not None:
                result = self(samples, coding_error=flow.coding_error)
            yield result

    def side_by_side(self, source: VideoFormat, target: VideoFormat) -> int:
        """Return how many frames a CPU upscales at once: as many as it has threads and room for."""
        return self._session.side_by_side(source, target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what still goes on in the background, and give the engines up."""
        if not self._closed:
            self._closed = True
            self._session.close()
            self.pool.release()

    def target_format(self, source: VideoFormat) -> VideoFormat:
        """Return ``source``'s format, ``scale`` times larger."""
        return self.pool.target_format(source)

    def plan(self, source: VideoFormat, target: VideoFormat) -> tuple[int, int] | None:
        """Return the tile that frames are cut into, (height, width); None for whole frames."""
        tile = self.memory_plan(source, target).tile
        return None if tile is None else (tile.height, tile.width)

    def memory_plan(
        self,
        source: VideoFormat,
        target: VideoFormat,
        engine: Engine | None = None,
        held: int = HELD_FRAMES,
    ) -> MemoryPlan:
        """Return what frames of this format take on each device, and the tile within the limit.

        ``engine`` is the one that runs now unless given; with another that takes more, as float32
        does after half precision was rejected, the tile is chosen anew, and that is a note.
        """
        return self.pool.plan(source, target, engine or self.engine, held, self.notes)

    def _rgb(self, batch: Tensor, *, error: CodingError | None) -> Tensor:
        """Upscale ``[N, 3, h, w]`` float in [0, 1] to ``[N, 3, H, W]``, clamped."""
        source = rgb_format(batch)
        seen = lambda: transform.rgb_input(batch[0], self.engine)  # noqa: E731
        run = self._alone(source)
        step = 0 if error is None else self.pool.strength.step(error)
        with self.pool.planner.admitted(run), run.alone(seen, step) as (engine, tile):
            return torch.stack([transform.enlarge_rgb(rgb, engine, tile) for rgb in batch])


def _loaded(
    model: ModelName, restore: ModelName | None, scale: int | None, device: torch.device
) -> Model:
    """Load a model, and the restorer that runs before it."""
    wanted = None if restore is None else model_name(restore)
    if wanted is not None:
        fetch_if_named(wanted)
        check_restorer(wanted)
    named, before = restorer_alone(model_name(model), wanted, scale)
    fetch_if_named(named)
    loaded = load_model(choose_model(named, scale, device))
    if before is None:
        return loaded
    return restored_model(load_model(choose_restorer(before)), loaded)
