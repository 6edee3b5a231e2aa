"""Generators through ``torch.compile``, for those who ask for it: ``--engine compile``.

Sources are generated and compiled for the first frame, which takes 10 to 40 s on a core. Processor
time of the network alone on an EPYC 9005 against ``TorchEngine``, one thread, medians of
alternate runs: lite-x4 at 320x180 1.11 times as fast in bfloat16 and 1.06 in float32, srresnet-x4
at 160x90 0.91 and 0.96.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import DeviceError


class CompiledEngine(TorchEngine):
    """A ``TorchEngine`` whose network is compiled, for every size alike from the second on."""

    RUNTIME = "compile"

    def _tune(self) -> None:
        require_compiler(self.device)
        self._compiled = torch.compile(self.net)

    def _run(self, x: Tensor) -> Tensor:
        result: Tensor = self._compiled(x)
        return result


@cache
def require_compiler(device: torch.device) -> None:
    """Compile something small. Raises DeviceError where that does not work."""
    try:
        torch.compile(_small)(torch.zeros(9, device=device))
    except Exception as error:  # of the compiler, of Triton, of PyTorch: no common base
        lines = [line for line in str(error).splitlines() if line.strip()]
        needed = "Triton and a C compiler" if device.type == "cuda" else "a C++ compiler ($CXX)"
        raise DeviceError(
            f"engine = 'compile' on {device}: {lines[0] if lines else type(error).__name__}",
            hint=f"it needs {needed}; engine = 'torch' needs none",
        ) from error


def _small(x: Tensor) -> Tensor:
    return (x + 1).relu()
