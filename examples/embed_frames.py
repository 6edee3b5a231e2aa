"""Example of vidsr inside a program of your own: one Upscaler, many NumPy frames."""

from __future__ import annotations

from pathlib import Path

import av

from vidsr import Upscaler


def main() -> None:
    upscaler = Upscaler("lite-x4")  # load the model once, then call it for every frame
    with av.open(str(Path(__file__).with_name("demo.mp4"))) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            rgb = frame.to_ndarray(format="rgb24")  # [180, 320, 3] uint8
            large = upscaler(rgb)  # [720, 1280, 3] uint8
            if index % 24 == 0:
                print(f"frame {index}: {rgb.shape} -> {large.shape}, mean {large.mean():.1f}")


if __name__ == "__main__":
    main()
