"""Names that leave something open: ``auto``, and families such as ``lite``."""

from __future__ import annotations

from os import PathLike

import torch

from vidsr.errors import OptionError
from vidsr.models.zoo import automatic_model

ModelName = str | PathLike[str]
FAMILIES = ("lite", "srresnet", "srgan", "espcn", "srcnn", "rrdb")
RESTORERS = ("unet",)  # families that keep the size


def choose_model(model: ModelName, scale: int | None, device: torch.device) -> ModelName:
    """A definite model for ``auto`` and for a family name such as ``lite``.

    Raises OptionError for a family that does not have the scale.
    """
    if model in RESTORERS:
        if scale not in (None, 1):
            raise OptionError(
                f"scale = {scale}, but {model} keeps the size.", hint="leave --scale out."
            )
        return f"{model}-x1"
    if scale == 1 and is_family(model):
        raise OptionError(
            f"scale = 1, but model {model} enlarges 2 or 4 times.",
            hint="name a model that keeps the size with --model, such as a unet.",
        )
    if model == "auto":
        return automatic_model(device, scale or 4)
    if is_family(model):
        return f"{model}-x{scale or 4}"
    return model


def is_family(model: ModelName) -> bool:
    """Whether the name leaves the scale open."""
    return model in ("auto", *FAMILIES)
