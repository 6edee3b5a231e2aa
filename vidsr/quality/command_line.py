"""Options of ``vidsr-eval``."""

from __future__ import annotations

import argparse
from pathlib import Path

from vidsr.option_values import is_strength, parse_seconds, parse_strength
from vidsr.quality.request import BASELINES, METRICS
from vidsr.terminal.parser import Parser, reader, whole

NAME = "vidsr-eval"
SETS = ("Set5", "Set14")
EPILOG = """examples:
  vidsr-eval --model lite-x4                          Set5 and Set14 below --data
  vidsr-eval --model lite-x4 --model my.safetensors --metrics psnr,ssim,niqe
  vidsr-eval --hr photos/ --model lite-x4             LR made by bicubic
  vidsr-eval --hr photos/ --lr small/ --sheet crops.png
  vidsr-eval --hr clip.mp4 --frames 100 --json -      frame by frame
  vidsr-eval --hr clips/ --codec h264:18,23,28,33 --codec vp9:38,54 --sheet worst.png
  vidsr-eval --hr photos/ --model lite-x4 --model srgan-x4 --opinion blind.html
  vidsr-eval --opinion blind.html --opinion-results ann.json bob.json
protocol: 8-bit RGB output, Y of BT.601, SCALE pixels of border left out, mean over pictures
exit status: 0 done, 2 arguments, 3 pictures, 4 --json or --sheet, 6 model,
7 device, 8 memory, 130 interrupted
"""


def names(text: str) -> list[str]:
    """Return ``psnr,ssim`` as a list without repetitions."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def starts(text: str) -> tuple[float, ...]:
    """Return ``0,4.5,1:30`` as seconds. Raises ValueError."""
    return tuple(parse_seconds(part) for part in text.split(","))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Measure models against originals: PSNR, SSIM, NIQE and flicker.",
        epilog=EPILOG,
    )
    _add_what(parser.add_argument_group("what is measured"))
    _add_input(parser.add_argument_group("originals (default: Set5 and Set14)"))
    _add_footage(parser.add_argument_group("video as people have it: shrunk, coded, upscaled"))
    _add_output(parser.add_argument_group("output (default: a Markdown table)"))
    _add_opinion(parser.add_argument_group("what people say: pairs judged blind, Bradley-Terry"))
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
        metavar="LIST",
        help=f"what needs no learning, beside: {','.join(BASELINES)} "
        "(bicubic; with --codec lanczos too)",
    )
    group.add_argument(
        "--metrics",
        type=names,
        metavar="LIST",
        help=f"the metrics: {','.join(METRICS)} (psnr,ssim,flicker; with --codec niqe too)",
    )
    group.add_argument(
        "--border", type=int, metavar="N", help="the pixels left out at borders (the scale)"
    )
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="a device: auto, cpu, cuda, or cuda:1"
    )
    group.add_argument("--threads", type=whole(1), metavar="N", help="the CPU threads (all)")


def _add_input(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data", type=Path, metavar="DIR", help="the folder of the benchmarks ($VIDSR_DATA/eval)"
    )
    group.add_argument(
        "--sets", nargs="+", default=list(SETS), metavar="SET", help="the benchmarks (both)"
    )
    group.add_argument(
        "--hr",
        type=Path,
        action="append",
        metavar="PATH",
        help="the originals: a folder, a picture or a video; with --codec may be repeated",
    )
    group.add_argument(
        "--lr", type=Path, metavar="PATH", help="the small version of --hr (made by bicubic)"
    )
    group.add_argument(
        "--frames",
        type=whole(1),
        metavar="N",
        help="the number of frames of a video (all; 8 with --codec)",
    )
    group.add_argument(
        "--niqe-every",
        type=whole(1),
        default=10,
        metavar="N",
        help="the step between frames that NIQE and BRISQUE look at (10)",
    )


def _add_footage(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--codec",
        action="append",
        metavar="CODEC:QUALITIES",
        help="h264:18,23,28 or another codec and its qualities (crf, qscale); may be repeated; "
        "none: uncompressed, which is always measured",
    )
    group.add_argument(
        "--no-reference",
        action="store_true",
        help="upscale clips as they are: NIQE, flicker and a sheet, no original",
    )
    group.add_argument(
        "--start",
        type=reader(starts, "times such as 0,4.5,1:30"),
        metavar="LIST",
        help="where in each clip to begin; several give a part of the clip each (0)",
    )
    group.add_argument(
        "--strength",
        type=reader(parse_strength, "auto or a number from 0 to 2", is_strength),
        metavar="auto|X",
        help="how far models follow what the codec did: auto, 0 (not at all) to 2 (auto)",
    )
    group.add_argument(
        "--shuffle",
        action="store_true",
        help="columns of --sheet without names and in random order; the key lies beside it",
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
        help="the number of rows of --sheet and of pictures of --opinion (8); with --codec, of "
        "each model",
    )


def _add_opinion(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--opinion", type=Path, metavar="HTML", help="a blind page of pairs; its key lies beside it"
    )
    group.add_argument(
        "--opinion-seed", type=int, metavar="N", help="the number that its order follows from (0)"
    )
    group.add_argument(
        "--opinion-results",
        type=Path,
        nargs="+",
        metavar="JSON",
        help="votes that the page saved: print scores with intervals, and stop",
    )
