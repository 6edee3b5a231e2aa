"""Engines of the networks between a model for clean pictures and those for coded footage."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from vidsr.engines.engine import AdjustableEngine, Engine, is_adjustable
from vidsr.models.model import Model

# Whoever takes over from an engine may have it inside, with the weights that were written last.
UNKNOWN = -1


@dataclass
class _Made:
    """Engines made of one engine: its steps, or the step that it runs itself."""

    engine: Engine
    steps: dict[int, Engine] = field(default_factory=dict)
    written: int = UNKNOWN


class StepEngines:
    """Engines for the steps of a model's strengths, each made when first needed.

    A reentrant engine has another one a step, all kept: threads may run several steps at once.
    One that is not reentrant has its weights written over whenever the step changes, and is asked
    for only by whoever has the turn to run it.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._made: dict[int, _Made] = {}  # by id(): engines need not be hashable
        self._models: dict[int, Model] = {}
        self._lock = Lock()

    def of(self, engine: Engine, step: int) -> Engine:
        """Return the engine of a step: ``engine`` itself for step 0, and where it has no others.

        Raises DeviceError, MemoryLimitError, ModelError.
        """
        if not is_adjustable(engine):
            return engine
        with self._lock:
            made = self._made.get(id(engine))
            if made is None:
                first = not self._made
                made = self._made[id(engine)] = _Made(engine)
                made.written = 0 if first else UNKNOWN
            if engine.traits.reentrant:
                return self._another(made, engine, step)
            if step != made.written:
                made.written = UNKNOWN  # until it is whole
                engine.adjusted(self._model_of(step))
                made.written = step
            return engine

    def _model_of(self, step: int) -> Model:
        """Return the model of a step, interpolated once: neighbours in a stream may alternate."""
        if step not in self._models:
            self._models[step] = self._model.at(step)
        return self._models[step]

    def _another(self, made: _Made, engine: AdjustableEngine, step: int) -> Engine:
        if step == 0:
            return engine
        if step not in made.steps:
            made.steps[step] = engine.adjusted(self._model_of(step))
        return made.steps[step]

    def close(self) -> None:
        """Close the engines that were made."""
        with self._lock:
            for made in self._made.values():
                for engine in made.steps.values():
                    engine.close()
            self._made.clear()
