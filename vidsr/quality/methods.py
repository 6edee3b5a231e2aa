"""Methods to compare: models through the Upscaler that users call, and plain upscaling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from vidsr.errors import OptionError
from vidsr.quality.baselines import BASELINES
from vidsr.quality.request import check_baselines
from vidsr.quality.results import INPUT, ORIGINAL

Upscale = Callable[[Tensor], Tensor]  # uint8 [3, h, w] -> uint8 [3, h * scale, w * scale]


@dataclass(frozen=True)
class Method:
    """Way to upscale, and the name of its column."""

    name: str
    upscale: Upscale


def load_models(
    models: Sequence[str], *, scale: int | None = None, device: str = "auto"
) -> tuple[list[Method], int]:
    """Load the models; return them and their common scale.

    Raises:
        ModelError: Weights cannot be found, read or recognised.
        OptionError: The models have different scales, or the Upscaler refuses an argument.
        DeviceError: The device is absent or failed.
    """
    from vidsr.upscaling.upscaler import Upscaler

    upscalers = [Upscaler(model, scale=scale, device=device, engine="torch") for model in models]
    scales = [upscaler.scale for upscaler in upscalers]
    if len(set(scales)) > 1:
        told = ", ".join(f"{m} x{s}" for m, s in zip(models, scales, strict=True))
        raise OptionError(f"models of different scales: {told}", hint="compare them one by one.")
    names = _names(models, [upscaler.model.name for upscaler in upscalers])
    return [Method(n, u) for n, u in zip(names, upscalers, strict=True)], scales[0]


def _names(models: Sequence[str], stems: Sequence[str]) -> list[str]:
    """Return short names if they differ, else the given ones; none that another column has."""
    names = [
        model if stems.count(stem) > 1 else stem for model, stem in zip(models, stems, strict=True)
    ]
    return [f"model {name}" if name in (*BASELINES, INPUT, ORIGINAL) else name for name in names]


def load_baselines(names: Sequence[str], scale: int) -> list[Method]:
    """Plain enlargement by name; at scale 1 the input as it is. Raises OptionError."""
    check_baselines(tuple(names))
    if scale == 1:
        return [Method(INPUT, lambda picture: picture)]
    return [Method(name, _bind(name, scale)) for name in dict.fromkeys(names)]


def _bind(name: str, scale: int) -> Upscale:
    return lambda picture: BASELINES[name](picture, scale)
