"""*One* model and its engines on a device or on several, shared by many sessions."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock, RLock

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.selection.engine_order import EngineChoice, first_engine, offer_follower
from vidsr.engines.selection.takeover import Vacancy
from vidsr.engines.step_engines import StepEngines
from vidsr.engines.tile_margins import KnownSurroundings, Surroundings
from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.models.strength_choice import StrengthChoice
from vidsr.notes import Notes
from vidsr.option_values import Strength
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling.cuda_queues import CudaDevice
from vidsr.upscaling.memory_plan import Load, MemoryPlan, default_limit, load_of
from vidsr.upscaling.memory_planner import MemoryPlanner


class EnginePool:
    """Engines of one model, one a device, which all do the same, and the memory they share.

    Whoever makes a pool holds it, and so does every session; it is closed once, when the last of
    them has given it up. Several threads may use it, each with sessions of its own.

    Args:
        model: The network.
        choice: Which engine begins, and which may follow.
        devices: One CPU, or GPUs that share streams.
        notes: Take what is said of the engines, which are those of all sessions.
        limit_bytes: Memory for all sessions together, on each device; None for a part of what is
            free.
        tile: Pixels that the network sees at once; None chooses by the limit.
        strength: How far the network follows what a codec did to frames: see ``StrengthChoice``.

    Raises:
        OptionError: The engine does not fit the model, or needs frames that no session feeds.
        DeviceError: The engine cannot run.
    """

    def __init__(
        self,
        model: Model,
        choice: EngineChoice,
        devices: Sequence[torch.device],
        notes: Notes,
        *,
        limit_bytes: int | None = None,
        tile: Size | None = None,
        strength: Strength = "auto",
    ) -> None:
        self.strength = StrengthChoice(model, strength)
        self._steps = StepEngines(model)
        self.model, self.devices, self.notes = model, tuple(devices), notes
        self._choice = choice
        self.switches = [first_engine(model, device, choice, notes.say) for device in devices]
        _check_reach_in_time(self.engine)
        if limit_bytes is None:
            limit_bytes = min(default_limit(device) for device in devices)
        self.planner = MemoryPlanner(limit_bytes, tile)
        self._known = KnownSurroundings(model, self.engine)
        self._surround()
        self._offered: set[int] = set()
        self._queues: dict[int, CudaDevice] = {}
        self._turns = [RLock() for _ in devices]
        # Reentrant: an abandoned session may be collected, and let go, wherever the lock is held.
        self._lock, self._holders = RLock(), 1
        self._measuring = Lock()

    @property
    def engine(self) -> Engine:
        """Engine that runs now, on the first device."""
        return self.switches[0].engine

    @property
    def on_gpu(self) -> bool:
        """True where streams go through the queues of GPUs."""
        return self.devices[0].type == "cuda"

    @property
    def insists(self) -> bool:
        """True where another engine is asked for by name: worth minutes even for one picture."""
        return self._choice.insists

    @property
    def surroundings(self) -> Surroundings | None:
        """What tiles that blend need around them; None where that is not known, or none blend."""
        return self._known.found

    def measure_surroundings(self, x: Tensor, room_pixels: int) -> Surroundings | None:
        """Have tiles that blend read what they need around them: see ``KnownSurroundings``."""
        with self._measuring:
            known = self._known.found is not None
            found = self._known.measure(self.engine, x, room_pixels)
            if not known:
                self._surround()
            return found

    def keep_tiles(self, tile: Size, pixels: int) -> None:
        """Cut all frames into such tiles with so many pixels around, whatever memory allows."""
        self.planner.keep_tile(tile)
        for switch in self.switches:
            switch.engine.surround(pixels)

    def _surround(self) -> None:
        if self._known.found is not None:
            for switch in self.switches:
                switch.engine.surround(self._known.found.pixels)

    def target_format(self, source: VideoFormat) -> VideoFormat:
        """Return ``source``'s format, as many times larger as the model makes it."""
        scale = self.engine.scale
        return VideoFormat(source.width * scale, source.height * scale, source.pixel, source.color)

    def turns(self, index: int) -> RLock:
        """Return the lock of whoever runs an engine that only one thread may run at a time."""
        return self._turns[index]

    def queues(self, index: int) -> CudaDevice:
        """Return the queues of a GPU: the same for all that is done there."""
        with self._lock:
            if index not in self._queues:
                self._queues[index] = CudaDevice(self.devices[index])
            return self._queues[index]

    def engine_of_step(self, engine: Engine, step: int) -> Engine:
        """Return the engine of a step of the strengths, for whoever has the turn to run it."""
        adjusted = self._steps.of(engine, step)
        if step and adjusted is engine and not engine.traits.adjustable:
            self.strength.taken_as_clean(step)
            self.notes.say(f"{engine.name} takes every picture as clean: it has one network")
        return adjusted

    @property
    def last_strength(self) -> int:
        """Step of the strongest network that the engine of now has; 0 where it has one."""
        return self.strength.last_step if self.engine.traits.adjustable else 0

    def step_of(self, error: CodingError | None) -> int:
        """Return the step of the network that takes a frame, as the engine of now has them."""
        return self.strength.step_of(error) if self.last_strength else 0

    def load(self, engine: Engine, held: int) -> Load:
        """Return what lies on a device beside ``engine`` for a receiver of ``held`` frames."""
        follows = len(self.devices) == 1 and self._choice.may_follow(engine.device)
        return load_of(engine, len(self.devices), held, follows=follows)

    def plan(
        self,
        source: VideoFormat,
        target: VideoFormat,
        engine: Engine,
        held: int,
        notes: Notes,
        share_bytes: int | None = None,
    ) -> MemoryPlan:
        """Plan frames of a format for one stream, in the share of now unless another is given.

        Raises MemoryLimitError.
        """
        load = self.load(engine, held)
        return self.planner.plan(source, target, engine, load, notes, share_bytes)

    def offer(self, index: int, frame: Size, tile: Size | None) -> None:
        """Have another engine take over, for the first size: it serves one, and takes minutes."""
        switch = self.switches[index]
        if index in self._offered or not self._choice.may_follow(switch.engine.device):
            return
        self._offered.add(index)
        if len(self.devices) > 1:
            # They would change engines at different frames, and neighbours would not look alike.
            if self.insists:
                self.notes.choose("no TensorRT engine: several devices all stay with PyTorch")
            return
        vacancy = Vacancy(self.model, switch.engine, frame, tile, self._choice.precision)
        offer_follower(switch, vacancy, self._choice, self.notes.say)

    def retain(self) -> None:
        """Count one holder more. Raises OptionError where the pool is closed already."""
        with self._lock:
            if not self._holders:
                raise OptionError("the pool of engines is closed: make another one")
            self._holders += 1

    def release(self) -> None:
        """Count one holder less; the last one closes the engines."""
        with self._lock:
            self._holders -= 1
            last = self._holders == 0
        if last:
            self._steps.close()
            for switch in self.switches:
                switch.close()
                switch.engine.close()


def _check_reach_in_time(engine: Engine) -> None:
    traits = engine.traits
    if traits.past_frames or traits.future_frames:
        raise OptionError(
            f"{traits.name} looks at {traits.past_frames} frames before and "
            f"{traits.future_frames} after each one: expected a network of single frames, "
            f"or one that keeps a state"
        )
