"""Validation of a generator while it learns: PSNR on Y, and a picture to look at."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.degradation.recipe import Recipe
from vidsr.degradation.stills import degrade_picture
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import InputError
from vidsr.models.checkpoint import Generator
from vidsr.option_values import Precision
from vidsr.picture.size import Size
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.quality.sheets.sheet import contact_sheet, detailed_window
from vidsr.training.data.pairs import Prepared, is_plain, trim
from vidsr.training.folders import partner, validation_files
from vidsr.upscaling.transform import enlarge_rgb
from vidsr.video.still_images import read_rgb, to_bytes, to_unit

log = logging.getLogger("vidsr")
SHEET_PICTURES = 4
SHEET_SIDE = 160  # of a crop on the contact sheet, high-resolution pixels
SMALLEST_SIDE = 8  # low-resolution pixels
LARGEST_SIDE = 768  # a validation picture's middle, at the most: it is scored often


@dataclass(frozen=True)
class Sample:
    """Picture to validate on: uint8 RGB ``[3, h, w]``, ``[3, s*h, s*w]`` and bicubic upscaling."""

    name: str
    low: Tensor
    high: Tensor
    bicubic: Tensor


@dataclass(frozen=True)
class Scores:
    """Mean PSNR in dB on Y, ``scale`` pixels of border left out."""

    psnr_db: float
    bicubic_db: float


def load_samples(folder: Path, recipe: Recipe, scale: int) -> list[Sample]:
    """Return every picture of ``folder``, degraded by ``recipe``.

    A folder of a benchmark (``image_SRF_4/img_001_SRF_4_HR.png`` with ``..._LR.png`` beside it)
    brings its own LR pictures, which are used if ``recipe`` is plain bicubic.
    Raises InputError for pictures that cannot be read, NoInputError if there are none.
    """
    files, paired = validation_files(folder, scale)
    own = paired and is_plain(recipe)
    return [_sample(p, recipe, scale, _low_of(p) if own else None) for p in files]


def samples_of(data: Prepared, recipe: Recipe, scale: int) -> list[Sample]:
    """Load what was held back from training, degraded by ``recipe`` or with its own LR.

    Pictures that cannot be read are skipped and named.
    """
    samples = []
    for path in data.held_back:
        try:
            own = partner(path) if data.paired else None
            samples.append(_sample(path, recipe, scale, own))
        except InputError as error:
            log.warning("skipped %s", error)
            data.skipped.append(str(error))
    for number, pair in enumerate(data.spared, 1):
        upscaled = upscale_bicubic(pair.low, scale)
        samples.append(Sample(f"clip {number}", pair.low, pair.high, upscaled))
    return samples


def _low_of(path: Path) -> Path:
    return path.with_name(path.name.replace("_HR", "_LR"))


def _sample(path: Path, recipe: Recipe, scale: int, lr: Path | None = None) -> Sample:
    picture = read_rgb(path)
    if lr is not None and lr.is_file():
        low = read_rgb(lr)
        high = picture[:, : low.shape[1] * scale, : low.shape[2] * scale]
    else:
        high = trim(_middle(picture), scale)
        _require(path, high, SMALLEST_SIDE * scale)
        seed = sum(path.name.encode())  # its own, and the same at every validation
        low = degrade_picture(high, recipe.sample(seed), scale, seed=seed)
    _require(path, low, SMALLEST_SIDE)
    if tuple(high.shape[1:]) != tuple(side * scale for side in low.shape[1:]):
        raise InputError(f"{path}: smaller than {scale} times the small picture beside it")
    return Sample(path.stem, low, high, upscale_bicubic(low, scale))


def _require(path: Path, picture: Tensor, side: int) -> None:
    if min(picture.shape[1:]) < side:
        size = f"{picture.shape[2]}x{picture.shape[1]}"
        raise InputError(f"{path}: {size} is too small: expected {side}x{side} or larger")


def _middle(picture: Tensor) -> Tensor:
    top, left = (max(0, (side - LARGEST_SIDE) // 2) for side in picture.shape[1:])
    return picture[:, top : top + LARGEST_SIDE, left : left + LARGEST_SIDE]


def upscale_bicubic(low: Tensor, scale: int) -> Tensor:
    """Upscale uint8 ``[3, h, w]`` to ``[3, s*h, s*w]``; at scale 1 to the picture itself."""
    size = [side * scale for side in low.shape[1:]]
    return to_bytes(interpolate(to_unit(low)[None], size, mode="bicubic", antialias=True)[0])


def score(
    generator: Generator, samples: list[Sample], device: str, precision: Precision = "auto"
) -> tuple[Scores, list[Tensor]]:
    """Return the mean PSNR over ``samples``, and the generator's pictures, made as for users."""
    engine = TorchEngine(generator, device=device, precision=precision)
    scale = generator.config.scale
    pictures = [to_bytes(enlarge_rgb(to_unit(s.low), engine, None)) for s in samples]
    ours = [_psnr_y(p, s.high, scale) for p, s in zip(pictures, samples, strict=True)]
    bicubic = [_psnr_y(s.bicubic, s.high, scale) for s in samples]
    return Scores(_mean(ours), _mean(bicubic)), pictures


def _mean(values: list[float]) -> float:
    return fmean(values) if values else math.nan


def _psnr_y(picture: Tensor, original: Tensor, border: int) -> float:
    return psnr_db(luma_601(picture), luma_601(original), border=border)


def sheet(samples: list[Sample], pictures: list[Tensor], name: str) -> Tensor:
    """Lay out LR | bicubic | ours | HR, the busiest crop of the first pictures.

    The sheet is uint8 ``[3, H, W]``.
    """
    rows, captions = [], []
    for sample, picture in list(zip(samples, pictures, strict=True))[:SHEET_PICTURES]:
        scale = picture.shape[1] // sample.low.shape[1]
        low = sample.low.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        window = detailed_window(luma_601(sample.high), Size(SHEET_SIDE, SHEET_SIDE))
        rows.append([_cut(p, window) for p in (low, sample.bicubic, picture, sample.high)])
        captions.append(f"{sample.name} {_psnr_y(picture, sample.high, scale):.2f} dB")
    return contact_sheet(rows, ("LR", "bicubic", name, "HR"), captions)


def _cut(picture: Tensor, window: tuple[int, int, int, int]) -> Tensor:
    top, left, height, width = window
    return picture[:, top : top + height, left : left + width]
