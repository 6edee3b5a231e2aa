"""Processes that train one network together: torch's DistributedDataParallel, or one alone."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Processes:
    """Place of this process among those that ``torchrun`` started; alone otherwise."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @classmethod
    def join(cls, device: torch.device) -> Processes:
        """Join the others that the environment names."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if device.type == "cuda":
            torch.cuda.set_device(device)
            dist.init_process_group("nccl", device_id=device)
        else:
            dist.init_process_group("gloo")
        return cls(dist.get_rank(), dist.get_world_size(), str(device))

    @property
    def is_first(self) -> bool:
        """Return True for the process that validates and writes."""
        return self.rank == 0

    def share(self, module: nn.Module) -> nn.Module:
        """Return ``module`` with its gradients averaged over all processes."""
        return module if self.count == 1 else DistributedDataParallel(module)

    def any(self, here: bool) -> bool:
        """Return True if it holds in any process: all have to stop at the same step."""
        if self.count == 1:
            return here
        flag = torch.tensor(float(here), device=self.device)
        dist.all_reduce(flag)
        return bool(flag > 0)

    def wait(self) -> None:
        """Wait until all are here."""
        if self.count > 1:
            dist.barrier()

    def leave(self) -> None:
        if self.count > 1 and dist.is_initialized():
            dist.destroy_process_group()


def own_device(device: torch.device) -> torch.device:
    """Return the GPU of this process's own number under ``torchrun``, else ``device``."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device
