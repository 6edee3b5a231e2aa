"""Command that makes one large picture of several frames of a static scene.

python -m vidsr.reconstruction.burst clip.mp4 -o large.png --frames 16
python -m vidsr.reconstruction.burst photos/ -o large.png --method pocs --scale 2
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import InputError, NoInputError, OutputError
from vidsr.files import check_writable
from vidsr.option_values import parse_seconds
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser, reader, whole

if TYPE_CHECKING:
    from torch import Tensor

NAME = "python -m vidsr.reconstruction.burst"
METHODS = ("ibp", "pocs", "map-huber", "map-tv")
SHRINKINGS = ("area", "bicubic")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Put several frames of a static scene together into one large picture.",
    )
    parser.add_argument("input", type=Path, metavar="CLIP|FOLDER", help="a video, or pictures")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PNG")
    parser.add_argument("--scale", type=whole(1), default=4, metavar="N", help="the factor (4)")
    parser.add_argument("--frames", type=whole(1), default=16, metavar="N", help="how many (16)")
    parser.add_argument(
        "--start",
        type=reader(parse_seconds, "0 or more seconds", lambda start_s: 0 <= start_s < 1e9),
        metavar="TIME",
        help="the time of the first frame, which the picture shows",
    )
    parser.add_argument("--method", choices=METHODS, default="map-tv", help="the method (map-tv)")
    parser.add_argument(
        "--shrinking",
        choices=SHRINKINGS,
        default="area",
        help="how a camera's samples come about: area, their mean, or bicubic (area)",
    )
    parser.add_argument(
        "--blur",
        type=reader(float, "0 or more", lambda sigma: 0 <= sigma < 100),
        default=0.0,
        metavar="PX",
        help="sigma of the camera's blur in pixels of the large picture (0)",
    )
    return parser


def read_frames(path: Path, start_s: float | None, count: int) -> Iterator[Tensor]:
    """Yield the first frames of a video or a folder, uint8 ``[3, h, w]``. Raises InputError."""
    from vidsr.video.image_sequences import picture_files
    from vidsr.video.still_images import read_rgb

    if path.is_dir():
        yield from (read_rgb(each) for each in picture_files(path)[:count])
        return
    with closing(_frames_of_video(path, start_s)) as frames:
        yield from islice(frames, count)


def _frames_of_video(path: Path, start_s: float | None) -> Generator[Tensor]:
    from vidsr.picture.conversion import yuv_to_rgb
    from vidsr.picture.frame import Frame
    from vidsr.video.source.file_source import FileSource
    from vidsr.video.still_images import to_bytes

    with FileSource(path, upright=True, start_s=start_s) as source:
        for item in source:
            if isinstance(item, Frame):
                yield to_bytes(yuv_to_rgb(item.planes, item.format))


def _work(arguments: argparse.Namespace, _: Callable[[], bool]) -> None:
    if not arguments.input.exists():
        raise NoInputError(f"{arguments.input}: no such file or folder", hint="check the name.")
    if arguments.output.suffix.lower() != ".png":
        raise OutputError(f"{arguments.output}: expected a name that ends in .png")
    check_writable(arguments.output, "-o")
    from vidsr.reconstruction.several_frames import reconstruct_scene
    from vidsr.video.still_images import write_png

    frames = list(read_frames(arguments.input, arguments.start, arguments.frames))
    if len({tuple(frame.shape) for frame in frames}) != 1:
        raise InputError(f"{arguments.input}: expected frames of one size, got {len(frames)}")
    large = reconstruct_scene(
        frames,
        arguments.scale,
        arguments.method,
        blur_px=arguments.blur,
        shrinking=arguments.shrinking,
    )
    try:
        write_png(arguments.output, large)
    except OSError as error:
        raise OutputError(f"{arguments.output}: {error.strerror or error}") from error
    print(f"{arguments.output}: {large.shape[2]}x{large.shape[1]} from {len(frames)} frames")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(NAME, _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
