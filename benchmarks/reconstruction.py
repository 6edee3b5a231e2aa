"""Reconstruction from one frame and from several, against bicubic: generated scenes and cameras.

    python benchmarks/reconstruction.py --photos DIR --clips CLIP... [--frames 8]

Scenes are the middles of photographs, captured with displacements of up to a pixel both ways, by
the mean over each small pixel, which aliases. Cameras stand still: their frames are shrunk as they
are, and once more from a window that moves by up to two pixels of the large picture, as a camera
that shakes. PSNR on Y of the first frame, in dB.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from vidsr.classical.captures import capture
from vidsr.classical.methods import METHODS
from vidsr.picture.size import Size
from vidsr.quality.baselines import bicubic
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.quality.results import table
from vidsr.quality.video_scores import read_frames
from vidsr.reconstruction.registration import register
from vidsr.reconstruction.several_frames import reconstruct_scene
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_rgb

SCALE, SIDE, MARGIN = 4, 192, 8
Shift = tuple[float, float]


def middle(picture: Tensor, down: int = 0, across: int = 0) -> Tensor:
    """Return ``[3, SIDE, SIDE]`` about the middle, moved by whole pixels."""
    top = (picture.shape[1] - SIDE) // 2 + down
    left = (picture.shape[2] - SIDE) // 2 + across
    return picture[:, top : top + SIDE, left : left + SIDE]


def captured(picture: Tensor, shift: Shift, noise_levels: float, draw: torch.Generator) -> Tensor:
    """Return the small frame, uint8 ``[3, h, w]``, of a picture displaced by small pixels."""
    side, far = SIDE // SCALE, (SCALE * shift[0], SCALE * shift[1])
    way = capture(Size(side, side), SCALE, shift_px=far, shrinking="area")
    frame = way.forward(picture.float())
    noisy = frame + noise_levels * torch.randn(frame.shape, generator=draw)
    return noisy.round().clamp(0, 255).to(torch.uint8)


def scored(original: Tensor, frames: Sequence[Tensor], shifts: Sequence[Shift]) -> dict[str, float]:
    """Return PSNR of bicubic, and of every method from one and from all frames."""
    truth = luma_601(original)

    def psnr(picture: Tensor) -> float:
        return psnr_db(luma_601(picture), truth, border=MARGIN)

    scores = {"bicubic": psnr(bicubic(frames[0], SCALE))}
    for method in METHODS:
        scores[f"{method} 1"] = psnr(reconstruct_scene(frames[:1], SCALE, method))
        scores[f"{method} {len(frames)}"] = psnr(reconstruct_scene(frames, SCALE, method))
    found = register([frame.float() for frame in frames])
    off = [
        abs(a - b)
        for f, s in zip(found, shifts, strict=True)
        for a, b in zip(f.shift_px, s, strict=True)
    ]
    return scores | {"off by, px": max(off), "still": fmean(float(f.weight.mean()) for f in found)}


def generated(path: Path, count: int, noise_levels: float, seed: int) -> dict[str, float]:
    """Return the scores of a photograph captured several times."""
    original, draw = middle(read_rgb(path)), torch.Generator().manual_seed(seed)
    moves = 2 * torch.rand(count - 1, 2, generator=draw) - 1
    shifts = [(0.0, 0.0), *((float(d), float(a)) for d, a in moves)]
    frames = [captured(original, shift, noise_levels, draw) for shift in shifts]
    return scored(original, frames, shifts)


def camera(path: Path, count: int, *, shaken: bool, seed: int) -> dict[str, float]:
    """Return the scores of a camera's first frames, from a window that moves if ``shaken``."""
    rng = random.Random(seed)
    moves = [(0, 0)] + [(rng.randint(-2, 2), rng.randint(-2, 2)) for _ in range(count - 1)]
    if not shaken:
        moves = [(0, 0)] * count
    large = list(islice(read_frames(path), count))
    draw = torch.Generator()
    frames = [
        captured(middle(frame, *move), (0.0, 0.0), 0.0, draw)
        for frame, move in zip(large, moves, strict=True)
    ]
    # What a window further down shows lies higher in it.
    return scored(middle(large[0]), frames, [(-d / SCALE, -a / SCALE) for d, a in moves])


def mean(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each score."""
    return {name: fmean(each[name] for each in scores) for name in scores[0]}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--pictures", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    large = (read for read in picture_files(args.photos) if min(read_rgb(read).shape[1:]) >= SIDE)
    photos = list(islice(large, args.pictures))
    rows = {
        f"{len(photos)} photographs, noise {noise:g}": mean(
            [generated(path, args.frames, noise, seed) for seed, path in enumerate(photos)]
        )
        for noise in (0.0, 2.0)
    }
    for path in args.clips:
        rows[path.stem] = camera(path, args.frames, shaken=False, seed=1)
        rows[f"{path.stem}, shaken"] = camera(path, args.frames, shaken=True, seed=1)
    names = list(next(iter(rows.values())))
    print(table(["", *rows], [[n, *(f"{row[n]:.2f}" for row in rows.values())] for n in names]))


if __name__ == "__main__":
    main()
