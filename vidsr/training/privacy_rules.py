"""Refusals of private training: what would break its guarantee, found before PyTorch is loaded."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.degradation.recipe_files import recipe_weights
from vidsr.errors import OptionError, VidsrError
from vidsr.models.shipped import RUN_OPTIONS, find_weights
from vidsr.option_values import one_of

if TYPE_CHECKING:
    from vidsr.training.options import Options

PRIVATE_KINDS = ("lite", "srresnet", "espcn")
"""Networks of layers that Opacus takes apart; others change tensors in place or hold buffers."""
ONLY_PRIVATE = ("dp_delta", "dp_clip", "dp_seed")


def check_private_options(options: Options) -> None:
    """Raise OptionError for options that do not go with ``dp_epsilon``, or need it."""
    if options.dp_epsilon is None:
        return _check_unused(options)
    for wrong, what, why in (
        (options.kind not in PRIVATE_KINDS, options.kind, f"expected {one_of(PRIVATE_KINDS)}"),
        (
            options.adversarial is not None,
            f"adversarial = {options.adversarial!r}",
            "what the discriminator learns is not protected",
        ),
        (options.norm == "batch", "norm = 'batch'", "it mixes the pictures of a batch"),
        (
            options.kind == "lite" and options.middle != 0,
            f"middle = {options.middle}",
            "expected 0: only plain convolutions have gradients for each picture",
        ),
        (
            options.teacher is not None,
            f"teacher = {options.teacher!r}",
            "the guarantee does not cover what a teacher has seen",
        ),
        (
            options.quantise is not None,
            f"quantise = {options.quantise!r}",
            "ranges are observed on the pictures without noise",
        ),
        *(
            (bool(getattr(options, name)), f"{name} = {getattr(options, name)}", "expected 0")
            for name in ("edge_weight", "colour_weight")
        ),
        (
            options.steps is None,
            f"minutes = {options.minutes}",
            "expected `steps`: the noise is chosen for their number",
        ),
        (
            options.precision in ("bf16", "fp16"),
            f"precision = {options.precision!r}",
            "expected fp32",
        ),
        (
            options.clip_norm != 1.0,
            f"clip_norm = {options.clip_norm}",
            "expected `dp_clip`, which bounds every picture's gradient",
        ),
        (
            options.validate is None,
            "no `validate`",
            "pictures held back of the data would be shown; expected pictures of another origin",
        ),
    ):
        if wrong:
            raise OptionError(f"dp_epsilon = {options.dp_epsilon:g} with {what}: {why}")
    return None


def _check_unused(options: Options) -> None:
    for name in ONLY_PRIVATE:
        default = options.__dataclass_fields__[name].default
        if getattr(options, name) != default:
            raise OptionError(
                f"{name} = {getattr(options, name)} without `dp_epsilon` does nothing",
                hint="add --dp-epsilon 8",
            )


def check_private_place(options: Options) -> None:
    """Raise a VidsrError where private training lacks Opacus, or would show what it protects."""
    if options.dp_epsilon is None:
        return
    if importlib.util.find_spec("opacus") is None:
        raise VidsrError("`dp_epsilon` needs Opacus", hint="pip install -e '.[privacy]'")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("`dp_epsilon` with several processes: expected one")
    data = Path(options.data).resolve()
    assert options.validate is not None
    if Path(options.validate).resolve().is_relative_to(data):
        raise OptionError(
            f"validate = {options.validate!r} with `dp_epsilon`: part of the data, whose pictures "
            "would be shown; expected pictures of another origin"
        )
    if options.init is not None and data in _learned_from(find_weights(options.init)):
        raise OptionError(
            f"init = {options.init!r} with `dp_epsilon`: it has learned from the same data, which "
            "the guarantee does not cover"
        )
    for weights in recipe_weights(options.recipe):
        if data in _learned_from(weights):
            raise OptionError(
                f"recipe = {options.recipe!r} with `dp_epsilon`: {weights} has learned from the "
                "same data, which the guarantee does not cover"
            )


def check_sources(options: Options, sources: int) -> None:
    """Raise OptionError where there are too few photographs and videos for a guarantee."""
    if options.dp_epsilon is None:
        return
    if options.batch > sources:
        raise OptionError(
            f"batch = {options.batch} with `dp_epsilon`: expected {sources} or less, the number of "
            "photographs and videos",
        )
    if options.dp_delta * sources >= 1:
        raise OptionError(
            f"dp_delta = {options.dp_delta:g}: expected less than 1 in {sources}, the number of "
            "photographs and videos"
        )


def _learned_from(weights: Path) -> list[Path]:
    """Return the data of the run that wrote ``weights``; none where that is not known."""
    try:
        stored = json.loads((weights.parent / RUN_OPTIONS).read_text())
        named = (stored["data"], stored.get("unpaired"))
        return [Path(each).resolve() for each in named if each is not None]
    except (AttributeError, OSError, ValueError, KeyError, TypeError):
        return []
