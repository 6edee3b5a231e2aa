"""Example of upscaling without PyTorch: TensorRT, PyCUDA, PyAV and NumPy are enough.

    vidsr-engine export srresnet-x4 -o net.onnx        # once, on a machine with PyTorch
    python lean_edge.py net.onnx input.mp4 out.mp4 --plan net.plan

The pictures keep their times and colour tags; sound is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import av

from vidsr.lean import LeanUpscaler


def open_encoder(target: Any, source: Any, first: av.VideoFrame, codec: str) -> Any:
    """Add a video stream with size, format and tags of ``first`` and the times of ``source``."""
    stream = target.add_stream(codec, rate=source.guessed_rate or source.average_rate)
    stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
    # By default times would be rounded to 1 / rate.
    context = stream.codec_context
    context.time_base = stream.time_base = source.time_base
    context.colorspace, context.color_range = first.colorspace, first.color_range
    context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
    return stream


def upscale(upscaler: LeanUpscaler, source: Path, target: Path, codec: str) -> int:
    """Read, upscale and write one video stream; return the number of pictures."""
    count, encoder = 0, None
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        video = reader.streams.video[0]
        video.thread_type = "AUTO"
        for image in upscaler.stream(reader.decode(video)):
            encoder = encoder or open_encoder(writer, video, image, codec)
            writer.mux(encoder.encode(image))
            count += 1
        if encoder:
            writer.mux(encoder.encode(None))
    return count


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("onnx", type=Path, help="network, from vidsr-engine export")
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--plan", type=Path, help="file that keeps what TensorRT builds")
    parser.add_argument("--codec", default="libx264", help="FFmpeg's name of an encoder")
    options = parser.parse_args(arguments)
    with LeanUpscaler(options.onnx, options.plan) as upscaler:
        count = upscale(upscaler, options.input, options.output, options.codec)
    print(f"{options.output}: {count} frames")


if __name__ == "__main__":
    main()
