"""Where an upscaler's engines run: one for each device, and the queues of that device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.selection.choice import EngineChoice, first_engine, offer_tensorrt
from vidsr.engines.selection.switch import EngineSwitch, Sample
from vidsr.engines.tiling import first_window
from vidsr.models.zoo import Model
from vidsr.notes import Notes
from vidsr.picture.frame import VideoFormat
from vidsr.upscaling import transform
from vidsr.upscaling.cuda_queues import CudaDevice
from vidsr.upscaling.device_ring import Lane, Planes, Ring
from vidsr.upscaling.memory_plan import HELD_FRAMES, Load, MemoryPlan, load_of

PlanMemory = Callable[[VideoFormat, VideoFormat, Engine, int], MemoryPlan]


class Runner:
    """Engines of one model on one device or on several, which all do the same.

    ``plan`` says what frames of one format take on their way to another through an engine, for a
    receiver that keeps so many of them, and which tile they are cut into.
    """

    def __init__(
        self,
        model: Model,
        choice: EngineChoice,
        devices: Sequence[torch.device],
        plan: PlanMemory,
        notes: Notes,
    ) -> None:
        self._model, self._choice, self._plan, self._notes = model, choice, plan, notes
        self.devices = tuple(devices)
        self.switches = [first_engine(model, device, choice, notes.say) for device in devices]
        self._offered: set[EngineSwitch] = set()
        self._cards: dict[int, CudaDevice] = {}

    @property
    def engine(self) -> Engine:
        """What runs now, on the first device."""
        return self.switches[0].engine

    @property
    def streams(self) -> bool:
        """Whether frames are to go through ``ring``."""
        return self.devices[0].type == "cuda"

    @contextmanager
    def alone(self, source: VideoFormat, target: VideoFormat, seen: Sample) -> Iterator[Engine]:
        """The engine for one picture outside a ring. Takes turns with rings: engines reuse memory.

        ``seen`` gives what the engine sees of the picture.
        """
        switch = self.switches[0]
        if self._choice.kind == "tensorrt":  # else not worth minutes of building for one picture
            self._offer(switch, source, target)

        def window() -> Tensor:
            return first_window(seen(), self.engine, self._tile(self.engine, source, target))

        self._tile(self.engine, source, target)

        if self.engine.device.type != "cuda":
            yield switch.current(window)
            return
        with self._card(0).on("compute"):
            yield switch.current(window)

    def ring(self, source: VideoFormat, target: VideoFormat, held: int) -> Ring:
        """Slots of all devices, for a receiver that keeps ``held`` frames at a time."""
        lanes = []
        for index, switch in enumerate(self.switches):
            self._offer(switch, source, target, held)
            work = self._work(switch, source, target, held)
            lanes.append(Lane(self._card(index), source, target, work))
        return Ring(lanes, downstream=held)

    def _work(
        self, switch: EngineSwitch, source: VideoFormat, target: VideoFormat, held: int
    ) -> Callable[[Planes, Planes], None]:
        def work(planes: Planes, large: Planes) -> None:
            def seen() -> Tensor:
                x = transform.engine_input(planes, source, switch.engine)
                tile = self._tile(switch.engine, source, target, held)
                return first_window(x, switch.engine, tile)

            with torch.inference_mode():
                engine = switch.current(seen)
                tile = self._tile(engine, source, target, held)
                results = transform.enlarge_planes(planes, source, target, engine, tile)
                for plane, result in zip(large, results, strict=True):
                    plane.copy_(result)

        return work

    def load(self, engine: Engine, held: int) -> Load:
        """What lies on a device beside ``engine``, for a receiver that keeps ``held`` frames."""
        follows = len(self.devices) == 1 and self._choice.may_follow(engine.device)
        return load_of(engine, len(self.devices), held, follows=follows)

    def _tile(
        self, engine: Engine, source: VideoFormat, target: VideoFormat, held: int = HELD_FRAMES
    ) -> transform.Tile:
        """What ``engine`` sees at once; it is told how much its graphs may take."""
        plan = self._plan(source, target, engine, held)
        if isinstance(engine, GraphedEngine):
            engine.room_bytes = plan.graphs
        return plan.tile

    def _card(self, index: int) -> CudaDevice:
        """The queues of a device: the same for all that is done there."""
        if index not in self._cards:
            self._cards[index] = CudaDevice(self.devices[index])
        return self._cards[index]

    def _offer(
        self,
        switch: EngineSwitch,
        source: VideoFormat,
        target: VideoFormat,
        held: int = HELD_FRAMES,
    ) -> None:
        """TensorRT, for the first size that comes: an engine serves one, and takes minutes."""
        if switch in self._offered or not self._choice.may_follow(switch.engine.device):
            return
        self._offered.add(switch)
        if len(self.devices) > 1:
            # They would change engines at different frames, and neighbours would not look alike.
            if self._choice.kind == "tensorrt":
                self._notes.say("no TensorRT engine: several devices all stay with PyTorch")
            return
        frame = source.height, source.width
        tile = self._tile(switch.engine, source, target, held)
        offer_tensorrt(switch, self._model, self._choice, frame, tile, self._notes.say)

    def close(self) -> None:
        """Stop what still goes on in the background."""
        for switch in self.switches:
            switch.close()
