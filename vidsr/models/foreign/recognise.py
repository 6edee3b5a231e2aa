"""Recognisers of architectures by the names and shapes of tensors, asked in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from vidsr.models.foreign.compact import recognise_compact
from vidsr.models.foreign.esrgan import recognise_esrgan
from vidsr.models.foreign.plksr import recognise_plksr
from vidsr.models.foreign.refusal import Misfit
from vidsr.models.foreign.span import recognise_span
from vidsr.models.networks.stated_net import StatedNet

Recogniser = Callable[[Mapping[str, Tensor]], StatedNet | None]

PREFIXES = ("module.", "netG.", "generator.", "_orig_mod.")
RECOGNISERS: tuple[Recogniser, ...] = (
    recognise_compact,
    recognise_esrgan,
    recognise_span,
    recognise_plksr,
)


def recognise(tensors: Mapping[str, Tensor]) -> StatedNet | None:
    """Return the network that the tensors belong to, float32; None for an unknown architecture.

    Raises Misfit for a known architecture that does not run here.
    """
    floats = canonical(tensors)
    for recogniser in RECOGNISERS:
        try:
            net = recogniser(floats)
        except (RuntimeError, ValueError, IndexError) as error:  # shapes that do not fit
            raise Misfit(str(error).strip().splitlines()[0]) from error
        if net is not None:
            net.eval()
            return net
    return None


def canonical(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in float32, without the prefixes that trainers put before all names."""
    names = list(tensors)
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in names):
            names = [name.removeprefix(prefix) for name in names]
    values = (t.float() if t.is_floating_point() else t for t in tensors.values())
    return dict(zip(names, values, strict=True))
