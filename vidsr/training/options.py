"""The options of a training run: one frozen record, stored beside what the run made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from vidsr.errors import OptionError
from vidsr.models.networks.config import GeneratorConfig, Kind, NormKind, PReLUKind
from vidsr.option_values import Precision, one_of
from vidsr.training.choices import (
    AdversarialKind,
    DiscriminatorKind,
    FeatureLayer,
    PixelLoss,
    QuantiseKind,
    ScheduleKind,
    ShuffleStart,
)
from vidsr.training.heeded import check_adversary, check_heeded, check_judged
from vidsr.training.portions import WHOLE, parse_portion
from vidsr.training.privacy_rules import check_private_options
from vidsr.training.unpaired_options import UNPAIRED, check_unpaired

# What differs between generators: sizes as published where a paper has them, and the rate that
# their depth bears. SRGAN is SRResNet's network with the adversarial losses on.
PRESETS: dict[str, dict[str, Any]] = {
    "lite": {"channels": 1, "width": 32, "blocks": 7, "batch": 16, "crop": 32, "rate": 1e-3},
    "srresnet": {"channels": 3, "width": 64, "blocks": 16, "batch": 16, "crop": 24, "rate": 4e-4},
    "srgan": {
        "channels": 3, "width": 64, "blocks": 16, "batch": 8, "crop": 24, "rate": 1e-4,
        "adversarial": "bce", "perceptual_weight": 1.0, "pixel_weight": 0.01,
        "adversarial_weight": 1e-3, "flicker_weight": 0.0,
    },
    "espcn": {"channels": 1, "width": 64, "blocks": 1, "batch": 16, "crop": 32, "rate": 1e-3},
    "srcnn": {"channels": 1, "width": 64, "blocks": 1, "batch": 16, "crop": 24, "rate": 1e-3},
    "rrdb": {"channels": 3, "width": 32, "blocks": 3, "batch": 8, "crop": 24, "rate": 2e-4},
    "unet": {
        "channels": 3, "width": 24, "blocks": 2, "batch": 8, "crop": 96, "rate": 1e-3,
        "recipe": "motion",
    },
}  # fmt: skip

GAN_ONLY = (
    *("discriminator", "discriminator_width", "vgg", "vgg_layer", "pixel_weight"),
    *("perceptual_weight", "adversarial_weight", "tv_weight", "mesh_weight", "flicker_weight"),
    "penalty_weight",
)
QUANTISE_RATE = 0.1  # of the usual rate
SMALLEST_JUDGED, SMALLEST_SEEN = 32, 40
"""Pixels a side that discriminators, and VGG19 from any offset, make something of."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a run.

    Weights of losses are factors, ``rate`` is Adam's, ``crop`` low-resolution pixels.
    One of ``steps`` and ``minutes`` ends the run and stretches the schedule. ``stop_after`` ends
    it earlier, as an interruption would. ``adversarial`` None trains for fidelity alone.
    """

    data: str
    kind: Kind
    scale: int
    channels: int
    width: int
    blocks: int
    batch: int
    crop: int
    rate: float
    norm: NormKind = "none"
    prelu: PReLUKind = "channel"  # of srresnet and lite: a slope a channel, or one for all
    stride: int = 1  # of lite and unet: pixels of the input from one sample of its grid to the next
    shuffle: ShuffleStart = "random"  # of srresnet and unet: weights before pixel shuffles
    validate: str | None = None  # folder of pictures; None holds back some of ``data``
    recipe: str = "bicubic"
    clips: int = 8  # of each picture, for recipes that need moving pictures
    spots: int = 64  # of each video that clips are cut from
    portion: str = WHOLE  # of each video that may be learned from
    steps: int | None = None
    minutes: float | None = None
    schedule: ScheduleKind = "cosine"
    warmup: int = 200
    loss: PixelLoss = "l1"
    clip_norm: float = 1.0
    decay: float = 0.999  # of the averaged weights
    precision: Precision = "auto"
    seed: int = 0
    middle: int = 128  # width of the over-parameterised convolutions of ``lite``; 0 for plain ones
    quantise: QuantiseKind | None = None  # round numbers to codes, as engines in 8 bits do
    init: str | None = None
    teacher: str | None = None
    teacher_weight: float = 0.5
    adversarial: AdversarialKind | None = None
    discriminator: DiscriminatorKind = "patch"
    discriminator_width: int = 64
    vgg: str | None = None
    vgg_layer: FeatureLayer = "vgg22"
    pixel_weight: float = 1.0
    edge_weight: float = 0.0  # beside the loss on pixels, with adversarial losses or without
    colour_weight: float = 0.0
    perceptual_weight: float = 0.0
    adversarial_weight: float = 0.0
    tv_weight: float = 0.0
    mesh_weight: float = 0.0
    flicker_weight: float = 0.0
    penalty_weight: float = 10.0  # of the gradient penalty of wgan-gp
    unpaired: str | None = None  # bad footage; ``data`` is good, and shrunk by ``scale``
    cycle_weight: float = 10.0
    identity_weight: float = 5.0
    discriminator_scales: int = 2
    dp_epsilon: float | None = None  # bound on what one source changes; None for no bound
    dp_delta: float = 1e-5  # the chance that the bound does not hold
    dp_clip: float = 0.02  # the greatest norm of the gradient of a source; most of lite's have more
    dp_seed: int | None = None  # of noise that can be repeated, which protects nothing

    def __post_init__(self) -> None:
        _check_choices(self)
        parse_portion(self.portion)
        _check_numbers(self)
        _check_quantise(self)
        _check_losses(self)
        check_private_options(self)
        self.config()

    def config(self) -> GeneratorConfig:
        """Return the dimensions of the generator. Raises OptionError for those that cannot be."""
        try:
            return GeneratorConfig(
                kind=self.kind,
                scale=self.scale if self.unpaired is None else 1,
                channels=self.channels,
                width=self.width,
                blocks=self.blocks,
                norm=self.norm,
                prelu=self.prelu,
                stride=self.stride,
            )
        except ValueError as error:
            raise OptionError(str(error)) from error

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Read what ``to_json`` wrote. Raises OptionError on anything else."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise OptionError(f"not the options of a training run: {error}") from error


def preset(model: str, **given: Any) -> Options:
    """Return options of a named model with ``given`` ones in their place; None is not given.

    ``lite``, ``srresnet``, ``srgan``, ``espcn``, ``srcnn``, ``rrdb`` or ``unet``.
    Raises OptionError for another name and for what ``Options`` refuses.
    """
    if model not in PRESETS:
        raise OptionError(f"model = {model!r}: expected {one_of(tuple(PRESETS))}")
    kind = "srresnet" if model == "srgan" else model
    defaults = {"kind": kind, "scale": 1 if model == "unet" else 4, **PRESETS[model]}
    if given.get("unpaired") is not None:
        defaults |= UNPAIRED
    if given.get("dp_epsilon") is not None:
        defaults["middle"] = 0
    if given.get("quantise") is not None:  # a network that is good already learns to bear rounding
        defaults["rate"] *= QUANTISE_RATE
    values = {**defaults, **{k: v for k, v in given.items() if v is not None}}
    if values.get("quantise") is None and values.get("dp_epsilon") is None:
        check_judged(values)  # which these refuse altogether
    return Options(**values)


PLACES = ("validate", "vgg", "teacher", "unpaired")
DIMENSIONS = ("scale", "channels", "width", "blocks", "norm", "prelu", "stride")


def dimensions_of(config: GeneratorConfig, model: str | None) -> tuple[str, dict[str, Any]]:
    """Return model and dimensions to train from weights of ``config``, as ``dimensions`` does."""
    model = model or config.kind
    if config.kind != ("srresnet" if model == "srgan" else model):
        return model, {"scale": config.scale}
    names = [n for n in DIMENSIONS if n != "norm" or config.kind == "srresnet"]
    return model, {name: getattr(config, name) for name in names}


def merge(old: Options, given: dict[str, Any]) -> Options:
    """Return ``old`` with a new end: what may change when a run goes on.

    Raises OptionError for any other option that is given and differs.
    """
    # Files may have moved; where there was none, another one would change what is learned, and
    # other pictures would be held back from learning.
    moved = {name for name in PLACES if getattr(old, name) is not None}
    free = {"steps", "minutes", "data", *moved}
    if old.dp_epsilon is not None:  # whose noise was chosen for these steps
        free -= {"steps", "minutes"}
    for field in fields(old):
        value = given.get(field.name)
        if value is not None and field.name not in free and value != getattr(old, field.name):
            raise OptionError(
                f"{field.name} = {value!r}, but the run was begun with "
                f"{getattr(old, field.name)!r}",
                hint="leave it out, or begin another run in another --out",
            )
    changes = {name: given[name] for name in free if given.get(name) is not None}
    if "steps" in changes or "minutes" in changes:
        changes = {"steps": None, "minutes": None, **changes}
    return replace(old, **changes)


def _check_choices(options: Options) -> None:
    for name, value, allowed in (
        ("schedule", options.schedule, get_args(ScheduleKind)),
        ("loss", options.loss, get_args(PixelLoss)),
        ("shuffle", options.shuffle, get_args(ShuffleStart)),
        ("precision", options.precision, get_args(Precision)),
        ("adversarial", options.adversarial, (None, *get_args(AdversarialKind))),
        ("discriminator", options.discriminator, get_args(DiscriminatorKind)),
        ("vgg_layer", options.vgg_layer, get_args(FeatureLayer)),
        ("quantise", options.quantise, (None, *get_args(QuantiseKind))),
    ):
        if value not in allowed:
            words = [word for word in allowed if word is not None]
            raise OptionError(f"{name} = {value!r}: expected {one_of(words)}")


def _check_numbers(options: Options) -> None:
    for name, low, high in (
        ("seed", 0, 2**31),
        ("batch", 1, 4096),
        ("crop", 8, 1024),
        ("rate", 1e-9, 1.0),
        ("clips", 1, 1024),
        ("spots", 1, 65536),
        ("steps", 1, 10**9),
        ("minutes", 1e-3, 1e6),
        ("warmup", 0, 10**9),
        ("clip_norm", 1e-6, 1e9),
        ("decay", 0.0, 0.999999),
        ("middle", 0, 4096),
        ("teacher_weight", 0.0, 1.0),
        ("discriminator_width", 4, 1024),
        ("discriminator_scales", 1, 4),
        *((f"{loss}_weight", 0.0, 1e6) for loss in ("cycle", "identity")),
        ("dp_epsilon", 0.01, 100.0),
        ("dp_delta", 1e-15, 0.1),
        ("dp_clip", 1e-6, 1e6),
        ("dp_seed", 0, 2**31),
        *((f"{loss}_weight", 0.0, 1e6) for loss in ("pixel", "perceptual", "adversarial")),
        *((f"{loss}_weight", 0.0, 1e6) for loss in ("tv", "mesh", "flicker", "penalty")),
        *((f"{loss}_weight", 0.0, 1e6) for loss in ("edge", "colour")),
    ):
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise OptionError(f"{name} = {value}: expected {low:g} to {high:g}")
    if (options.steps is None) == (options.minutes is None):
        raise OptionError("expected one of --steps and --minutes", hint="say when to end")


def _check_losses(options: Options) -> None:
    check_unpaired(options)
    if options.unpaired is not None:
        return None
    if options.norm != "none" and options.kind != "srresnet":
        raise OptionError(f"norm = {options.norm!r} with {options.kind}: expected srresnet")
    if options.shuffle != "random" and options.kind not in ("srresnet", "unet"):
        raise OptionError(
            f"shuffle = {options.shuffle!r} with {options.kind}: expected srresnet or unet"
        )
    if options.colour_weight and options.channels == 1:
        raise OptionError(f"colour_weight = {options.colour_weight} for luma does nothing")
    check_heeded(options)
    if options.adversarial is None:
        return _check_unused(options)
    if options.teacher is not None:
        raise OptionError("teacher beside adversarial losses: expected one of them")
    smallest = SMALLEST_SEEN if options.perceptual_weight else SMALLEST_JUDGED
    if options.crop * options.scale < smallest:
        raise OptionError(
            f"crop = {options.crop} at scale {options.scale}: the losses need pictures of "
            f"{smallest} pixels; expected {-(-smallest // options.scale)} or more"
        )
    if options.perceptual_weight and options.vgg is None:
        raise OptionError(
            f"perceptual_weight = {options.perceptual_weight} without weights of VGG19",
            hint="name them with --vgg, or give --perceptual-weight 0",
        )
    if options.mesh_weight and options.scale == 1:
        raise OptionError(
            f"mesh_weight = {options.mesh_weight} at scale 1 does nothing: there are no cells"
        )
    total = options.pixel_weight + options.perceptual_weight + options.adversarial_weight
    if not total + options.edge_weight:
        raise OptionError("every weight of a loss is 0; nothing would be learned")
    return check_adversary(options)


def _check_unused(options: Options) -> None:
    """Raise OptionError for what only a GAN heeds, where there is none."""
    for name in GAN_ONLY:
        default = Options.__dataclass_fields__[name].default
        if getattr(options, name) != default:
            raise OptionError(
                f"{name} = {getattr(options, name)!r} without adversarial losses does nothing",
                hint="add --adversarial bce (--adversarial-weight 0 trains without them), "
                "or choose --model srgan",
            )


def _check_quantise(options: Options) -> None:
    """Raise OptionError for what does not go with numbers rounded to codes."""
    if options.quantise is None:
        return
    luma_lite = options.kind == "lite" and options.channels == 1
    if not luma_lite and options.kind != "srresnet":
        raise OptionError(
            f"quantise = {options.quantise!r} with {options.kind} of {options.channels} channels: "
            "expected lite of 1 channel, or srresnet"
        )
    if options.init is None:
        raise OptionError(
            f"quantise = {options.quantise!r} without init: expected a network that is trained",
            hint="name it with --init",
        )
    for name, usual in (
        ("unpaired", (None,)),
        ("adversarial", (None,)),
        ("norm", ("none",)),
        ("precision", ("auto", "fp32")),
    ):
        if getattr(options, name) not in usual:
            raise OptionError(
                f"{name} = {getattr(options, name)!r} with quantise = {options.quantise!r}: "
                f"expected {one_of([word or 'none' for word in usual])}"
            )
