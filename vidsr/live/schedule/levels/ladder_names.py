"""Names of a ladder's levels, as options give them or leave them open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidsr.errors import OptionError
from vidsr.live.base.options import BICUBIC, QualityOptions
from vidsr.models.families import check_model, choose_model

if TYPE_CHECKING:
    import torch

AUTOMATIC_SCALE = 2  # of "auto": four times is too much for a CPU at the usual rates
# Faster models by the factor of the picture, from best to fastest. Four times by lite-fast-x2 and a
# resize.
RELATIVES: dict[int, tuple[str, ...]] = {
    2: ("lite-x2", "lite-fast-x2"),
    4: ("lite-x4", "lite-fast-x2"),
}


def check_ladder(quality: QualityOptions) -> None:
    """Raise OptionError or ModelError for levels that no device makes right."""
    names = quality.ladder
    if len(set(names)) < len(names):
        raise OptionError(f"ladder = {list(names)}: expected each level once")
    if BICUBIC in names[:-1]:
        raise OptionError(f"ladder = {list(names)}: expected {BICUBIC!r} at the end")
    if names and quality.model not in ("auto", *names):
        raise OptionError(
            f"model = {quality.model!r}: expected 'auto' or one of ladder = {list(names)}"
        )
    # Levels of another scale end in a resize; a model that is named for itself has to have it.
    scale = None if names else quality.scale
    for name in (quality.model, *names):
        if name != BICUBIC:
            check_model(name, scale)


def best_name(quality: QualityOptions, device: torch.device) -> str:
    """Return the name of the best level: the model where it is named, else the first of a ladder.

    Raises:
        OptionError: A family does not have the scale.
    """
    if quality.model != "auto" or not quality.ladder:
        name = quality.model
        scale = quality.scale or (AUTOMATIC_SCALE if name == "auto" else None)
    else:
        name, scale = quality.ladder[0], quality.scale
    return name if name == BICUBIC else str(choose_model(name, scale, device))


def names_below(best: str, quality: QualityOptions, scale: int) -> tuple[str, ...]:
    """Return the names of the levels below the best; none where there is no ladder to go down.

    Args:
        best: The best level.
        quality: The stream's options.
        scale: Factor of the picture.
    """
    if quality.late != "ladder" or best == BICUBIC:
        return ()
    known = quality.ladder or (*RELATIVES.get(scale, ()), BICUBIC)
    return tuple(known[known.index(best) + 1 :] if best in known else known)
