"""Operations a recipe may name, the bounds of their parameters, and how each is made.

Lengths (``*_px``) are in pixels of the final, low-resolution picture, wherever in the chain the
operation stands: so a recipe means the same at every scale. ``block_px`` alone counts pixels of
the picture at hand, as codecs do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from vidsr.degradation.operations import artifacts, noise
from vidsr.degradation.operations.blur import blur, defocus_kernel, gaussian_kernel, motion_kernel
from vidsr.degradation.operations.chroma import LAYOUTS, subsample_chroma
from vidsr.degradation.operations.codec import CodecPass
from vidsr.degradation.operations.codec_settings import CODECS, PRESETS, CodecSettings
from vidsr.degradation.operations.jpeg import SUBSAMPLINGS, jpeg
from vidsr.degradation.operations.learned import LearnedDegradation
from vidsr.degradation.operations.passes import Each, Pass, Scene, WithPrevious
from vidsr.degradation.operations.resize import METHODS, resize
from vidsr.picture.size import Size

Value = float | int | str
Values = dict[str, Value]


@dataclass(frozen=True)
class Number:
    """Bounds of a numeric parameter. Without a default it has to be given, unless optional."""

    low: float
    high: float
    default: float | None = None
    whole: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Word:
    """Choices of a parameter made of a word. Without a default it has to be given."""

    allowed: tuple[str, ...]
    default: str | None = None
    optional = False


@dataclass(frozen=True)
class WeightsFile:
    """Path of weights that keep the size, from the recipe's own folder. It has to be given."""

    default = None
    optional = False


Parameter = Number | Word | WeightsFile


@dataclass(frozen=True)
class Op:
    """One operation. ``either``: exactly one of these parameters is given."""

    make: Callable[[Values, Scene], Pass]
    parameters: Mapping[str, Parameter]
    either: tuple[str, ...] = ()
    temporal: bool = False


def resized(values: Values, scene: Scene) -> Size:
    """Return the size after a resize of that ``times``."""
    times, small = float(values["times"]), scene.lr_size
    if times == 1:
        return small
    return Size(max(4, round(small.width * times)), max(4, round(small.height * times)))


def _resize(values: Values, scene: Scene) -> Pass:
    size, method = resized(values, scene), str(values["method"])
    return Each(lambda x: resize(x, size, method))


def _convolve(kernel: Tensor) -> Pass:
    return Each(lambda x: blur(x, kernel))


def _gaussian_blur(values: Values, scene: Scene) -> Pass:
    sigma = float(values["sigma_px"]) * scene.lr_px
    if sigma == 0:
        return Each(lambda x: x)
    shape = {key: float(values[key]) for key in ("ratio", "angle_deg", "beta")}
    return _convolve(gaussian_kernel(sigma, **shape))


def _motion_blur(values: Values, scene: Scene) -> Pass:
    length = float(values["length_px"]) * scene.lr_px
    return _convolve(motion_kernel(length, float(values["angle_deg"])))


def _defocus(values: Values, scene: Scene) -> Pass:
    return _convolve(defocus_kernel(float(values["radius_px"]) * scene.lr_px))


def _gaussian_noise(values: Values, scene: Scene) -> Pass:
    sigma, generator = float(values["sigma_levels"]) / 255, scene.generator
    return Each(lambda x: noise.gaussian(x, sigma, generator))


def _sensor_noise(values: Values, scene: Scene) -> Pass:
    photons, electrons = float(values["photons"]), float(values["read_electrons"])
    generator = scene.generator
    return Each(lambda x: noise.sensor(x, photons, electrons, generator))


def _chroma_noise(values: Values, scene: Scene) -> Pass:
    sigma, generator = float(values["sigma_levels"]) / 255, scene.generator
    grain = float(values["grain_px"]) * scene.lr_px
    return Each(lambda x: noise.chroma(x, sigma, generator, grain_px=max(1.0, grain)))


def _jpeg(values: Values, scene: Scene) -> Pass:
    quality, subsampling = int(values["quality"]), str(values["subsampling"])
    return Each(lambda x: jpeg(x, quality, subsampling))


def _chroma(values: Values, scene: Scene) -> Pass:
    layout, unit = str(values["layout"]), scene.lr_px
    x_px, y_px = float(values["shift_x_px"]) * unit, float(values["shift_y_px"]) * unit
    return Each(lambda x: subsample_chroma(x, layout, shift_x_px=x_px, shift_y_px=y_px))


def _band(values: Values, scene: Scene) -> Pass:
    levels = int(values["levels"])
    return Each(lambda x: artifacts.band(x, levels))


def _sharpen(values: Values, scene: Scene) -> Pass:
    amount, sigma = float(values["amount"]), float(values["sigma_px"]) * scene.lr_px
    return Each(lambda x: artifacts.sharpen(x, amount, sigma))


def _interlace(values: Values, scene: Scene) -> Pass:
    stale = str(values["stale"])
    return WithPrevious(lambda x, last: artifacts.interlace(x, last, stale), output=False)


def _drop_blocks(values: Values, scene: Scene) -> Pass:
    share, block, generator = float(values["share"]), int(values["block_px"]), scene.generator
    grey = values["fill"] == "grey"

    def lose(x: Tensor, shown: Tensor) -> Tensor:
        fill = shown.new_tensor(artifacts.GREY) if grey else shown
        return artifacts.drop_blocks(x, fill, share, block, generator)

    return WithPrevious(lose, output=True)


def _learned(values: Values, scene: Scene) -> Pass:
    strength = float(values["strength"])
    network = LearnedDegradation(str(values["model"]), strength=strength, device=scene.device)
    return Each(network)


def _codec(codec: str, values: Values, scene: Scene) -> Pass:
    quality, bits = values.get(CODECS[codec].quality), values.get("bits_per_pixel")
    pixels_a_second = scene.size.pixels * scene.rate
    settings = CodecSettings(
        codec=codec,
        quality=None if quality is None else int(quality),
        bitrate_kbps=None if bits is None else max(1.0, float(bits) * pixels_a_second / 1000),
        gop_frames=int(values["gop_frames"]),
        preset=str(values.get("preset", "veryfast")),
        rate=scene.rate,
    )
    return CodecPass(settings, scene.size)


def _codec_op(codec: str) -> Op:
    kind = CODECS[codec]
    parameters: dict[str, Number | Word] = {
        kind.quality: Number(kind.lowest, kind.highest, whole=True, optional=True),
        "bits_per_pixel": Number(0.001, 20, optional=True),
        "gop_frames": Number(1, 1000, 250, whole=True),
    }
    if codec in ("h264", "h265"):
        parameters["preset"] = Word(PRESETS, "veryfast")
    return Op(partial(_codec, codec), parameters, (kind.quality, "bits_per_pixel"), temporal=True)


_ANGLE = Number(-360, 360, 0)
_SHIFT = Number(-4, 4, 0)

OPS: dict[str, Op] = {
    "resize": Op(_resize, {"times": Number(0.1, 16, 1), "method": Word(METHODS, "bicubic")}),
    "gaussian_blur": Op(
        _gaussian_blur,
        {
            "sigma_px": Number(0, 20),
            "ratio": Number(0.1, 10, 1),
            "angle_deg": _ANGLE,
            "beta": Number(0.5, 8, 1),
        },
    ),
    "motion_blur": Op(_motion_blur, {"length_px": Number(0, 100), "angle_deg": _ANGLE}),
    "defocus": Op(_defocus, {"radius_px": Number(0, 50)}),
    "gaussian_noise": Op(_gaussian_noise, {"sigma_levels": Number(0, 128)}),
    "sensor_noise": Op(
        _sensor_noise, {"photons": Number(1, 1e6), "read_electrons": Number(0, 1000, 0)}
    ),
    "chroma_noise": Op(
        _chroma_noise, {"sigma_levels": Number(0, 128), "grain_px": Number(0, 64, 1)}
    ),
    "jpeg": Op(
        _jpeg, {"quality": Number(1, 100, whole=True), "subsampling": Word(SUBSAMPLINGS, "420")}
    ),
    "chroma": Op(
        _chroma,
        {"layout": Word(tuple(LAYOUTS), "420"), "shift_x_px": _SHIFT, "shift_y_px": _SHIFT},
    ),
    "band": Op(_band, {"levels": Number(2, 256, whole=True)}),
    "sharpen": Op(_sharpen, {"amount": Number(0, 10), "sigma_px": Number(0.1, 20, 1)}),
    "interlace": Op(_interlace, {"stale": Word(("odd", "even"), "odd")}, temporal=True),
    "drop_blocks": Op(
        _drop_blocks,
        {
            "share": Number(0, 1),
            "block_px": Number(1, 256, 16, whole=True),
            "fill": Word(("previous", "grey"), "previous"),
        },
        temporal=True,
    ),
    **{codec: _codec_op(codec) for codec in CODECS},
    "learned": Op(_learned, {"model": WeightsFile(), "strength": Number(0, 2, 1)}),
}
