"""How much memory a network takes, found by running it without any."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vidsr.models.forms import PhaseNet

PROBE_SIDE = 8  # of the picture in the weightless run: a multiple of every generator's alignment


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sums up the tensors that are alive after each operation and remembers the most."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak: int = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._see(tensor)
        self._forget()
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return result

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
        self._alive[reference.cdata] = reference, storage.nbytes() // tensor.itemsize

    def _forget(self) -> None:
        for key, (reference, _) in list(self._alive.items()):
            if reference.expired():  # type: ignore[no-untyped-call]
                del self._alive[key]


def activation_numbers(net: PhaseNet) -> int:
    """Peak count of live numbers per low-resolution pixel while ``net`` runs, its input included.

    What libraries take beside (rearranged weights, workspace) is not in it.
    """
    twin = copy.deepcopy(net).to("meta", torch.float32)
    x = torch.empty(1, twin.config.channels, PROBE_SIDE, PROBE_SIDE, device="meta")
    with torch.inference_mode(), _Watch() as watch:
        twin.phase(x.clone())
    peak: int = watch.peak
    return -(-peak // PROBE_SIDE**2)
