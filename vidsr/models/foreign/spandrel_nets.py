"""Networks of other architectures, built by spandrel out of tensors that were read here.

spandrel is an extra. Its own readers of files are never called: some of them run code.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vidsr.models.foreign.reach_probe import probed_reach
from vidsr.models.foreign.recognise import in_float32, readings
from vidsr.models.foreign.refusal import Misfit, reason_of
from vidsr.models.foreign.spandrel_import import import_spandrel
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.picture.size import Size

LARGEST_WINDOW = 64  # of attention; larger ones do not become the grid on which tiles start
MOST_SCALE = 16
SAMPLERS = ("dysample",)
"""Layers that look where the picture tells them: how far, random weights and a grey do not show."""
REASONS = {
    "FaceSR": "restores faces that were cut out and aligned, no frames",
    "Inpainting": "fills holes under a mask, which videos do not have",
}


def read_by_spandrel(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], PlainNet] | None:
    """Return the reading of a file's names that spandrel knows, and its network; None for none.

    Raises Misfit, see ``build_by_spandrel``.
    """
    for reading in readings(tensors):
        if (net := build_by_spandrel(in_float32(reading))) is not None:
            return reading, net
    return None


def build_by_spandrel(tensors: Mapping[str, Tensor]) -> PlainNet | None:
    """Return the network of ``tensors``, float32; None where spandrel does not know it.

    Raises Misfit for a network that takes no frames of a video, and for shapes that do not fit.
    """
    ModelLoader, UnsupportedModelError = import_spandrel()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about calls that PyTorch will change one day
            descriptor: Any = ModelLoader().load_from_state_dict(dict(tensors))
    except UnsupportedModelError:
        return None
    except Exception as error:  # whatever an architecture raises for shapes of another
        raise Misfit(f"tensors do not fit their architecture: {reason_of(error)}") from error
    _check_use(descriptor)
    descriptor.eval()
    return _adopted(descriptor)


def _check_use(descriptor: Any) -> None:
    """Raise Misfit for what does not turn a frame into a frame."""
    name = descriptor.architecture.name
    if reason := REASONS.get(descriptor.purpose):
        raise Misfit(f"{name} {reason}")
    taken, made = descriptor.input_channels, descriptor.output_channels
    if taken != made or taken not in (1, 3):
        what = "a network of 1 or 3 channels that gives as many as it takes"
        raise Misfit(f"{name}: expected {what}, got {taken} to {made}")
    if not 1 <= descriptor.scale <= MOST_SCALE:
        raise Misfit(f"{name}: expected a scale of 1 to {MOST_SCALE}, got {descriptor.scale}")


def _adopted(descriptor: Any) -> PlainNet:
    """Return the network with what its descriptor states, and the reach that a probe finds."""
    net = _Called(descriptor.model, getattr(descriptor, "_call_fn", None))
    needs = descriptor.size_requirements
    multiple, least = max(1, needs.multiple_of), max(1, needs.minimum)
    tags = " ".join(tag for tag in descriptor.tags if tag)
    stated = NetworkTraits(
        scale=descriptor.scale,
        in_channels=descriptor.input_channels,
        out_channels=descriptor.output_channels,
        halo=None,
        alignment=grid(descriptor.model, multiple),
        multiple=multiple,
        minimum=Size(least, least),
        square=needs.square,
        tiling=descriptor.tiling.name != "INTERNAL",
        dtypes=_dtypes(descriptor),
    )
    title = f"{descriptor.architecture.name} {tags}".strip()
    try:
        plain = PlainNet(net, stated, title)
        probed = probed_reach(plain)
        if any(type(module).__name__.lower() in SAMPLERS for module in net.modules()):
            probed.traits = stated
        return probed
    except (RuntimeError, ValueError, AssertionError) as error:
        raise Misfit(f"{title} does not run: {reason_of(error)}") from error


def _dtypes(descriptor: Any) -> tuple[torch.dtype, ...]:
    """Return types of activations: float32, and halves that the descriptor says to work."""
    found = [torch.float32]
    if descriptor.supports_bfloat16:
        found.append(torch.bfloat16)
    if descriptor.supports_half:
        found.append(torch.float16)
    return tuple(found)


def grid(model: nn.Module, multiple: int) -> int:
    """Return the step on which windows start: that of attention windows and of ``multiple``."""
    step = multiple
    for module in model.modules():
        for name in ("window_size", "split_size"):
            sides = getattr(module, name, None)
            for side in sides if isinstance(sides, tuple | list) else (sides,):
                if type(side) is int and 1 < side <= LARGEST_WINDOW:
                    step = math.lcm(step, side)
    return step if step <= 2 * LARGEST_WINDOW else multiple


class _Called(nn.Module):
    """A network of spandrel, called as its descriptor calls it."""

    def __init__(
        self, model: nn.Module, call: Callable[[nn.Module, Tensor], Tensor] | None
    ) -> None:
        super().__init__()
        self.model, self._call = model, call

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W]."""
        x = x.clone()  # RCAN multiplies what it gets in place, and a window may be a view
        out: Tensor = self.model(x) if self._call is None else self._call(self.model, x)
        return out
