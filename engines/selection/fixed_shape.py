"""An engine made for certain shapes, with another one for the rest."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from vidsr.engines.engine import Engine


class FixedShapeEngine:
    """``fixed`` for inputs that it ``serves``, ``general`` for all others.

    The two run the same network; attributes are those of ``fixed``, under ``name``. Where types
    differ, the input is converted to ``general``'s, and its result to that of ``fixed``.
    """

    def __init__(
        self, name: str, fixed: Engine, general: Engine, serves: Callable[[Tensor], bool]
    ) -> None:
        self.name, self.channels, self.scale = name, fixed.channels, fixed.scale
        self.shuffle, self.halo, self.alignment = fixed.shuffle, fixed.halo, fixed.alignment
        self.dtype, self.device = fixed.dtype, fixed.device
        self.input_dtype, self.offset = fixed.input_dtype, fixed.offset
        self.bytes_per_pixel = max(fixed.bytes_per_pixel, general.bytes_per_pixel)
        self.fixed, self._general, self._serves = fixed, general, serves

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``."""
        if self._serves(x):
            return self.fixed.run(x)
        result = self._general.run(x.to(self._general.input_dtype))
        difference = self._general.offset - self.offset
        return result + difference if difference else result
