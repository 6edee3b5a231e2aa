"""The protocol of engines: a network on a device, run up to its last pixel shuffle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import torch
from torch import Tensor

from vidsr.picture.size import Size

if TYPE_CHECKING:
    from vidsr.models.model import Model

ONE_PIXEL = Size(1, 1)
BLEND_MARGIN = 32
"""Pixels around tiles that blend, unless more are known to be needed."""
State = Any  # of a stateful engine; only the engine that made it looks inside


@dataclass(frozen=True, kw_only=True)
class EngineTraits:
    """Facts about an engine: asked of it, never guessed from its type.

    Attributes:
        name: Name of the network, for people.
        runtime: Library that runs it, such as ``torch``, for reports.
        device: Device that runs it.
        channels: 3 for a network on RGB, 1 for a network on luma.
        scale: Factor from low to high resolution: 2, 4, or 1 for a restorer.
        shuffle: Factor of the pixel shuffle left out, a divisor of ``scale``.
        halo: Reach in space: radius of the receptive field in low-resolution pixels; None where it
            is unbounded or unknown, and then tiles are not exact.
        alignment: Step of the grid on which windows of a picture start; 1 without a coarse grid.
        minimum: The smallest picture that ``run`` takes.
        tiling: False where a picture may not be cut into tiles at all.
        blend_margin: Pixels around tiles that blend, where ``halo`` is None or too large for them.
        past_frames: Reach in time: frames before the present one that it looks at.
        future_frames: Frames after the present one that it looks at.
        stateful: True for a ``StatefulEngine``.
        dtype: Type of the activations.
        input_dtype: Type that ``run`` takes: float32, or float16 where finer input changes nothing.
        offset: Number to add to what ``run`` returns: 0, or mid-grey where that is float16.
        bytes_per_pixel: Estimated peak of activations per low-resolution input pixel.
        reentrant: True where several threads may call ``run`` at once.
        adjustable: True for an ``AdjustableEngine``.
        repeatable: True where what comes out for a pixel does not depend on the size of the
            picture around it, to the last bit.
    """

    name: str
    runtime: str
    device: torch.device
    channels: int
    scale: int
    shuffle: int
    halo: int | None
    dtype: torch.dtype
    bytes_per_pixel: int
    alignment: int = 1
    minimum: Size = ONE_PIXEL
    tiling: bool = True
    blend_margin: int = BLEND_MARGIN
    past_frames: int = 0
    future_frames: int = 0
    stateful: bool = False
    input_dtype: torch.dtype = torch.float32
    offset: float = 0.0
    reentrant: bool = False
    adjustable: bool = False
    repeatable: bool = True


class Engine(Protocol):
    """A network that runs. Attributes are those of its ``EngineTraits``.

    Only where ``traits.reentrant`` is set may several threads call it at once. Engines take
    pictures of any size of at least ``traits.minimum``; where one was made for certain shapes,
    ``FixedShapeEngine`` has another one run the rest.
    """

    @property
    def traits(self) -> EngineTraits: ...
    @property
    def name(self) -> str: ...
    @property
    def runtime(self) -> str: ...
    @property
    def channels(self) -> int: ...
    @property
    def scale(self) -> int: ...
    @property
    def shuffle(self) -> int: ...
    @property
    def halo(self) -> int | None: ...
    @property
    def alignment(self) -> int: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def input_dtype(self) -> torch.dtype: ...
    @property
    def offset(self) -> float: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def bytes_per_pixel(self) -> int: ...

    def surround(self, pixels: int) -> None:
        """Have tiles that blend read so many pixels around themselves from now on."""
        ...

    def run(self, x: Tensor) -> Tensor:
        """Turn [N, channels, H, W] in [0, 1], of ``input_dtype``, into the picture unshuffled.

        The result is [N, channels*shuffle**2, H*scale/shuffle, W*scale/shuffle], float32 or
        float16, in the unit range less ``offset``, not clamped, with strides of the engine's
        choosing. On CUDA it is made on the current stream, and the next run may overwrite it.
        A stateful engine runs as on the first frame of a stream.
        Raises MemoryLimitError when the device has no room, DeviceError when it fails.
        """
        ...

    def reserve(self, room_bytes: int | None) -> None:
        """Limit what activations that are kept from run to run may take; None for no limit."""
        ...

    def clear(self) -> None:
        """Give back all memory that is kept from run to run; the engine stays usable."""
        ...

    def close(self) -> None:
        """Give back what the engine holds. Not to be used after; a second call does nothing."""
        ...


class StatefulEngine(Engine, Protocol):
    """An engine whose result depends on the frames before. ``traits.stateful`` is set.

    The state belongs to whoever runs a stream, one for each stream and tile.
    """

    def initial_state(self) -> State:
        """Return the state before the first frame of a stream."""
        ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Run one frame: what ``run`` gives, and the state for the frame that follows."""
        ...


class AdjustableEngine(Engine, Protocol):
    """An engine that runs other weights of the same layers. ``traits.adjustable`` is set."""

    def adjusted(self, model: Model) -> Engine:
        """Return an engine that runs ``model``, whose layers are those of this engine's network.

        It is another engine where this one is reentrant. Else it is this one, its own buffers
        written over, and stays so until the next call.
        Raises DeviceError, MemoryLimitError.
        """
        ...


def is_adjustable(engine: Engine) -> TypeGuard[AdjustableEngine]:
    """Return True if the engine says that it runs other weights."""
    return engine.traits.adjustable


def is_stateful(engine: Engine) -> TypeGuard[StatefulEngine]:
    """Return True if the engine says that it has a state."""
    return engine.traits.stateful


class DescribedEngine:
    """Base of engines: attributes out of ``traits``, and nothing kept from run to run."""

    traits: EngineTraits

    @property
    def name(self) -> str:
        """Name of the network, for people."""
        return self.traits.name

    @property
    def runtime(self) -> str:
        """Library that runs it, for reports."""
        return self.traits.runtime

    @property
    def channels(self) -> int:
        """3 for a network on RGB, 1 for a network on luma."""
        return self.traits.channels

    @property
    def scale(self) -> int:
        """Factor from low to high resolution."""
        return self.traits.scale

    @property
    def shuffle(self) -> int:
        """Factor of the pixel shuffle left out."""
        return self.traits.shuffle

    @property
    def halo(self) -> int | None:
        """Radius of the receptive field in low-resolution pixels; None for no bound."""
        return self.traits.halo

    @property
    def alignment(self) -> int:
        """Step of the grid on which windows start, in pixels."""
        return self.traits.alignment

    @property
    def dtype(self) -> torch.dtype:
        """Type of the activations."""
        return self.traits.dtype

    @property
    def input_dtype(self) -> torch.dtype:
        """Type of what ``run`` takes."""
        return self.traits.input_dtype

    @property
    def offset(self) -> float:
        """Number to be added to what ``run`` gives."""
        return self.traits.offset

    @property
    def device(self) -> torch.device:
        """Device that it runs on."""
        return self.traits.device

    @property
    def bytes_per_pixel(self) -> int:
        """Estimated peak of activations per low-resolution input pixel."""
        return self.traits.bytes_per_pixel

    def surround(self, pixels: int) -> None:
        """Have tiles that blend read so many pixels around themselves from now on."""
        self.traits = replace(self.traits, blend_margin=pixels)

    def reserve(self, room_bytes: int | None) -> None:
        """Limit what is kept from run to run, which is nothing."""

    def clear(self) -> None:
        """Give back what is kept from run to run, which is nothing."""

    def close(self) -> None:
        """Give back what the engine holds beside its weights, which is nothing."""
