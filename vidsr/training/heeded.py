"""Refusals of options that a run would not heed: what does nothing is not taken silently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vidsr.errors import OptionError

if TYPE_CHECKING:
    from vidsr.training.folders import Material
    from vidsr.training.options import Options


def check_heeded(options: Options) -> None:
    """Raise OptionError for options that this network, or a run of these options, does not heed."""
    refuse_given(options, ("teacher_weight",), "without a teacher", unless=options.teacher)
    sloped = options.kind in ("lite", "srresnet")
    refuse_given(options, ("prelu",), f"with {options.kind}", unless=sloped)
    if options.shuffle != "random" and options.init is not None:
        raise OptionError(
            f"shuffle = {options.shuffle!r} beside init = {options.init!r} does nothing",
            hint="the layers before pixel shuffles start with the weights of --init",
        )


def check_adversary(options: Options) -> None:
    """Raise OptionError for options of adversarial losses that others do without."""
    check_penalty(options)
    features = bool(options.perceptual_weight)
    refuse_given(options, ("vgg", "vgg_layer"), "with `perceptual_weight` 0", unless=features)


def check_judged(values: Mapping[str, Any]) -> None:
    """Raise OptionError for adversarial losses that no weight was given for.

    A weight of 0 that is given trains the discriminator beside, and stays allowed.
    """
    weights = ("adversarial", "perceptual", "tv", "mesh", "flicker")
    if values.get("adversarial") is None or any(f"{name}_weight" in values for name in weights):
        return
    raise OptionError(
        f"adversarial = {values['adversarial']!r} without `adversarial_weight` does nothing",
        hint="add --adversarial-weight 0.001",
    )


def check_penalty(options: Options) -> None:
    """Raise OptionError for the weight of a penalty that only wgan-gp has."""
    held = options.adversarial in (None, "wgan-gp")
    refuse_given(options, ("penalty_weight",), f"with {options.adversarial}", unless=held)


def refuse_given(options: Options, names: tuple[str, ...], where: str, *, unless: object) -> None:
    """Raise OptionError for one of ``names`` that is not at its default, with ``unless`` falsy."""
    if unless:
        return
    for name in names:
        value: Any = getattr(options, name)
        if value != type(options).__dataclass_fields__[name].default:
            raise OptionError(f"{name} = {value!r} {where} does nothing", hint="leave it out")


def check_material(
    options: Options, material: Material, *, paired: bool, usual_recipe: str
) -> None:
    """Raise OptionError for options about videos or degradation that DATA has no use for."""
    if options.unpaired is not None:
        return
    if not material.videos:
        refuse_given(options, ("portion", "spots"), "without videos", unless=False)
    unused = paired and options.validate is None  # whose pictures a recipe would spoil
    if unused and options.recipe != usual_recipe:
        raise OptionError(
            f"recipe = {options.recipe!r} with pairs does nothing: they were degraded before",
            hint="leave it out, or name the folder of the large pictures",
        )
