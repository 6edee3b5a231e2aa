"""Pairs of pictures to compare: originals and their low-resolution versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vidsr.errors import InputError, NoInputError, OptionError
from vidsr.quality.baselines import shrink
from vidsr.quality.request import no_set
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_picture


@dataclass(frozen=True)
class PicturePair:
    """Original and its low-resolution version; None means that it is made by bicubic."""

    group: str
    name: str
    hr: Path
    lr: Path | None


def benchmark_pairs(data: Path, sets: Sequence[str], scale: int) -> list[PicturePair]:
    """List pairs of ``DATA/SET/image_SRF_4/img_001_SRF_4_{HR,LR}.png``, looking up all sets first.

    Raises NoInputError if a set has none.
    """
    return [pair for name in sets for pair in _benchmark(data / name, name, scale)]


def _benchmark(folder: Path, group: str, scale: int) -> list[PicturePair]:
    inner, end = folder / f"image_SRF_{scale}", f"_SRF_{scale}_HR.png"
    found = sorted(inner.glob(f"img_*{end}"))
    if not found:
        raise no_set(inner)
    return [
        PicturePair(
            group, hr.name.removesuffix(end), hr, hr.with_name(hr.name.replace("_HR.", "_LR."))
        )
        for hr in found
    ]


def folder_pairs(hr: Path, lr: Path | None, scale: int) -> list[PicturePair]:
    """List pairs of two folders (or of two files), by names without suffix.

    The LR file of ``0801.png`` is ``0801`` or, as DIV2K names it, ``0801x4``, with any picture
    suffix. Raises NoInputError if there is none, InputError if there are several, and
    OptionError for a scale of 1 without ``lr``.
    """
    if lr is None and scale == 1:
        raise OptionError(
            "a model of scale 1 does not upscale: its input is no smaller version of --hr.",
            hint="give the damaged pictures with --lr.",
        )
    if not hr.is_dir():
        return [PicturePair(hr.parent.name, hr.stem, hr, lr)]
    originals = picture_files(hr)
    partners = picture_files(lr) if lr is not None else []
    stems = [path.stem for path in originals]
    return [
        PicturePair(
            hr.name,
            path.stem if stems.count(path.stem) == 1 else path.name,
            path,
            _partner(path, lr, partners, scale) if lr is not None else None,
        )
        for path in originals
    ]


def _partner(hr: Path, folder: Path, partners: Sequence[Path], scale: int) -> Path:
    names = (hr.stem, f"{hr.stem}x{scale}")
    found = [path for path in partners if path.stem in names]
    if not found:
        raise NoInputError(
            f"{folder}: no picture for {hr}", hint=f"expected {names[0]}.* or {names[1]}.*"
        )
    if len(found) > 1:
        told = ", ".join(path.name for path in found)
        raise InputError(f"{folder}: several pictures for {hr}: {told}")
    return found[0]


def read_pair(pair: PicturePair, scale: int, least: int) -> tuple[Tensor, Tensor]:
    """Return the original, uint8 ``[1 or 3, h*scale, w*scale]``, and the LR, ``[3, h, w]``.

    Raises InputError for a picture that cannot be read, sizes that do not fit each other, and an
    original of which less than ``least`` pixels are left.
    """
    original = read_picture(pair.hr)
    lr = read_picture(pair.lr) if pair.lr else None
    original, small = match_sizes(original, lr, scale, least, (pair.hr, pair.lr or pair.hr))
    return original, small if small.shape[0] == 3 else small.repeat(3, 1, 1)


def match_sizes(
    original: Tensor, lr: Tensor | None, scale: int, least: int, names: tuple[Path, Path]
) -> tuple[Tensor, Tensor]:
    """Cut the original to ``scale`` times the LR, which is made if it is None; return both.

    The original may be larger by less than one LR pixel, and ``least`` pixels both ways have to be
    left of it. Raises InputError naming the files.
    """
    height, width = original.shape[1:]
    side = max(1, -(-least // scale)) * scale  # what lies beyond whole LR pixels is cut off
    small = f"{names[0]}: {width}x{height} is too small: expected {side}x{side} or larger"
    if lr is None:
        if min(height, width) < side:
            raise InputError(small)
        lr = shrink(original, scale)
    high, wide = lr.shape[1] * scale, lr.shape[2] * scale
    if not (0 <= height - high < scale and 0 <= width - wide < scale):
        raise InputError(
            f"{names[1]}: {lr.shape[2]}x{lr.shape[1]} is not {names[0]} ({width}x{height}) "
            f"divided by {scale}"
        )
    if min(high, wide) < least:
        raise InputError(small)
    return original[:, :high, :wide], lr
