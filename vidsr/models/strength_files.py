"""Files of descendants: differences from a network's weights, beside the file of the network.

``NAME.coded.safetensors`` belongs to ``NAME.safetensors``, whose checksum it holds. Kernels of
convolutions are stored in 8 bits with a step an output channel, all else in float16: a difference
is small, and rounding it to 1/254 of its largest weight changes a picture by less than 0.01 dB.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vidsr.errors import ModelError
from vidsr.files import written_whole
from vidsr.models.shipped import SUFFIX, strengths_path
from vidsr.models.strengths import StrengthCurve, Strengths

HEADER_KEY = "vidsr.coded"
SCHEMA = 1  # raised whenever a field changes its meaning
LARGEST_CODE = 127
STEP = ".step"  # after the name of a kernel: what its codes are multiplied by


def load_strengths(weights: Path, parent: Mapping[str, Tensor]) -> Strengths | None:
    """Return the descendants beside ``weights``, None where there are none.

    ``parent`` holds the network's own weights. Raises ModelError for a damaged file and for one
    that belongs to other weights.
    """
    path = strengths_path(weights)
    if weights.suffix != SUFFIX or not path.is_file():
        return None
    try:
        with safe_open(str(path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(HEADER_KEY, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _check_parent(header, weights)
        curve = StrengthCurve(tuple(header["levels"]), tuple(header["positions"]))
        count = int(header["descendants"])
        found = tuple(_difference(tensors, parent, index) for index in range(count))
        return Strengths(curve, found)
    except (SafetensorError, RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: no descendants of {weights.name}: {error}") from error


def save_strengths(
    weights: Path,
    parent: Mapping[str, Tensor],
    descendants: Sequence[Mapping[str, Tensor]],
    curve: StrengthCurve,
) -> Path:
    """Write descendants beside ``weights`` and return the file. Raises OutputError.

    Args:
        weights: File of the parent.
        parent: Weights of the parent, by name.
        descendants: Weights of the descendants, in the order of the errors they are for.
        curve: Positions for errors.
    """
    tensors: dict[str, Tensor] = {}
    for index, descendant in enumerate(descendants):
        for name, weight in parent.items():
            difference = descendant[name].float() - weight.float()
            tensors |= {f"{index}/{key}": t for key, t in _stored(name, difference).items()}
    header = {
        "schema": SCHEMA,
        "descendants": len(descendants),
        "levels": curve.levels,
        "positions": curve.positions,
        "weights_sha256": sha256_of(weights),
    }
    path = strengths_path(weights)
    with written_whole(path) as part:
        part.write_bytes(save(tensors, metadata={HEADER_KEY: json.dumps(header)}))
    return path


def _check_parent(header: Any, weights: Path) -> None:
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise ValueError("it states no curve that is known here")
    if header["weights_sha256"] != sha256_of(weights):
        raise ValueError("they were made for other weights")


def sha256_of(path: Path) -> str:
    """Return the checksum of a file of weights. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stored(name: str, difference: Tensor) -> dict[str, Tensor]:
    if difference.ndim != 4:
        return {name: difference.half().contiguous()}
    step = difference.abs().amax((1, 2, 3)).clamp(min=1e-12) / LARGEST_CODE
    codes = (difference / step.view(-1, 1, 1, 1)).round().to(torch.int8)
    return {name: codes.contiguous(), name + STEP: step}


def _difference(
    tensors: Mapping[str, Tensor], parent: Mapping[str, Tensor], index: int
) -> dict[str, Tensor]:
    """Return one descendant's differences, float32. Raises ValueError where one does not fit."""
    result = {}
    for name, weight in parent.items():
        stored = tensors[f"{index}/{name}"].float()
        if weight.ndim == 4:
            stored = stored * tensors[f"{index}/{name}{STEP}"].view(-1, 1, 1, 1)
        if stored.shape != weight.shape or not stored.isfinite().all():
            raise ValueError(f"{name} does not fit")
        result[name] = stored
    return result
