"""What restorers give back of blur, noise and coding at the same size: PSNR on Y, in dB.

``python benchmarks/restoration.py PHOTOS --clips a.mp4 b.mp4 --models deblur denoise``

PHOTOS is the folder that the restorers were taught from: measured is on the five pictures that
``vidsr-train`` holds back of it, and on frames of clips that no network has seen.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import av
import torch
from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.models.families import choose_restorer
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.quality.sheets.sheet import contact_sheet, detailed_window
from vidsr.training.command.setup import HELD_BACK
from vidsr.training.data.pairs import Prepared
from vidsr.training.data.validation import LARGEST_SIDE, Sample, samples_of
from vidsr.training.folders import training_material
from vidsr.upscaling.transform import enlarge_rgb
from vidsr.video.still_images import to_bytes, to_unit, write_png

JPEG = '[[step]]\nop = "jpeg"\nquality = {}\n'
NOISE = '[[step]]\nop = "gaussian_noise"\nsigma_levels = {}\n'
CODEC = '[[step]]\nop = "{}"\n{} = {}\n'
DEFOCUS = '[[step]]\nop = "defocus"\nradius_px = [1, 3]\n'
PHOTO_TASKS = {
    "motion blur": None,  # the recipe that ships
    "defocus": DEFOCUS,
    "JPEG 10": JPEG.format(10),
    "JPEG 30": JPEG.format(30),
    "JPEG 60": JPEG.format(60),
    "noise 5": NOISE.format(5),
    "noise 15": NOISE.format(15),
    "H.264 CRF 26": CODEC.format("h264", "crf", 26),
    "H.264 CRF 32": CODEC.format("h264", "crf", 32),
}
CLIP_TASKS = {
    "H.264 CRF 26": CODEC.format("h264", "crf", 26),
    "H.264 CRF 32": CODEC.format("h264", "crf", 32),
    "HEVC CRF 32": CODEC.format("h265", "crf", 32),
    "MPEG-2 q 8": CODEC.format("mpeg2", "qscale", 8),
}
SHOWN = (0, None, None, 4, None, None, 2, None, None)
"""The picture of each task that is shown on a sheet."""
SHEET_CROP = Size(200, 150)
FRAMES = 8
SCORED = (3, 5, 7)
"""Frames of a clip that are scored: not the first, which codecs make better."""


def held_back(photos: str) -> list[Path]:
    """Return the pictures of a folder that no training learns from."""
    files = list(training_material(Path(photos)).pictures)
    return [files[i * len(files) // HELD_BACK] for i in range(HELD_BACK)]


def recipe_of(name: str, text: str | None) -> Recipe:
    """Return the recipe of a task; the shipped one of motion blur where there is no text."""
    return Recipe.load("motion") if text is None else Recipe.parse(text, name)


def photo_tasks(paths: list[Path]) -> Iterator[tuple[str, list[Sample]]]:
    """Yield the names of tasks with their pictures."""
    for name, text in PHOTO_TASKS.items():
        yield name, samples_of(Prepared([], held_back=paths), recipe_of(name, text), 1)


def frames_of(path: str) -> Tensor:
    """Return the first frames of a clip, [T, 3, H, W] in [0, 1], the middle of large ones."""
    frames = []
    with av.open(path) as container:
        for frame in container.decode(video=0):
            rgb = torch.from_numpy(frame.to_ndarray(format="rgb24"))
            height, width = (min(side, LARGEST_SIDE) // 2 * 2 for side in rgb.shape[:2])
            top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
            frames.append(rgb[top : top + height, left : left + width].permute(2, 0, 1))
            if len(frames) == FRAMES:
                break
    return to_unit(torch.stack(frames))


def clip_tasks(clips: list[str]) -> Iterator[tuple[str, list[Sample]]]:
    """Yield the names of tasks with frames of the clips, coded by PyAV's encoders."""
    for name, text in CLIP_TASKS.items():
        samples = []
        for path in clips:
            clip = frames_of(path)
            coded = recipe_of(name, text).sample(random.Random(0)).apply(clip, 1)
            samples += [
                Sample(f"{Path(path).stem} {i}", to_bytes(coded[i]), to_bytes(clip[i]), clip[i])
                for i in SCORED
            ]
        yield f"{name}, clips", samples


def restored(engine: TorchEngine, picture: Tensor) -> Tensor:
    """Return the picture that a restorer makes of uint8 ``[3, H, W]``."""
    return to_bytes(enlarge_rgb(to_unit(picture), engine, None))


def quality(picture: Tensor, original: Tensor) -> float:
    """Return PSNR on Y in dB, without a border of one pixel."""
    return psnr_db(luma_601(picture), luma_601(original), border=1)


def measure(engines: dict[str, TorchEngine], samples: list[Sample]) -> dict[str, list[float]]:
    """Return the PSNR of each sample, untouched and by each restorer."""
    table = {"untouched": [quality(s.low, s.high) for s in samples]}
    for name, engine in engines.items():
        table[name] = [quality(restored(engine, s.low), s.high) for s in samples]
    return table


def clean(engines: dict[str, TorchEngine], samples: list[Sample]) -> dict[str, list[float]]:
    """Return the PSNR of originals that went through each restorer against themselves."""
    return {
        name: [quality(restored(engine, s.high), s.high) for s in samples]
        for name, engine in engines.items()
    }


def write_sheet(path: Path, engines: dict[str, TorchEngine], photos: list[Path]) -> None:
    """Write crops of one picture a task: as it came, by each restorer, and the original."""
    rows, captions = [], []
    for (task, samples), number in zip(photo_tasks(photos), SHOWN, strict=True):
        if number is not None:
            sample = samples[number]
            row = [sample.low, *(restored(each, sample.low) for each in engines.values())]
            top, left, high, wide = detailed_window(luma_601(sample.high), SHEET_CROP)
            rows.append([x[:, top : top + high, left : left + wide] for x in (*row, sample.high)])
            captions.append(task)
    titles = ("as it came", *engines, "original")
    write_png(path, contact_sheet(rows, titles, captions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos")
    parser.add_argument("--clips", nargs="+", default=[])
    parser.add_argument("--models", nargs="+", default=["deblur", "denoise"])
    parser.add_argument("--tasks", nargs="+", help="only those whose names begin so")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path, help="a picture of some tasks")
    given = parser.parse_args()
    engines = {
        name: TorchEngine(load_model(choose_restorer(name)), device="cpu") for name in given.models
    }
    results: dict[str, dict[str, list[float]]] = {}
    samples: list[Sample] = []
    for tasks in (photo_tasks(held_back(given.photos)), clip_tasks(given.clips)):
        for task, samples in tasks:
            if samples and task.startswith(tuple(given.tasks or [""])):
                results[task] = measure(engines, samples)
                report(task, results[task])
        if samples and not given.tasks:
            kind = "clips" if samples[0].bicubic.is_floating_point() else "photographs"
            results[f"clean {kind}"] = clean(engines, samples)
            report(f"clean {kind}", results[f"clean {kind}"])
    if given.sheet is not None:
        write_sheet(given.sheet, engines, held_back(given.photos))
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


def report(task: str, table: dict[str, list[float]]) -> None:
    """Print one row: means over the pictures."""
    cells = "  ".join(f"{name} {fmean(values):.2f}" for name, values in table.items())
    print(f"{task:24} {cells}", flush=True)


if __name__ == "__main__":
    main()
