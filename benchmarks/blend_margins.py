"""Tiles that blend against the whole frame, by the pixels around each: ``MODEL PICTURE``.

``python benchmarks/blend_margins.py realesrgan-x4plus.param frame.png --crop 192x160 --tile 48``

Without ``--tile`` a strip is measured as a run measures it: cut once, by the pixels around the cut.
"""

from __future__ import annotations

import argparse
import math

import av
import numpy as np
import torch

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tile_margins import measured
from vidsr.engines.tiling import run_tiled
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size


def first_picture(path: str, crop: Size) -> torch.Tensor:
    """Return the middle of the first frame, [1, 3, H, W] in [0, 1]."""
    with av.open(path) as container:
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24")
    top, left = (rgb.shape[0] - crop.height) // 2, (rgb.shape[1] - crop.width) // 2
    part = rgb[top : top + crop.height, left : left + crop.width].astype(np.float32) / 255
    return torch.from_numpy(part).permute(2, 0, 1)[None].contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("picture")
    parser.add_argument("--crop", type=Size.parse, default=Size(192, 160))
    parser.add_argument("--tile", type=int)
    parser.add_argument("--margins", type=int, nargs="+", default=[8, 16, 32, 48])
    parser.add_argument("--precision", default="fp32")
    arguments = parser.parse_args()
    engine = TorchEngine(load_model(arguments.model), device="cpu", precision=arguments.precision)
    x = first_picture(arguments.picture, arguments.crop)
    if arguments.tile is None:
        found = measured(engine, x, x.shape[2] * x.shape[3])
        for margin, levels in (found.levels if found else {}).items():
            print(f"margin {margin}: {levels:.3f} levels rms in the overlap", flush=True)
        return
    whole = engine.run(x).float().clone()
    for margin in arguments.margins:
        engine.surround(margin)
        tile = Size(arguments.tile, arguments.tile)
        difference = 255 * (run_tiled(engine, x, tile).float() - whole)
        rms, most = math.sqrt(float(difference.square().mean())), float(difference.abs().max())
        print(f"margin {margin}: {rms:.3f} levels rms, {most:.2f} at most", flush=True)


if __name__ == "__main__":
    main()
