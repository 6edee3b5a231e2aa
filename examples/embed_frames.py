"""Example of vidsr inside a program of your own: one Upscaler, many NumPy frames.

python embed_frames.py [INPUT] [--model lite-x4]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av

from vidsr import Upscaler

DEMO = Path(__file__).with_name("demo.mp4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("input", nargs="?", type=Path, default=DEMO, help="a video")
    parser.add_argument("--model", default="lite-x4")
    arguments = parser.parse_args()
    if not arguments.input.is_file():
        parser.error(f"{arguments.input}: no such file")
    upscaler = Upscaler(arguments.model)  # load the model once, then call it for every frame
    with av.open(str(arguments.input)) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            rgb = frame.to_ndarray(format="rgb24")  # [180, 320, 3] uint8
            large = upscaler(rgb)  # [720, 1280, 3] uint8
            if index % 24 == 0:
                print(f"frame {index}: {rgb.shape} -> {large.shape}, mean {large.mean():.1f}")


if __name__ == "__main__":
    main()
