"""Memory that a network takes, found by running it on a few pixels."""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.stated_net import StatedNet

PROBE_SIDE = 8  # least of the picture in the small run


class _Watch(TorchFunctionMode):
    """Sum of the tensors that are alive after each function, the most of it remembered.

    Functions and not operations: a mode for those imports PyTorch's compiler, 1.1 s for every run.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: list[weakref.ref[Tensor]] = []
        self.peak: int = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self._seen.append(weakref.ref(result))
            self.peak = max(self.peak, self._alive())
        return result

    def _alive(self) -> int:
        """Count the numbers in all storages that are still referred to; views share theirs."""
        with torch._C.DisableTorchFunction():
            alive = [tensor for ref in self._seen if (tensor := ref()) is not None]
            storages = {t.untyped_storage().data_ptr(): t.untyped_storage() for t in alive}
            self._seen = [weakref.ref(tensor) for tensor in alive]
            return sum(storage.nbytes() for storage in storages.values()) // 4


def activation_numbers(net: PhaseNet) -> int:
    """Return the peak of live numbers per low-resolution pixel in ``net``, its input included.

    What libraries take beside (rearranged weights, workspace) is not in it.
    """
    twin = copy.deepcopy(net).to("cpu", torch.float32)
    side = _probe_side(net)
    x = torch.zeros(1, twin.channels, side, side)
    with torch.inference_mode(), _Watch() as watch:
        twin.phase(x.clone())
    peak: int = watch.peak
    return -(-peak // side**2)


def _probe_side(net: PhaseNet) -> int:
    """Return a side that nothing is added to: of foreign networks, what they state."""
    if not isinstance(net, StatedNet):
        return PROBE_SIDE
    traits = net.traits
    least = max(PROBE_SIDE, traits.minimum.width, traits.minimum.height)
    step = math.lcm(traits.alignment, traits.multiple or 1)
    return -(-least // step) * step
