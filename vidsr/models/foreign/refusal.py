"""What recognisers have in common: a refusal, the filling of a network, arithmetic on shapes."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from torch import Tensor, nn

LONGEST_REASON = 160  # characters


class Misfit(Exception):
    """A reason why tensors of a known architecture do not make a network that runs here."""


def fill(net: nn.Module, title: str, weights: Mapping[str, tuple[str, Tensor]]) -> None:
    """Give a network its weights, by its own names; each comes with its name in the file.

    Raises Misfit that names, as the file does, a tensor that is missing, left over or of another
    shape.
    """
    wanted = net.state_dict()
    if missing := [name for name in wanted if name not in weights]:
        raise Misfit(f"{title} without {_in_file(missing[0], weights)}{_more(missing)}")
    if unknown := [theirs for name, (theirs, _) in weights.items() if name not in wanted]:
        raise Misfit(f"{title} beside {unknown[0][:80]}, which it does not have{_more(unknown)}")
    for name, (theirs, tensor) in weights.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"expected {list(wanted[name].shape)}, got {list(tensor.shape)}"
            raise Misfit(f"{title} with {theirs}: {shapes}")
    net.load_state_dict({n: t for n, (_, t) in weights.items()}, strict=True, assign=True)


def _in_file(name: str, weights: Mapping[str, tuple[str, Tensor]]) -> str:
    """Return the name that a missing tensor would have in the file, told from its layer's others.

    The name of the network's own layer where the file has nothing of it.
    """
    layer, _, leaf = name.rpartition(".")
    for ours, (theirs, _) in weights.items():
        if ours.rpartition(".")[0] == layer:
            return f"{theirs.rpartition('.')[0]}.{leaf}"
    return f"the layer {layer}"


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def reason_of(error: BaseException) -> str:
    """Return what an exception says in one line, without PyTorch's title of several lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Error(s) in loading"):
        del lines[0]
    return lines[0][:LONGEST_REASON] if lines else type(error).__name__


def side_of(shuffled: int, channels: int) -> int | None:
    """Return the factor of the shuffle that leaves ``channels`` of ``shuffled``; None for none."""
    if channels < 1 or shuffled % channels:
        return None
    side = isqrt(shuffled // channels)
    return side if side >= 1 and side**2 * channels == shuffled else None
