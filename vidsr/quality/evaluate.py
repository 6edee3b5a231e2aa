"""PSNR of a model on Set5 and Set14, through the same Upscaler that users call.

    python -m vidsr.quality.evaluate --model lite-x4 --data ../shared/data/eval

Protocol of the published tables: low-resolution images made by MATLAB's bicubic ``imresize``,
8-bit output, Y of BT.601, ``scale`` pixels of border left out, mean over the set.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.errors import InputError, OptionError, VidsrError
from vidsr.quality.metrics import luma_601, psnr_db

Image = NDArray[np.uint8]
Enlarge = Callable[[Image], Image]
SETS = ("Set5", "Set14")


@dataclass(frozen=True)
class Score:
    """Y PSNR of one picture, in dB: the model's and plain bicubic enlargement's."""

    dataset: str
    picture: str
    model_db: float
    bicubic_db: float


def default_data() -> Path:
    """``$VIDSR_DATA/eval``, else ``../shared/data/eval``."""
    return Path(os.environ.get("VIDSR_DATA") or "../shared/data") / "eval"


def read_picture(path: Path) -> Image:
    """A picture file as uint8: ``[H, W, 3]``, or ``[H, W]`` where the file is grey."""
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration, IndexError) as error:
        raise InputError(f"{path}: not a picture: {error}") from error
    gray = len(frame.format.components) < 3 and not frame.format.has_palette
    return frame.to_ndarray(format="gray" if gray else "rgb24").astype(np.uint8)


def as_rgb(image: Image) -> Image:
    """``[H, W]`` repeated to ``[H, W, 3]``; colour unchanged."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def pairs(folder: Path, scale: int) -> list[tuple[Path, Path]]:
    """(HR, LR) files of one set at one scale, in order."""
    inner = folder / f"image_SRF_{scale}"
    found = sorted(inner.glob(f"img_*_SRF_{scale}_HR.png"))
    if not found:
        raise InputError(
            f"no pictures in {inner}",
            hint="--data names the folder that holds Set5 and Set14 (or set VIDSR_DATA)",
        )
    return [(hr, hr.with_name(hr.name.replace("_HR.png", "_LR.png"))) for hr in found]


def bicubic(image: Image, scale: int) -> Image:
    """Enlarge ``[H, W, 3]`` uint8 as MATLAB's ``imresize(image, scale, 'bicubic')`` does."""
    x = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    # antialias=True selects Keys' a = -1/2, which is MATLAB's; without it torch takes -3/4.
    y = interpolate(x, scale_factor=scale, mode="bicubic", antialias=True)
    out: Image = y[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
    return out


def fidelity_db(output: Image, original: Image, *, border: int) -> float:
    """PSNR in dB of ``[H, W, 3]`` uint8 output against its original, on Y.

    A grey original (``[H, W]``) is compared on its own 0..255 scale, as the published scores are:
    on 16..235 the one grey file of Set14 alone would lift that set's mean by 0.09 dB.
    """
    if original.ndim == 2:
        return psnr_db(torch.from_numpy(output[..., 1]), torch.from_numpy(original), border=border)
    return psnr_db(_luma(output), _luma(original), border=border)


def _luma(image: Image) -> Tensor:
    return luma_601(torch.from_numpy(image).permute(2, 0, 1))


def score_pair(dataset: str, hr_path: Path, lr_path: Path, scale: int, enlarge: Enlarge) -> Score:
    """Enlarge one LR picture and compare it with its HR original."""
    lr = as_rgb(read_picture(lr_path))
    height, width = lr.shape[0] * scale, lr.shape[1] * scale
    hr = read_picture(hr_path)[:height, :width]
    return Score(
        dataset,
        hr_path.name.removesuffix(f"_SRF_{scale}_HR.png"),
        fidelity_db(enlarge(lr), hr, border=scale),
        fidelity_db(bicubic(lr, scale), hr, border=scale),
    )


def evaluate(
    enlarge: Enlarge, data: Path, *, scale: int, sets: Sequence[str] = SETS
) -> list[Score]:
    """Score every picture of ``sets`` below ``data``.

    Raises InputError when a set is absent or a picture cannot be read.
    """
    # Every folder is looked up first: a missing set is an error before the work, not after.
    work = [(name, *pair) for name in sets for pair in pairs(data / name, scale)]
    return [score_pair(name, hr, lr, scale, enlarge) for name, hr, lr in work]


def means(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Mean PSNR by set, rounded to 0.01 dB as tables print it."""
    names = dict.fromkeys(score.dataset for score in scores)
    groups = {name: [s for s in scores if s.dataset == name] for name in names}
    return {
        name: {
            "model_db": round(fmean(s.model_db for s in group), 2),
            "bicubic_db": round(fmean(s.bicubic_db for s in group), 2),
        }
        for name, group in groups.items()
    }


def markdown(scores: Sequence[Score], model: str) -> str:
    """A table of every picture, with the mean of each set in bold."""
    lines = [f"| picture | bicubic | {model} | gain |", "| --- | ---: | ---: | ---: |"]
    for name, mean in means(scores).items():
        group = [score for score in scores if score.dataset == name]
        lines += [_row(f"{name} {s.picture}", s.bicubic_db, s.model_db) for s in group]
        lines.append(_row(f"**{name} mean**", mean["bicubic_db"], mean["model_db"]))
    return "\n".join(lines)


def _row(label: str, bicubic_db: float, model_db: float) -> str:
    return f"| {label} | {bicubic_db:.2f} | {model_db:.2f} | {model_db - bicubic_db:+.2f} |"


def scale_of(model: str) -> int:
    """The scale in a model's name, such as 4 of ``lite-x4``."""
    match = re.search(r"-x([24])$", model)
    if match is None:
        raise OptionError(
            f"model = {model!r} does not end in its scale",
            hint="name a built-in model such as lite-x4, or give --scale",
        )
    return int(match[1])


def enlarger(model: str, scale: int, device: str) -> Enlarge:
    """The real Upscaler as a function on pictures."""
    from vidsr import Upscaler

    upscaler = Upscaler(model, scale=scale, device=device)
    return lambda image: np.asarray(upscaler(image), dtype=np.uint8)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vidsr.quality.evaluate",
        description="PSNR on Y of a model on Set5 and Set14, beside bicubic enlargement.",
    )
    parser.add_argument("--model", default="lite-x4", help="name or checkpoint (%(default)s)")
    parser.add_argument("--scale", type=int, choices=(2, 4), help="default: from the name")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (%(default)s)")
    parser.add_argument("--data", type=Path, help="folder of Set5 and Set14 ($VIDSR_DATA/eval)")
    parser.add_argument("--sets", nargs="+", default=list(SETS), metavar="SET")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def report(args: argparse.Namespace) -> str:
    """What the command prints."""
    scale = args.scale or scale_of(args.model)
    data = args.data or default_data()
    for name in args.sets:  # before the model loads
        pairs(data / name, scale)
    scores = evaluate(enlarger(args.model, scale, args.device), data, scale=scale, sets=args.sets)
    if not args.json:
        return markdown(scores, args.model)
    summary = {"model": args.model, "scale": scale, "means": means(scores)}
    return json.dumps({**summary, "pictures": [asdict(s) for s in scores]}, indent=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = _parser().parse_args(argv)
    try:
        print(report(args))
    except VidsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
