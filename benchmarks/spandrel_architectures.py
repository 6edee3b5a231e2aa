"""Architectures of spandrel with random weights: which load, what they give, how tiles differ.

``python benchmarks/spandrel_architectures.py [NAME ...]`` prints a table; ``--json FILE`` keeps it.
Every architecture that can be built from its defaults, or from the dimensions below, is saved as a
checkpoint, loaded as ``--model`` loads it, run at odd sizes and in tiles, and compared with
spandrel's own call of the same weights.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import is_exact, run_tiled
from vidsr.errors import VidsrError
from vidsr.models.foreign.spandrel_import import import_spandrel
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

sys.path.insert(0, str(Path(__file__).parents[1]))

SIZES = ((1, 1), (7, 5), (33, 65))  # width, height
WHOLE, TILE = Size(176, 112), Size(32, 32)
SMALL: dict[str, dict[str, Any]] = {
    "ATD": {"embed_dim": 32, "depths": (2, 2), "num_heads": (2, 2), "window_size": 8,
            "num_tokens": 16, "category_size": 64, "upscale": 2, "upsampler": "pixelshuffledirect"},
    "CRAFT": {"embed_dim": 16, "depths": (1, 1), "num_heads": (2, 2), "upscale": 2},
    "DAT": {"embed_dim": 32, "depth": [1, 1], "num_heads": [2, 2], "upscale": 2,
            "split_size": [8, 8], "img_size": 64},
    "DCTLSA": {"upscale": 2},
    "DITN": {"upscale": 2, "dim": 24, "ITL_blocks": 1, "SAL_blocks": 1, "UFONE_blocks": 1},
    "DRCT": {"embed_dim": 48, "depths": (2, 2), "num_heads": (2, 2), "upscale": 2,
             "upsampler": "pixelshuffle"},
    "DRUNet": {"in_nc": 4, "out_nc": 3, "nc": [8, 16, 32, 64]},
    "ESRGAN": {"num_filters": 16, "num_blocks": 2},
    "FBCNN": {"nc": [8, 16, 32, 512]},
    "FDAT": {"scale": 2, "embed_dim": 32, "num_groups": 1, "depth_per_group": 2, "num_heads": 2,
             "mid_dim": 16},
    "FFTformer": {"dim": 16, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1},
    "GRL": {"embed_dim": 32, "depths": [1, 1], "num_heads_window": [2, 2],
            "num_heads_stripe": [2, 2], "upscale": 2, "upsampler": "pixelshuffle"},
    "HAT": {"embed_dim": 32, "depths": (1, 1), "num_heads": (2, 2), "window_size": 8,
            "upscale": 2, "upsampler": "pixelshuffle", "squeeze_factor": 8},
    "IPT": {"n_feats": 8, "num_layers": 1, "num_heads": 4},
    "KBNet": {"width": 16, "middle_blk_num": 1, "enc_blk_nums": [1, 1, 1, 1],
              "dec_blk_nums": [1, 1, 1, 1]},
    "MMRealSR": {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 16, "num_block": 1,
                 "num_grow_ch": 8},
    "MixDehazeNet": {"embed_dims": [8, 16, 32, 16, 8]},
    "MoESR": {"scale": 2, "dim": 16, "n_blocks": 2, "n_block": 2},
    "MoSR": {"upscale": 2, "n_block": 3, "dim": 16},
    "NAFNet": {"enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "OmniSR": {"num_feat": 16, "up_scale": 2},
    "PLKSR": {"dim": 16, "n_blocks": 2, "upscaling_factor": 2},
    "RCAN": {"n_resblocks": 2, "n_resgroups": 2, "n_feats": 16, "scale": 2},
    "RGT": {"embed_dim": 32, "depth": [1, 1], "num_heads": [2, 2], "split_size": [8, 8],
            "upscale": 2},
    "RetinexFormer": {"n_feat": 16, "stage": 1},
    "SAFMN": {"dim": 16, "n_blocks": 2, "upscaling_factor": 2},
    "SAFMNBCIE": {"dim": 16, "n_blocks": 2, "num_layers": 2},
    "SCUNet": {"config": [1, 1, 1, 1, 1, 1, 1]},
    "SPAN": {"feature_channels": 16, "num_in_ch": 3, "num_out_ch": 3},
    "SeemoRe": {"scale": 2, "num_layers": 2, "embedding_dim": 16, "num_experts": 2},
    "SwiftSRGAN": {"num_channels": 16, "num_blocks": 2},
    "Swin2SR": {"embed_dim": 32, "depths": [1, 1], "num_heads": [2, 2], "window_size": 8,
                "upscale": 2, "upsampler": "pixelshuffle"},
    "SwinIR": {"embed_dim": 32, "depths": [1, 1], "num_heads": [2, 2], "window_size": 8,
               "upscale": 2, "upsampler": "pixelshuffle", "img_range": 1.0},
    "Uformer": {"embed_dim": 16, "depths": [1] * 9},
}  # fmt: skip
CLASSES = {"PLKSR": "RealPLKSR", "KBNet": "KBNet_s", "RealCUGAN": "UpCunet2x"}


def built(name: str) -> torch.nn.Module:
    """Return the architecture's network with random weights. Raises what its constructor does."""
    module = importlib.import_module(f"spandrel.architectures.{name}")
    classes = [getattr(module, each) for each in module.__all__]
    nets = [c for c in classes if isinstance(c, type) and issubclass(c, torch.nn.Module)]
    net = next(c for c in nets if c.__name__ == CLASSES.get(name, nets[0].__name__))
    torch.manual_seed(1)
    made: torch.nn.Module = net(**SMALL.get(name, {}))
    return made.eval()


def rms_levels(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the root mean square difference in levels of 8 bits."""
    return 255 * math.sqrt(float(((a - b).double() ** 2).mean()))


def measured(name: str, folder: Path) -> dict[str, Any]:
    """Return the row of one architecture."""
    from spandrel import ModelLoader

    path = folder / f"{name}.pth"
    torch.save(built(name).state_dict(), path)
    model = load_model(path)
    theirs = ModelLoader().load_from_state_dict(torch.load(path, weights_only=True)).eval()
    engine = TorchEngine(model, device="cpu", precision="fp32")
    row: dict[str, Any] = {
        "network": getattr(model.module, "architecture", type(model.module).__name__),
        "scale": model.scale,
        "channels": engine.channels,
        "reach": engine.halo,
        "grid": engine.alignment,
    }
    worst = 0.0
    for width, height in SIZES:
        x = torch.rand(1, engine.channels, height, width)
        wanted = theirs(x.clone())
        worst = max(worst, float((picture(engine, x) - wanted).abs().max()))
    row["difference"] = worst
    if engine.traits.tiling:
        row |= tiled(engine)
    return row


def picture(engine: TorchEngine, x: torch.Tensor) -> torch.Tensor:
    """Return what the engine gives, clamped as spandrel does."""
    return torch.pixel_shuffle(engine.run(x), engine.shuffle).clamp(0, 1)


def tiled(engine: TorchEngine) -> dict[str, Any]:
    """Return whether tiles are said to be exact, and what they differ by."""
    x = torch.rand(1, engine.channels, 12, 14)
    x = torch.nn.functional.interpolate(x, (WHOLE.height, WHOLE.width), mode="bicubic").clamp(0, 1)
    whole, tiles = engine.run(x).clamp(0, 1), run_tiled(engine, x, TILE).clamp(0, 1)
    exact = is_exact(engine, WHOLE, TILE)
    return {"exact": exact, "tile_rms_levels": rms_levels(whole, tiles)}


def rows(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and row of every architecture, or why there is none."""
    from spandrel import MAIN_REGISTRY

    with tempfile.TemporaryDirectory() as folder:
        for each in sorted(MAIN_REGISTRY.architectures(), key=lambda a: a.architecture.id):
            name = each.architecture.id
            if names and name not in names:
                continue
            begin = time.monotonic()
            try:
                row = measured(name, Path(folder))
            except VidsrError as error:
                row = {"refused": error.message.split(": ", 1)[-1]}
            except Exception as error:
                row = {"not built": f"{type(error).__name__}: {error}".splitlines()[0][:160]}
            yield name, row | {"seconds": round(time.monotonic() - begin, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    import_spandrel()
    file = arguments.json
    table = json.loads(file.read_text()) if file and file.exists() else {}
    for name, row in rows(arguments.names):
        table[name] = row
        print(name, json.dumps(row), flush=True)
        if file:
            file.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
