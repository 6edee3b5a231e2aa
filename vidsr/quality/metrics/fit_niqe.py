"""Command that fits NIQE's model of undamaged photographs.

    python -m vidsr.quality.metrics.fit_niqe PHOTOS -o vidsr/quality/niqe_pristine.safetensors

Each photograph is halved first: at full size neighbouring samples of a camera's picture are
interpolated from one another and JPEG's traces are on top. Of its blocks those are taken that are
sharper than 3/4 of the sharpest, as the paper does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import torch as safetensors
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm import tqdm

from vidsr.errors import InputError, OutputError, VidsrError
from vidsr.quality.metrics.niqe import BLOCK, Gaussian, block_features, fit
from vidsr.quality.metrics.psnr import luma_601
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_rgb

SHARP = 0.75  # of the sharpest block of a photograph


def halved_luma(path: Path) -> Tensor:
    """Return Y ``[H/2, W/2]`` in 16..235, rounded as 8-bit pictures are."""
    rgb = read_rgb(path).double()[None]
    size = (rgb.shape[2] // 2, rgb.shape[3] // 2)
    half = interpolate(rgb, size, mode="bicubic", antialias=True)[0]
    return luma_601(half.round().clamp(0, 255).to(torch.uint8))


def sharp_blocks(y: Tensor) -> Tensor:
    """Return the features ``[blocks, 36]`` of the sharp blocks of one plane."""
    features, sharpness = block_features(y)
    return features[sharpness > SHARP * sharpness.max()]


def fit_photos(paths: Sequence[Path]) -> tuple[Gaussian, int]:
    """Return the model of some photographs, and the number of blocks that it is made of.

    Raises InputError for a photograph that cannot be read or is below 192x192, and when they give
    too few blocks.
    """
    chosen = []
    for path in tqdm(paths, desc="photographs", disable=None, leave=False):
        y = halved_luma(path)
        if min(y.shape) < BLOCK:
            raise InputError(f"{path}: too small: expected {2 * BLOCK}x{2 * BLOCK} or larger")
        chosen.append(sharp_blocks(y))
    blocks = torch.cat(chosen)
    model = fit(blocks)
    if model is None or len(blocks) <= blocks.shape[1]:
        raise InputError(
            f"expected {blocks.shape[1] + 1} sharp blocks or more, "
            f"got {len(blocks)} from {len(paths)} photographs",
            hint="give more photographs, or larger ones.",
        )
    return model, len(blocks)


def save(path: Path, model: Gaussian, about: dict[str, str | int | float]) -> None:
    """Write the model with a record of what it was made of. Raises OutputError."""
    tensors = {"mean": model.mean, "covariance": model.covariance.contiguous()}
    data = safetensors.save(tensors, metadata={"vidsr": json.dumps(about, sort_keys=True)})
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m vidsr.quality.metrics.fit_niqe",
        description="Fit NIQE's model of photographs.",
    )
    parser.add_argument("photos", type=Path, help="folder of undamaged photographs")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="SAFETENSORS")
    parser.add_argument("--about", default="", help="one sentence on what the photographs are")
    args = parser.parse_args(argv)
    try:
        paths = picture_files(args.photos)
        model, blocks = fit_photos(paths)
        made_of = {"photographs": len(paths), "blocks": blocks, "block": BLOCK, "sharp": SHARP}
        save(args.output, model, {"about": args.about, "size": "half", **made_of})
    except VidsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{args.output}: {blocks} blocks of {len(paths)} photographs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
