"""Recognisers of architectures by the names and shapes of tensors, asked in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from torch import Tensor

from vidsr.models.foreign.compact import recognise_compact
from vidsr.models.foreign.esrgan import recognise_esrgan
from vidsr.models.foreign.plksr import recognise_plksr
from vidsr.models.foreign.refusal import Misfit, reason_of
from vidsr.models.foreign.span import recognise_span
from vidsr.models.networks.stated_net import StatedNet

Recogniser = Callable[[Mapping[str, Tensor]], StatedNet | None]

PREFIXES = ("module.", "netG.", "net_g.", "generator.", "_orig_mod.")
GENERATORS = ("net_g_ema.", "model_ema.", "ema.", "net_g.", "netG.", "generator.", "gen.", "G.")
"""Prefixes of the network that is kept, in files that hold others, too: discriminators, losses."""
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
    found = recognised_reading(tensors)
    return found[1] if found else None


def recognised_reading(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], StatedNet] | None:
    """Return the tensors under the names by which they are recognised, and their network.

    None for an unknown architecture. Raises Misfit.
    """
    for reading in readings(tensors):
        if (net := _recognise(reading)) is not None:
            return reading, net
    return None


def readings(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Yield the ways to read the names of a file, the plainest first.

    After the names as they are, those without the word that all begin with, such as ``model.`` of
    Lightning; then those of the generator alone, of a file that has a discriminator beside it.
    """
    plain = canonical(tensors)
    yield plain
    first = {name.partition(".")[0] for name in plain}
    if len(first) == 1 and all("." in name for name in plain):
        yield canonical({name.partition(".")[2]: tensor for name, tensor in plain.items()})
        return
    for prefix in GENERATORS:
        own = {n.removeprefix(prefix): t for n, t in plain.items() if n.startswith(prefix)}
        if own:
            yield canonical(own)


def in_float32(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors, floats of every type in float32."""
    return {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}


def _recognise(tensors: Mapping[str, Tensor]) -> StatedNet | None:
    floats = in_float32(tensors)
    for recogniser in RECOGNISERS:
        try:
            net = recogniser(floats)
        except (RuntimeError, ValueError, IndexError) as error:  # shapes that do not fit
            raise Misfit(reason_of(error)) from error
        if net is not None:
            net.eval()
            return net
    return None


def canonical(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors without the prefixes that trainers put before all names."""
    names = list(tensors)
    while names and (prefix := _common(names)):
        names = [name.removeprefix(prefix) for name in names]
    return dict(zip(names, tensors.values(), strict=True))


def _common(names: list[str]) -> str | None:
    """Return a prefix of ``PREFIXES`` that all names have; None for none."""
    return next((p for p in PREFIXES if all(name.startswith(p) for name in names)), None)
