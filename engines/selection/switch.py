"""Start now, build later: an engine at once, and a better one when it is ready and has proven."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.errors import VidsrError

Sample = Callable[[], Tensor]  # [1, channels, H, W] of a real frame, as an engine sees it

# Side of the part of a frame that the first engine is checked on: SRResNet takes 0.1 s for it in
# float32 on two cores, where a whole frame would take seconds before anything is written.
CHECKED_SIDE = 64


class Candidate(Protocol):
    """An engine being built somewhere else."""

    def ready(self) -> bool:
        """Return True if ``take`` would not wait."""
        ...

    def take(self) -> Engine:
        """Wait for the engine. Raises a VidsrError when it cannot be had."""
        ...

    def close(self) -> None:
        """Stop the building, if it still goes on."""
        ...


class EngineSwitch:
    """Source of the engine for each frame; engines change between two frames only.

    Several threads may ask: one at a time tries or checks an engine, while the others wait.

    Args:
        first: Engine that runs at once, checked on the first frame.
        reference: Function that makes the same network in float32, with which every check
            compares and which takes over when ``first`` fails its check.
        say: Receiver of every change, and every engine that is rejected, in one line.
    ``verify_float32``  the first is not to be trusted in float32 either
    """

    def __init__(
        self,
        first: Engine,
        reference: Callable[[], Engine],
        say: Callable[[str], None],
        *,
        verify_float32: bool = False,
    ) -> None:
        self.engine = first
        self._reference, self._say = reference, say
        self._candidate: Candidate | None = None
        self._wait = False
        self._lock = threading.RLock()
        self._whole = verify_float32 or first.device.type == "cuda"
        self._checked = first.dtype == torch.float32 and not verify_float32

    def offer(self, candidate: Candidate, *, wait: bool = False) -> None:
        """Run ``candidate`` from the first frame on that finds it ready and trusted.

        ``wait`` has the next frame wait for it. Takes the place of the one offered before.
        """
        self.close()
        self._candidate, self._wait = candidate, wait

    def current(self, sample: Sample) -> Engine:
        """Return the engine for the frame that ``sample`` is taken from."""
        if self._candidate is None and self._checked:
            return self.engine
        with self._lock:
            if self._candidate is not None and (self._wait or self._candidate.ready()):
                self._try(self._candidate, sample)
            if not self._checked:
                self._check_first(sample)
            return self.engine

    def _try(self, candidate: Candidate, sample: Sample) -> None:
        try:
            engine = candidate.take()
        except VidsrError as error:
            return self._say(f"{error.message}; going on with {self.engine.name}")
        finally:  # Ctrl-C while it waits, too: nothing is to be built on
            self.close()
        if self._trusted(engine, sample):
            self._change_to(engine)
            self._checked = True
            self._say(f"engine: {engine.name}")
        return None

    def _check_first(self, sample: Sample) -> None:
        try:
            if not self._trusted(self.engine, lambda: self._part(sample())):
                self._change_to(self._reference())
                self._say(f"engine: {self.engine.name} in fp32")
        finally:
            self._checked = True

    def _change_to(self, engine: Engine) -> None:
        """Run ``engine`` from now on.

        The one before may go on to serve shapes of other frames, but holds no memory.
        """
        engine.surround(self.engine.traits.blend_margin)
        self.engine.clear()
        self.engine = engine

    def _trusted(self, engine: Engine, sample: Sample) -> bool:
        try:
            verdict = check_engine(engine, self._reference(), sample())
        except (VidsrError, RuntimeError) as error:  # the comparison takes more memory than the run
            reason = str(error).partition("\n")[0]
            self._say(f"engine {engine.name} could not be compared with fp32: {reason}")
            return engine is self.engine
        if verdict.fault:
            self._say(f"engine {engine.name} is rejected: {verdict.fault}")
        return verdict.trusted

    def _part(self, x: Tensor) -> Tensor:
        """Return what is compared: on a CPU the middle of ``x``, at most ``CHECKED_SIDE`` a side.

        All of it on CUDA or compiled, where the shape that runs is what has to be looked at.
        """
        if self._whole:
            return x
        step = self.engine.alignment
        starts = [max(0, (side - CHECKED_SIDE) // 2) for side in x.shape[2:]]
        top, left = (start - start % step for start in starts)
        return x[..., top : top + CHECKED_SIDE, left : left + CHECKED_SIDE]

    def close(self) -> None:
        """Stop what is still being built."""
        candidate, self._candidate = self._candidate, None
        if candidate is not None:
            candidate.close()
