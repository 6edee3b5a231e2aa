"""Training step for fidelity: forward, loss, backward, update, average."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vidsr.engines.devices import has_native_bf16
from vidsr.models.checkpoint import Generator
from vidsr.training.data.crop_pool import luma
from vidsr.training.networks import losses
from vidsr.training.networks.quantised import QuantisedStudent
from vidsr.training.networks.student import Student
from vidsr.training.options import Options

Losses = dict[str, Tensor]
PIXEL_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": losses.l1,
    "mse": losses.mse,
    "charbonnier": losses.charbonnier,
}


class Learner(Protocol):
    """Interface that the loop needs: a step, the averaged weights, and a state to go on from."""

    average: dict[str, Tensor]

    def learn(self, low: Tensor, high: Tensor, step: int) -> Losses:
        """Do one step on LR and HR crops in [0, 1]; return losses as scalars on the device."""
        ...

    def set_rate(self, rate: float) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: Mapping[str, Any]) -> None: ...


class Optimiser:
    """Adam over some parameters, with clipped gradients, and scaled ones for fp16."""

    def __init__(self, module: nn.Module, options: Options, device: torch.device) -> None:
        self.learned = [p for p in module.parameters() if p.requires_grad]
        on_cuda = device.type == "cuda"
        # A rate that is a tensor can change between replays of a captured step.
        rate = torch.tensor(options.rate, device=device) if on_cuda else options.rate
        self.adam = torch.optim.Adam(self.learned, rate, (0.9, 0.99), capturable=on_cuda)
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=on_cuda and options.precision == "fp16"
        )
        self.clip_norm = options.clip_norm

    def set_rate(self, rate: float) -> None:
        for group in self.adam.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def descend(self, loss: Tensor) -> None:
        """Go backward and update the parameters."""
        self.adam.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.adam)
        torch.nn.utils.clip_grad_norm_(self.learned, self.clip_norm)
        self.scaler.step(self.adam)
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        return {"adam": self.adam.state_dict(), "scaler": self.scaler.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        # Rate and capturability are this device's, whatever device the state was saved on; and
        # Adam puts its step counters where the groups' own capturability wants them.
        own = [(group["lr"], group["capturable"]) for group in self.adam.param_groups]
        groups = [
            {**group, "capturable": capturable}
            for group, (_, capturable) in zip(state["adam"]["param_groups"], own, strict=True)
        ]
        self.adam.load_state_dict({**state["adam"], "param_groups": groups})
        for group, (rate, _) in zip(self.adam.param_groups, own, strict=True):
            group["lr"] = rate
        self.scaler.load_state_dict(state["scaler"])


class Fidelity:
    """Learner that matches the original; optionally a teacher's result as well.

    ``run`` is called for the forward pass: the student itself, or a wrapper of it that shares
    gradients between processes.
    """

    def __init__(
        self,
        student: Student | QuantisedStudent,
        options: Options,
        device: torch.device,
        *,
        run: nn.Module | None = None,
        teacher: Generator | None = None,
    ) -> None:
        self.student, self.options, self.device = student, options, device
        self.run = run or student
        self.teacher = teacher
        self.optimiser = Optimiser(student, options, device)
        self.loss = PIXEL_LOSSES[options.loss]
        self.average = {k: v.detach().clone() for k, v in student.plain_weights().items()}
        self._seen = torch.zeros((), device=device)

    def learn(self, low: Tensor, high: Tensor, step: int) -> Losses:
        """Do one step; the loss returned is the one minimised."""
        out = self.forward(low)
        loss = self.loss(out, self.seen(high))
        if self.teacher is not None:
            weight = self.options.teacher_weight
            loss = (1 - weight) * loss + weight * self.loss(out, self.taught(low))
        parts = self.beside(out, self.seen(high))
        for name, part in parts.items():
            loss = loss + getattr(self.options, f"{name}_weight") * part
        self.optimiser.descend(loss)
        self.update_average()
        return {"loss": loss.detach(), **{name: part.detach() for name, part in parts.items()}}

    def beside(self, out: Tensor, high: Tensor) -> Losses:
        """Return the losses beside that on pixels whose weight is not 0."""
        parts = {}
        if self.options.edge_weight:
            parts["edge"] = losses.edge(out, high)
        if self.options.colour_weight:
            parts["colour"] = losses.colour(out, high)
        return parts

    def autocast(self) -> AbstractContextManager[Any]:
        """Use low precision for the networks; losses are summed in float32 outside of it."""
        dtype = training_dtype(self.options, self.device)
        return torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32)

    def forward(self, low: Tensor) -> Tensor:
        """Return the student's picture of LR crops, float32."""
        with self.autocast():
            out: Tensor = self.run(_layout(self.seen(low)))
        return out.float()

    def seen(self, x: Tensor) -> Tensor:
        """Return crops as the student sees them: their luma, if that is all it works on."""
        return luma(x) if self.options.channels < x.shape[1] else x

    @torch.no_grad()
    def taught(self, low: Tensor) -> Tensor:
        """Return the teacher's picture of LR crops, as the student sees it."""
        assert self.teacher is not None
        sees_luma = self.teacher.config.channels < low.shape[1]
        with self.autocast():
            picture = self.teacher(luma(low) if sees_luma else low)
        return self.seen(picture.float())

    @torch.no_grad()
    def update_average(self) -> None:
        """Update the exponential average, short at first: fresh weights are soon forgotten."""
        self._seen += 1
        keep = torch.clamp(self._seen / (self._seen + 10), max=self.options.decay)
        weights = self.student.plain_weights()
        for name, mean in self.average.items():
            if mean.is_floating_point():
                mean.lerp_(weights[name], 1 - keep)
            else:
                mean.copy_(weights[name])

    def set_rate(self, rate: float) -> None:
        self.optimiser.set_rate(rate)

    def state(self) -> dict[str, Any]:
        return {
            "student": self.student.state_dict(),
            "optimiser": self.optimiser.state(),
            "average": self.average,
            "seen": self._seen,
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.optimiser.restore(state["optimiser"])
        for name, mean in self.average.items():
            mean.copy_(state["average"][name])
        self._seen.copy_(state["seen"])


def training_dtype(options: Options, device: torch.device) -> torch.dtype:
    """Return the precision to train in.

    ``auto`` is bf16 if the device multiplies in it, else float32.
    """
    named = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if options.precision != "auto":
        return named[options.precision]
    on_cuda = device.type == "cuda"
    native = torch.cuda.is_bf16_supported(False) if on_cuda else has_native_bf16()
    return torch.bfloat16 if native else torch.float32


def _layout(x: Tensor) -> Tensor:
    """Lay out channels last, in which every convolution here runs fastest."""
    return x.contiguous(memory_format=torch.channels_last)
