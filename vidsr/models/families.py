"""Names that leave something open: ``auto``, and families such as ``lite``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import ModelError, OptionError
from vidsr.models.header import stated_config
from vidsr.models.shipped import available, find_weights, is_name, model_title
from vidsr.option_values import Look, ModelName, nearest

if TYPE_CHECKING:
    import torch

FAMILIES = ("lite", "srresnet", "srgan", "espcn", "srcnn", "rrdb")
RESTORERS = ("unet", "deblur", "denoise", "deblock")  # families that keep the size
CRISP = "lite-crisp-x4"
"""The automatic model for a crisp look, on every device."""


def choose_model(model: ModelName, scale: int | None, device: torch.device) -> ModelName:
    """Return a definite model for ``auto`` and for a family name such as ``lite``.

    Raises OptionError for a family that does not have the scale.
    """
    if model == "auto":
        _check_family(model, scale)
        return automatic_model(device, scale or 4)
    return _of_family(model, scale)


def network_of(model: ModelName, look: Look) -> ModelName:
    """Return what a model and a look come to. Raises OptionError for a look of a chosen model."""
    if look == "faithful":
        return model
    if model != "auto":
        raise OptionError(
            f"look = {look!r} with model = {str(model)!r}: a chosen model has its own look.",
            hint="leave one of them out.",
        )
    return CRISP


def automatic_model(device: torch.device, scale: int) -> str:
    """Return the model for people who did not choose: quality on a GPU, else speed."""
    best = f"srresnet-x{scale}"
    return best if device.type == "cuda" and best in available() else f"lite-x{scale}"


def check_model(model: ModelName, scale: int | None, *, open_scale: bool = False) -> None:
    """Raise OptionError or ModelError for a model that no device makes right.

    ``open_scale``: the scale may still follow from a wanted size, so that of a family is not known.
    """
    _check_family(model, scale)
    if open_scale and scale is None and is_family(model):
        return
    path = find_weights(f"lite-x{scale or 4}" if model == "auto" else _of_family(model, scale))
    stated = stated_config(path)
    if stated is not None:
        check_scale(model_title(path), stated.scale, scale)


def check_scale(name: str, own: int, wanted: int | None) -> None:
    """Raise OptionError where the model ``name``, whose scale is ``own``, is to have another."""
    if wanted in (None, own):
        return
    hint = f"leave `scale` out, or choose a model of scale {wanted}."
    if name == CRISP:  # perhaps chosen by its look
        hint = "leave `scale` out; `size` or `height` brings the result to another size."
    raise OptionError(
        f"scale = {wanted}, but {name} "
        + (f"upscales {own} times." if own > 1 else "keeps the size."),
        hint=hint,
    )


def choose_restorer(model: ModelName) -> ModelName:
    """Return a definite model for the name of a restorer's family such as ``deblur``."""
    return f"{model}-x1" if model in RESTORERS else model


def restorer_alone(
    model: ModelName, restore: ModelName | None, scale: int | None
) -> tuple[ModelName, ModelName | None]:
    """Return the model that runs, and the restorer before it.

    At scale 1 nothing is upscaled: where no model was chosen, the restorer is the model.
    """
    if restore is not None and scale == 1 and model == "auto":
        return choose_restorer(restore), None
    return model, restore


def check_restorer(model: ModelName) -> None:
    """Raise OptionError or ModelError for a restorer that no device makes right."""
    path = find_restorer(model)
    stated = stated_config(path)
    if stated is not None and stated.scale != 1:
        raise OptionError(
            f"restore = {model_title(path)}: expected a model that keeps the size, "
            f"got one that upscales {stated.scale} times.",
            hint="give it as `model`, or leave `restore` out.",
        )


def find_restorer(model: ModelName) -> Path:
    """Return the file of a restorer by name or path. Raises ModelError where there is none."""
    named = choose_restorer(model)
    try:
        return find_weights(named)
    except ModelError as error:
        if not (isinstance(named, str) and is_name(named)):
            raise
        near = nearest(named, RESTORERS)
        shown = ", ".join(name for name in RESTORERS if name != "unet")  # an older name of deblur
        raise ModelError(
            f"unknown restorer: restore = {named!r}, available: {shown}",
            hint=f"did you mean {near!r}?" if near else "a path to weights works too",
        ) from error


def member_of(model: ModelName) -> ModelName:
    """Return a definite model for the name of any family: the one that a CPU takes for ``auto``."""
    return "lite-x4" if model == "auto" else _of_family(model, None)


def is_family(model: ModelName) -> bool:
    """Return True if the name leaves the scale open."""
    return model in ("auto", *FAMILIES)


def _of_family(model: ModelName, scale: int | None) -> ModelName:
    if model in RESTORERS:
        if scale not in (None, 1):
            raise OptionError(
                f"scale = {scale}, but {model} keeps the size.", hint="leave `scale` out."
            )
        return f"{model}-x1"
    _check_family(model, scale)
    return f"{model}-x{scale or 4}" if is_family(model) else model


def _check_family(model: ModelName, scale: int | None) -> None:
    if not is_family(model) or scale in (None, 2, 4):
        return
    if scale == 1:
        raise OptionError(
            f"scale = 1, but model {model} upscales 2 or 4 times.",
            hint="give a `model` that keeps the size, such as denoise-x1, or `restore`.",
        )
    raise OptionError(
        f"scale = {scale}: expected 1, 2 or 4 with model {model}.",
        hint="a `model` in a file may have another scale; ibp-x3 and its like have 3 and 8.",
    )
