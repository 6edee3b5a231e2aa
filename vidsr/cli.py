"""The command line: arguments in, ``run`` called, errors on one line."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr import __version__
from vidsr.errors import OptionError, OutputError, VidsrError
from vidsr.terminal.flags import as_flags
from vidsr.terminal.parser import Parser
from vidsr.terminal.signals import open_closed_streams, signals_caught

if TYPE_CHECKING:
    from vidsr.run.job import Options

# Everything that loads torch is imported where it is used: that takes seconds, during which the
# command has to be ready for Ctrl-C.

CODEC_NAMES = (
    "h264, hevc, av1, vp9, prores, ffv1, png, jpeg, tiff, h264_nvenc, hevc_nvenc, av1_nvenc"
)

EPILOG = """examples:
  vidsr clip.mp4 -o clip_4x.mp4               four times larger, the rest kept
  vidsr clip.mkv -o clip_2x.mkv --scale 2 --crf 14
  vidsr old.avi -o new.mkv --height 1080 --codec hevc
  vidsr frames/%05d.png -o large/%05d.png     numbered pictures, either way
exit status: 0 done, 2 arguments, 3 source, 4 target, 5 container, 6 model,
7 device, 8 memory limit, 130 interrupted
"""


def seconds(text: str) -> float:
    """``90``, ``1:30`` or ``0:01:30.5``, in seconds."""
    parts = text.split(":")
    if not 1 <= len(parts) <= 3:
        raise ValueError(text)
    total = 0.0
    for part in parts:
        total = total * 60 + float(part)
    return total


def rate(text: str) -> Fraction:
    """``25``, ``29.97`` or ``30000/1001``."""
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(text) from error


def tile(text: str) -> tuple[int, int]:
    """``256`` or ``WxH``, as (height, width)."""
    width, _, height = text.lower().partition("x")
    return int(height or width), int(width)


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="vidsr",
        usage="vidsr INPUT -o OUTPUT [options]",
        description="Make a video four times larger; timing, colour and sound stay what they are.",
        epilog=EPILOG,
    )
    parser.add_argument("input", nargs="?", type=Path, metavar="INPUT", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, metavar="OUTPUT", help="target; required")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing target")
    _add_picture(parser.add_argument_group("picture"))
    _add_time(parser.add_argument_group("time"))
    _add_encoding(parser.add_argument_group("encoding (default: what the source is)"))
    _add_machine(parser.add_argument_group("machine"))
    _add_telling(parser.add_argument_group("telling"))
    return parser


def _add_picture(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", default="auto", metavar="NAME|PATH", help="see --list-models")
    group.add_argument(
        "--scale",
        type=int,
        choices=(1, 2, 4),
        help="default 4, or what a size needs; 1 with a model that only restores",
    )
    group.add_argument("--size", metavar="WxH", help="finish at this size")
    group.add_argument("--height", type=int, metavar="N", help="finish at this height")
    group.add_argument(
        "--deinterlace", choices=("auto", "off"), default="auto", help="flagged frames (auto)"
    )


def _add_time(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-ss", "--start", type=seconds, metavar="TIME", help="90, 1:30 or 0:01:30")
    group.add_argument("--duration", type=seconds, metavar="TIME", help="how much of the source")
    group.add_argument("--framerate", type=rate, metavar="FPS", help="of pictures (25)")


def _add_encoding(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--codec", metavar="NAME", help=CODEC_NAMES)
    group.add_argument("--crf", type=int, metavar="N", help="quality, smaller is better")
    group.add_argument("--preset", metavar="NAME", help="the encoder's effort")
    group.add_argument("--pix-fmt", metavar="NAME", help="FFmpeg's name of a pixel format")
    group.add_argument(
        "--drop-incompatible", action="store_true", help="leave out what OUTPUT cannot hold"
    )


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:0,cuda:1"
    )
    group.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    group.add_argument(
        "--engine",
        choices=("auto", "torch", "tensorrt", "compile", "openvino"),
        default="auto",
        help="what runs it (auto); compile: torch.compile, which needs a compiler; "
        "openvino: lite models in 8 bits on a processor",
    )
    group.add_argument(
        "--wait-for-engine", action="store_true", help="build TensorRT's engine before starting"
    )
    group.add_argument(
        "--decoder", choices=("cpu", "cuda"), default="cpu", help="cuda: NVDEC, on the card (cpu)"
    )
    group.add_argument(
        "--max-memory", metavar="SIZE", help="for frames and network, such as 2G; of each GPU"
    )
    group.add_argument("--tile", type=tile, metavar="N|WxH", help="pixels the network sees at once")


def _add_telling(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    group.add_argument("--report", type=Path, metavar="JSON", help="write what was done")
    group.add_argument("-q", "--quiet", action="store_true", help="errors only")
    group.add_argument("--list-models", action="store_true", help="print the models and stop")
    group.add_argument("--version", action="version", version=f"vidsr {__version__}")


def _options(arguments: argparse.Namespace) -> Options:
    from vidsr.run.job import Options
    from vidsr.run.sizing import WantedSize
    from vidsr.video.sink.output_plan import OutputOptions

    if arguments.size and arguments.height:
        raise OptionError("--size and --height are both given; allowed is one of them.")
    size = WantedSize.parse(arguments.size) if arguments.size else None
    return Options(
        model=arguments.model,
        scale=arguments.scale,
        size=WantedSize(None, arguments.height) if arguments.height is not None else size,
        device=arguments.device,
        precision=arguments.precision,
        engine=arguments.engine,
        wait_for_engine=arguments.wait_for_engine,
        tile=arguments.tile,
        max_memory=arguments.max_memory,
        start_s=arguments.start,
        duration_s=arguments.duration,
        deinterlace=arguments.deinterlace,
        decoder=arguments.decoder,
        framerate=arguments.framerate,
        output=OutputOptions(
            codec=arguments.codec,
            crf=arguments.crf,
            preset=arguments.preset,
            pix_fmt=arguments.pix_fmt,
            drop_incompatible=arguments.drop_incompatible,
            overwrite=arguments.overwrite,
        ),
    )


def _list_models() -> None:
    from vidsr.models.zoo import PURPOSES, available, load_model

    for name in available():
        model = load_model(name)
        numbers = sum(p.numel() for p in model.module.parameters())
        sees = "luma" if model.config.channels == 1 else "RGB"
        size = f"x{model.config.scale}  {numbers / 1e3:7.1f} K parameters on {sees:4}"
        print(f"{name:21} {size}  {PURPOSES.get(name, '')}".rstrip())


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> None:
    if arguments.list_models:
        return _list_models()
    if arguments.input is None or arguments.output is None:
        raise OptionError("INPUT and -o OUTPUT are needed.", hint="vidsr --help shows examples.")
    from vidsr.api import run
    from vidsr.notes import Notes
    from vidsr.run.job import prepare
    from vidsr.terminal.heap import keep_heap
    from vidsr.terminal.progress_bar import ProgressBar

    options = _options(arguments)
    _check_report(arguments.report, (arguments.input, arguments.output))
    if arguments.dry_run:
        with prepare(arguments.input, arguments.output, options, Notes()) as job:
            return print("\n".join(job.describe()))
    keep_heap()
    progress = ProgressBar(quiet=arguments.quiet, interrupted=interrupted)
    report = run(arguments.input, arguments.output, options, progress=progress)
    if arguments.report:
        report.write(arguments.report)
    if not arguments.quiet:
        print(f"vidsr: {report.summary()}", file=sys.stderr)
    return None


def _check_report(report: Path | None, taken: tuple[Path, ...]) -> None:
    """Refuse before the work what would fail after it. Raises OutputError."""
    if report is None:
        return
    if report.resolve() in [path.resolve() for path in taken]:
        raise OutputError(f"--report {report}: is the source or the target itself")
    if report.is_dir() or not os.access(report.resolve().parent, os.W_OK):
        raise OutputError(f"--report {report}: cannot be written there")


def _say(text: str) -> None:
    print(f"vidsr: {text}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit status."""
    open_closed_streams()
    with signals_caught() as interruption:
        return _run(argv, lambda: interruption.asked)


def _run(argv: Sequence[str] | None, interrupted: Callable[[], bool]) -> int:
    try:
        arguments = build_parser().parse_args(argv)
        logging.basicConfig(
            format="vidsr: %(message)s", level=logging.ERROR if arguments.quiet else logging.WARNING
        )
        _work(arguments, interrupted)
    except VidsrError as error:
        _say(f"error: {as_flags(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted; the target was not written")
        return 130
    except BrokenPipeError:  # the reader of --dry-run or --list-models has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        _say("error: out of memory. Hint: give a smaller --max-memory or --tile.")
        return 8
    return 0


if __name__ == "__main__":
    sys.exit(main())
