"""The command ``vidsr-eval``: models measured on benchmarks, on pictures and on videos."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import NoInputError, OptionError, OutputError
from vidsr.files import check_writable, write_text
from vidsr.option_values import one_of
from vidsr.quality.request import BASELINES, METRICS, Request
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser, whole
from vidsr.video.image_sequences import is_image

if TYPE_CHECKING:
    from vidsr.quality.gallery import Gallery

# What loads torch is imported where it is used: --help and wrong arguments need not wait for it.

NAME = "vidsr-eval"
SETS = ("Set5", "Set14")
EPILOG = """examples:
  vidsr-eval --model lite-x4                          Set5 and Set14 below --data
  vidsr-eval --model lite-x4 --model my.safetensors --metrics psnr,ssim,niqe
  vidsr-eval --hr photos/ --model lite-x4             LR made by bicubic
  vidsr-eval --hr photos/ --lr small/ --sheet crops.png
  vidsr-eval --hr clip.mp4 --frames 100 --json -      frame by frame
protocol: 8-bit RGB output, Y of BT.601, SCALE pixels of border left out, mean over pictures
exit status: 0 done, 2 arguments, 3 pictures, 4 --json or --sheet, 6 model,
7 device, 8 memory, 130 interrupted
"""


def names(text: str) -> list[str]:
    """Return ``psnr,ssim`` as a list without repetitions."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def default_data() -> Path:
    """Return ``$VIDSR_DATA/eval``. Raises OptionError where the variable is not set."""
    folder = os.environ.get("VIDSR_DATA")
    if not folder:
        raise OptionError(
            "neither --hr, --data nor VIDSR_DATA is given: expected one of them.",
            hint="--data names the folder that holds Set5 and Set14; --hr takes your own pictures.",
        )
    return Path(folder) / "eval"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Measure models against originals: PSNR, SSIM, NIQE and flicker.",
        epilog=EPILOG,
    )
    _add_what(parser.add_argument_group("what is measured"))
    _add_input(parser.add_argument_group("originals (default: Set5 and Set14)"))
    _add_output(parser.add_argument_group("output (default: a Markdown table)"))
    return parser


def _add_what(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", action="append", metavar="NAME|PATH", help="a model; may be repeated (lite)"
    )
    group.add_argument(
        "--scale", type=whole(1), metavar="N", help="the factor, for a family such as lite (4)"
    )
    group.add_argument(
        "--baselines",
        type=names,
        default=["bicubic"],
        metavar="LIST",
        help=f"plain filters beside: {','.join(BASELINES)} (bicubic)",
    )
    group.add_argument(
        "--metrics",
        type=names,
        metavar="LIST",
        help=f"the metrics: {','.join(METRICS)} (all but niqe)",
    )
    group.add_argument(
        "--border", type=int, metavar="N", help="the pixels left out at borders (the scale)"
    )
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="a device: auto, cpu, cuda, or cuda:1"
    )


def _add_input(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data", type=Path, metavar="DIR", help="the folder of the benchmarks ($VIDSR_DATA/eval)"
    )
    group.add_argument(
        "--sets", nargs="+", default=list(SETS), metavar="SET", help="the benchmarks (both)"
    )
    group.add_argument(
        "--hr", type=Path, metavar="PATH", help="the originals: a folder, a picture or a video"
    )
    group.add_argument(
        "--lr", type=Path, metavar="PATH", help="the small version of --hr (made by bicubic)"
    )
    group.add_argument(
        "--frames", type=whole(1), metavar="N", help="the number of frames of a video (all)"
    )
    group.add_argument(
        "--niqe-every",
        type=whole(1),
        default=10,
        metavar="N",
        help="the step between frames that NIQE looks at (10)",
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--json", metavar="FILE|-", help="a file for the scores; - prints them instead of the table"
    )
    group.add_argument("--sheet", type=Path, metavar="PNG", help="a picture of crops side by side")
    group.add_argument(
        "--sheet-rows",
        type=whole(1),
        default=8,
        metavar="N",
        help="the number of rows of --sheet (8)",
    )


def request_of(args: argparse.Namespace) -> Request:
    """Return the arguments as one request. Raises OptionError, NoInputError."""
    _check_options(args)
    _check_paths(args)
    request = Request(
        models=tuple(dict.fromkeys(args.model or ["lite"])),
        originals=args.hr or args.data or default_data(),
        sets=() if args.hr else tuple(dict.fromkeys(args.sets)),
        lr=args.lr,
        scale=args.scale,
        baselines=tuple(args.baselines),
        metrics=tuple(args.metrics) if args.metrics else None,
        border=args.border,
        device=args.device,
        frames=args.frames,
        niqe_every=args.niqe_every,
    )
    request.check()
    return request


def _check_options(args: argparse.Namespace) -> None:
    if args.metrics == []:
        raise OptionError(f"--metrics: none is named; expected {one_of(METRICS)}")
    if args.lr is not None and args.hr is None:
        raise OptionError("--lr is given without --hr.", hint="--hr names the originals.")
    if args.hr is not None and args.data is not None:
        raise OptionError("--hr and --data are both given; expected one of them.")


def _check_paths(args: argparse.Namespace) -> None:
    given = [(n, p) for n, p in (("--hr", args.hr), ("--lr", args.lr)) if p is not None]
    for name, path in given:
        if not path.exists():
            raise NoInputError(f"{name} {path}: no such file or folder")
    if len({path.is_dir() for _, path in given}) > 1:
        raise OptionError(f"--hr {args.hr}, --lr {args.lr}: expected two folders or two files")
    if len({is_image(path) for _, path in given if not path.is_dir()}) > 1:
        raise OptionError(f"--hr {args.hr}, --lr {args.lr}: expected two pictures or two videos")


def _check_targets(args: argparse.Namespace) -> None:
    """Refuse before the work what would fail after it. Raises OutputError."""
    if args.sheet is not None and args.sheet.suffix.lower() != ".png":
        raise OutputError(f"--sheet {args.sheet}: expected a name that ends in .png")
    taken = [path.resolve() for path in (args.hr, args.lr) if path is not None]
    if args.sheet is not None and args.sheet.resolve().parent in taken:
        raise OutputError(f"--sheet {args.sheet}: would be one of the pictures that are measured")
    targets = [("--sheet", args.sheet)]
    if args.json not in (None, "-"):
        targets.append(("--json", Path(args.json)))
    for name, target in targets:
        if target is None:
            continue
        if target.resolve() in taken:
            raise OutputError(f"{name} {target}: is the original, its small version or --sheet")
        check_writable(target, name)
        taken.append(target.resolve())


def _work(args: argparse.Namespace, _: Callable[[], bool]) -> None:
    _check_targets(args)
    request = request_of(args)
    from vidsr.quality.evaluation import evaluate
    from vidsr.quality.gallery import Gallery
    from vidsr.quality.results import as_json, markdown

    gallery = Gallery(args.sheet_rows) if args.sheet else None
    rows, settings = evaluate(request, gallery)
    if args.json != "-":
        print(markdown(rows))
    if args.json:
        _write_json(args.json, as_json(rows, settings))
    if gallery is not None:
        _write_sheet(args.sheet, gallery)


def _write_sheet(path: Path, gallery: Gallery) -> None:
    from vidsr.video.still_images import write_png

    try:
        write_png(path, gallery.sheet())
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error


def _write_json(name: str, text: str) -> None:
    if name == "-":
        print(text)
    else:
        write_text(Path(name), text + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(NAME, _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
