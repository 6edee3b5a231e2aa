"""An engine made for certain shapes, with another one for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from vidsr.engines.engine import DescribedEngine, Engine, is_adjustable
from vidsr.errors import DeviceError
from vidsr.models.model import Model


class FixedShapeEngine(DescribedEngine):
    """``fixed`` for inputs that it ``serves``, ``general`` for all others.

    The two run the same network; attributes are those of ``fixed``, under ``name``. Where types
    differ, the input is converted to ``general``'s, and its result to that of ``fixed``.
    """

    def __init__(
        self, name: str, fixed: Engine, general: Engine, serves: Callable[[Tensor], bool]
    ) -> None:
        self.traits = replace(
            fixed.traits,
            name=name,
            bytes_per_pixel=max(fixed.bytes_per_pixel, general.bytes_per_pixel),
            reentrant=fixed.traits.reentrant and general.traits.reentrant,
            adjustable=all(is_adjustable(e) and not e.traits.reentrant for e in (fixed, general)),
        )
        self.fixed, self._general, self._serves = fixed, general, serves

    def adjusted(self, model: Model) -> FixedShapeEngine:
        """See ``AdjustableEngine.adjusted``: this one, with the weights in both engines."""
        for engine in (self.fixed, self._general):
            if not is_adjustable(engine):
                raise DeviceError(f"{engine.name} runs no other weights")
            engine.adjusted(model)
        return self

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``."""
        if self._serves(x):
            return self.fixed.run(x)
        result = self._general.run(x.to(self._general.input_dtype))
        difference = self._general.offset - self.offset
        return result + difference if difference else result

    def reserve(self, room_bytes: int | None) -> None:
        """Limit what ``general`` keeps; ``fixed`` keeps what its one shape takes."""
        self._general.reserve(room_bytes)

    def clear(self) -> None:
        """Give back what both keep from run to run."""
        self.fixed.clear()
        self._general.clear()

    def close(self) -> None:
        """Close both."""
        self.fixed.close()
        self._general.close()
