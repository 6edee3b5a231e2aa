"""Methods to compare: models through the Upscaler that users call, and plain upscaling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from vidsr.errors import OptionError
from vidsr.models.shipped import is_onnx_model
from vidsr.option_values import EngineKind
from vidsr.quality.baselines import BASELINES
from vidsr.quality.request import check_baselines
from vidsr.quality.results import INPUT, ORIGINAL

if TYPE_CHECKING:
    from vidsr.upscaling.upscaler import Upscaler

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
    upscalers = load_upscalers(models, scale=scale, device=device)
    return [Method(n, u) for n, u in upscalers.items()], common_scale(upscalers)


def load_upscalers(
    models: Sequence[str], *, scale: int | None = None, device: str = "auto", **options: Any
) -> dict[str, Upscaler]:
    """Load the models; return an upscaler by the name of its column.

    ``options`` go to every ``Upscaler``. Raises as ``load_models`` does.
    """
    from vidsr.upscaling.upscaler import Upscaler

    given: dict[str, Any] = {"scale": scale, "device": device} | options
    upscalers = [Upscaler(model, **{"engine": _engine(model)} | given) for model in models]
    names = _names(models, [upscaler.model.name for upscaler in upscalers])
    return dict(zip(names, upscalers, strict=True))


def _engine(model: str) -> EngineKind:
    """Return what runs a model alone, nothing following that would change its pictures."""
    return "onnxruntime" if is_onnx_model(model) else "torch"


def common_scale(upscalers: Mapping[str, Upscaler]) -> int:
    """Return the one scale of all. Raises OptionError where they have several."""
    scales = {name: upscaler.scale for name, upscaler in upscalers.items()}
    if len(set(scales.values())) > 1:
        told = ", ".join(f"{name} x{scale}" for name, scale in scales.items())
        raise OptionError(f"models of different scales: {told}", hint="compare them one by one.")
    return next(iter(scales.values()))


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
