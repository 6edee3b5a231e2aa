"""NIQE: distance of a picture's statistics from those of sharp, undamaged photographs.

Mittal, Soundararajan and Bovik 2013, "Making a 'completely blind' image quality analyzer". Every
96x96 block gives 36 numbers (18 at full and 18 at half size); a picture's are summed up as a
Gaussian, and its distance from a Gaussian fitted to photographs is the score. Lower is better.

The model here is this project's own, fitted by ``vidsr.quality.metrics.fit_niqe`` to the
photographs its networks were trained on. Scores of one picture can be compared with each other,
not with those made with the authors' model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn.functional import interpolate, pad

from vidsr.errors import ModelError
from vidsr.quality.metrics.ssim import filter_valid, gaussian

BLOCK = 96  # pixels at full size, half of it at half size
FEATURES = 36
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # right, below, and both diagonals
_WINDOW, _SIGMA = 7, 7 / 6


@dataclass(frozen=True)
class Gaussian:
    """Mean ``[36]`` and covariance ``[36, 36]`` of block features, float64."""

    mean: Tensor
    covariance: Tensor


def niqe(y: Tensor, model: Gaussian | None = None) -> float:
    """Score one plane ``[H, W]`` of luma in 0..255, any dtype; about 3 to 4 for photographs.

    NaN if there is no texture at all, such as in a black frame. ``model`` is the shipped one
    when None. Raises ValueError for a plane of less than 96x96 and ModelError for a broken model.
    """
    model = model or pristine()
    picture = fit(block_features(y)[0])
    if picture is None:
        return float("nan")
    apart = model.mean - picture.mean
    # The pseudo-inverse, as the authors do: a picture of few blocks has a singular covariance.
    inverse = torch.linalg.pinv((model.covariance + picture.covariance) / 2, hermitian=True)
    return float((apart @ inverse @ apart).clamp(min=0).sqrt())


def fit(features: Tensor) -> Gaussian | None:
    """Fit a Gaussian to ``[blocks, 36]``; blocks with NaN are left out, None when all have one."""
    rows = features[features.isfinite().all(1)]
    if not len(rows):
        return None
    apart = rows - rows.mean(0)
    return Gaussian(rows.mean(0), apart.T @ apart / max(1, len(rows) - 1))


def block_features(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return features ``[blocks, 36]`` and sharpness ``[blocks]`` of luma ``[H, W]``, float64.

    The luma is in 0..255. Sharpness is the mean local standard deviation of a block. Samples that
    do not fill a block, right and below, are left out. Raises ValueError for less than one block.
    """
    rows, columns = y.shape[0] // BLOCK, y.shape[1] // BLOCK
    if y.ndim != 2 or not rows or not columns:
        raise ValueError(f"expected [H, W] of {BLOCK}x{BLOCK} or more, got {tuple(y.shape)}")
    full = y[: rows * BLOCK, : columns * BLOCK].double()
    size = (full.shape[0] // 2, full.shape[1] // 2)
    half = interpolate(full[None, None], size, mode="bicubic", antialias=True)[0, 0]
    (full_features, sharpness), (half_features, _) = (
        _features_at(plane, block) for plane, block in ((full, BLOCK), (half, BLOCK // 2))
    )
    return torch.cat([full_features, half_features], 1), sharpness


def _features_at(plane: Tensor, block: int) -> tuple[Tensor, Tensor]:
    normal, deviation = mscn(plane)
    blocks = _cut(normal, block)
    parts = [_own(blocks)]
    # Each block wraps around, as the authors' circular shift does.
    parts += [_pair(blocks * blocks.roll(shift, (1, 2))) for shift in _SHIFTS]
    return torch.cat(parts, 1), _cut(deviation, block).mean((1, 2))


def mscn(plane: Tensor) -> tuple[Tensor, Tensor]:
    """Return locally normalised values (x - mean) / (deviation + 1) and deviation, ``[H, W]`` both.

    Over a 7x7 Gaussian window of sigma 7/6; edges replicate; ``plane`` is in 0..255.
    """
    kernel, reach = gaussian(_WINDOW, _SIGMA), _WINDOW // 2
    padded = pad(plane.double()[None, None], [reach] * 4, mode="replicate")[0, 0]
    mean, square = filter_valid(torch.stack([padded, padded * padded]), kernel)
    deviation = (square - mean * mean).abs().sqrt()
    return (plane - mean) / (deviation + 1), deviation


def _cut(plane: Tensor, block: int) -> Tensor:
    """Cut ``[H, W]`` into ``[blocks, block, block]``."""
    return plane.unfold(0, block, block).unfold(1, block, block).reshape(-1, block, block)


def _own(x: Tensor) -> Tensor:
    """Return shape and mean scale of the values themselves: ``[B, 2]`` of ``[B, b, b]``."""
    shape, left, right = asymmetric_gaussian(x.flatten(1))
    return torch.stack([shape, (left + right) / 2], 1)


def _pair(product: Tensor) -> Tensor:
    """Return shape, mean, left and right scale of neighbours' products, ``[B, 4]``."""
    shape, left, right = asymmetric_gaussian(product.flatten(1))
    log = torch.lgamma
    mean = (right - left) * torch.exp(log(2 / shape) - log(1 / shape))
    return torch.stack([shape, mean, left, right], 1)


@lru_cache(maxsize=1)
def _shape_table() -> tuple[Tensor, Tensor]:
    """Return shapes 0.2, 0.201 ... 10 and mean(|x|)^2 / mean(x^2) of each, which rises with it."""
    shapes = torch.arange(200, 10001, dtype=torch.float64) / 1000
    log = torch.lgamma
    return shapes, torch.exp(2 * log(2 / shapes) - log(1 / shapes) - log(3 / shapes))


def asymmetric_gaussian(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit asymmetric generalised Gaussians to the rows of ``[B, n]``: shape, left, right scale.

    By moments, after Lasmar, Stitou and Berthoumieu 2009, "Multiscale skewed heavy tailed model for
    texture analysis". A row with no negative or no positive values gives NaN.
    """
    deviation = [_one_sided(x, side) for side in (x < 0, x > 0)]
    ratio = deviation[0] / deviation[1]
    moment = x.abs().mean(1).square() / x.square().mean(1)
    target = moment * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, moments = _shape_table()
    after = torch.searchsorted(moments, target).clamp(1, len(moments) - 1)
    nearer = (target - moments[after - 1]) <= (moments[after] - target)
    shape = torch.where(target.isfinite(), shapes[after - nearer.long()], torch.nan)
    scale = torch.exp((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2)
    return shape, deviation[0] * scale, deviation[1] * scale


def _one_sided(x: Tensor, side: Tensor) -> Tensor:
    """Return the root mean square of the chosen values of each row; NaN if none is chosen."""
    return ((x.square() * side).sum(1) / side.sum(1)).sqrt()


@lru_cache(maxsize=1)
def pristine() -> Gaussian:
    """Return the shipped model of photographs. Raises ModelError when it is absent or broken."""
    return load(Path(str(resources.files("vidsr.quality"))) / "niqe_pristine.safetensors")


def load(path: Path) -> Gaussian:
    """Load a model that ``vidsr.quality.metrics.fit_niqe`` wrote. Raises ModelError."""
    try:
        with safe_open(str(path), framework="pt") as file:
            model = Gaussian(file.get_tensor("mean"), file.get_tensor("covariance"))
            about = json.loads((file.metadata() or {}).get("vidsr", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: not a NIQE model: {error}") from error
    block = about.get("block") if isinstance(about, dict) else None
    sizes = tuple(model.mean.shape), tuple(model.covariance.shape), block
    if sizes != ((FEATURES,), (FEATURES, FEATURES), BLOCK):
        raise ModelError(f"{path}: mean, covariance and block of {sizes}: not a NIQE model")
    return model
