"""The options of unpaired training: what differs from other runs, and what it does not heed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidsr.errors import OptionError
from vidsr.training.heeded import check_penalty, refuse_given

if TYPE_CHECKING:
    from vidsr.training.options import Options

# Weights as published for CycleGAN (Zhu et al. 2017), the rest small enough for a CPU: a
# generator of 36 K parameters, 0.17 s a step on one busy core.
UNPAIRED: dict[str, Any] = {
    "scale": 4, "width": 8, "blocks": 1, "batch": 4, "crop": 64, "rate": 1e-3,
    "recipe": "codecs", "adversarial": "lsgan", "adversarial_weight": 1.0,
    "discriminator_width": 16,
}  # fmt: skip
ONLY_UNPAIRED = ("cycle_weight", "identity_weight", "discriminator_scales")
UNHEEDED = (
    *("init", "teacher", "validate", "discriminator", "vgg", "vgg_layer", "pixel_weight"),
    *("perceptual_weight", "tv_weight", "mesh_weight", "flicker_weight"),
    *("edge_weight", "colour_weight", "quantise", "shuffle", "norm", "prelu", "middle"),
    "teacher_weight",
)
GREATEST_SCALE = 8
CRITIC_LAYERS = 2
"""Convolutions of stride 2 of a critic: each logit sees 34x34 pixels, of texture and no things."""
SMALLEST_JUDGED = 3 * 2**CRITIC_LAYERS
"""Pixels a side that the coarsest critic makes something of."""


def check_unpaired(options: Options) -> None:
    """Raise OptionError for what cannot be, or does nothing, in a run of this kind."""
    if options.unpaired is None:
        refuse_given(options, ONLY_UNPAIRED, "without unpaired footage", unless=False)
        return
    if options.dp_epsilon is not None:
        raise OptionError(
            f"dp_epsilon = {options.dp_epsilon:g} with unpaired footage: what the critics learn is "
            "not protected"
        )
    refuse_given(options, UNHEEDED, "beside unpaired footage", unless=False)
    check_penalty(options)
    if options.kind != "unet" or options.channels != 3:
        raise OptionError(
            f"unpaired footage with {options.kind} of {options.channels} channels: expected unet "
            "of 3, which keeps the size and sees colour"
        )
    if options.adversarial is None or not options.adversarial_weight:
        raise OptionError("unpaired footage without adversarial losses teaches nothing")
    if not 1 <= options.scale <= GREATEST_SCALE:
        raise OptionError(
            f"scale = {options.scale} beside unpaired footage: expected 1 to {GREATEST_SCALE}"
        )
    needed = SMALLEST_JUDGED << (options.discriminator_scales - 1)
    if options.crop < needed:
        raise OptionError(
            f"crop = {options.crop}: expected {needed} or more for "
            f"discriminator_scales = {options.discriminator_scales}"
        )
