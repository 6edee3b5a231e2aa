"""Drawing of docs/before_after.png: one frame of the demo clip, upscaled three ways, side by side.

    python tools/before_after.py

Nothing is retouched: the clip is decoded, upscaled by vidsr.Upscaler, and cut out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from stroke_font import text_mask
from torch.nn.functional import interpolate

from vidsr import Upscaler

Image = NDArray[np.uint8]
HERE = Path(__file__).resolve().parent
SCALE, FRAME = 4, 92
WIDTH, HEIGHT = 86, 48  # of a cut, in pixels of the clip
CUTS = ((105, 27), (206, 121))  # left and top: letters and hatching; spokes and leaves
BAR, GAP = 34, 6  # caption and space between the pictures, in pixels of the output


def read_frame(path: Path, index: int) -> Image:
    """Return frame ``index`` of a clip, ``[H, W, 3]`` uint8."""
    with av.open(str(path)) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number == index:
                return frame.to_ndarray(format="rgb24").astype(np.uint8)
    raise SystemExit(f"{path} has no frame {index}")


def nearest(image: Image) -> Image:
    return image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def bicubic(image: Image) -> Image:
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    y = interpolate(x, scale_factor=SCALE, mode="bicubic", antialias=True)
    out: Image = y[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
    return out


def cuts(large: Image) -> Image:
    """Return the parts of an upscaled frame that the picture shows, one above the other."""
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    corners = [(top * SCALE, left * SCALE) for left, top in CUTS]
    parts = [large[y : y + height, x : x + width] for y, x in corners]
    gap = np.full((GAP, width, 3), 255, np.uint8)
    return np.concatenate((parts[0], gap, parts[1]))


def captioned(picture: Image, text: str) -> Image:
    """Put the picture below a dark bar with its name."""
    bar = np.full((BAR, picture.shape[1], 3), 28, np.uint8)
    mask = text_mask(BAR - 10, text)
    left = (bar.shape[1] - mask.shape[1]) // 2
    place = bar[5 : BAR - 5, left : left + mask.shape[1]]
    place += np.rint((235 - 28) * mask[..., None]).astype(np.uint8)
    return np.concatenate((bar, picture))


def compose(frame: Image, model: str) -> Image:
    """Lay out nearest, bicubic and the model's result, side by side."""
    upscaled = np.asarray(Upscaler(model)(frame), dtype=np.uint8)
    pictures = (
        ("nearest", nearest(frame)),
        ("bicubic", bicubic(frame)),
        (f"vidsr {model}", upscaled),
    )
    panels = [captioned(cuts(picture), name) for name, picture in pictures]
    gap = np.full((panels[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate((panels[0], gap, panels[1], gap, panels[2]), axis=1)


def write_png(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    context = av.CodecContext.create("png", "w")
    context.height, context.width = image.shape[:2]
    context.pix_fmt = "rgb24"
    context.options = {"pred": "mixed", "compression_level": "9"}
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    path.write_bytes(b"".join(bytes(p) for p in [*context.encode(frame), *context.encode(None)]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the comparison of the README.")
    parser.add_argument("-o", "--output", type=Path, default=HERE.parent / "docs/before_after.png")
    parser.add_argument("--model", default="lite-x4")
    args = parser.parse_args()
    write_png(
        args.output, compose(read_frame(HERE.parent / "examples" / "demo.mp4", FRAME), args.model)
    )


if __name__ == "__main__":
    main()
