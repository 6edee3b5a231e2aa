"""The command ``vidsr-eval``: models measured on benchmarks, on pictures and on videos."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import NoInputError, OptionError, OutputError
from vidsr.files import check_writable, write_text
from vidsr.option_values import one_of
from vidsr.quality.command_line import NAME, build_parser
from vidsr.quality.footage.codings import parse_codings
from vidsr.quality.opinion.command import (
    check_methods,
    check_opinion,
    report_opinions,
    write_page,
)
from vidsr.quality.opinion.trials import key_path as opinion_key
from vidsr.quality.request import METRICS, Footage, Request
from vidsr.terminal.command import run_command
from vidsr.video.image_sequences import is_image
from vidsr.video.video_files import video_files

if TYPE_CHECKING:
    from torch import Tensor

    from vidsr.quality.footage.sheet import ClipSheet

# What loads torch is imported where it is used: --help and wrong arguments need not wait for it.

CLIP_FRAMES = 8  # of each clip, unless --frames says otherwise


def default_data() -> Path:
    """Return ``$VIDSR_DATA/eval``. Raises OptionError where the variable is not set."""
    folder = os.environ.get("VIDSR_DATA")
    if not folder:
        raise OptionError(
            "neither --hr, --data nor VIDSR_DATA is given: expected one of them.",
            hint="--data names the folder that holds Set5 and Set14; --hr takes your own pictures.",
        )
    return Path(folder) / "eval"


def request_of(args: argparse.Namespace) -> Request:
    """Return the arguments as one request. Raises OptionError, NoInputError."""
    _check_options(args)
    _check_paths(args)
    footage = _footage(args)
    request = Request(
        models=tuple(dict.fromkeys(args.model or ["lite"])),
        originals=args.hr[0] if args.hr else args.data or default_data(),
        sets=() if args.hr else tuple(dict.fromkeys(args.sets)),
        lr=args.lr,
        scale=args.scale,
        baselines=None if args.baselines is None else tuple(args.baselines),
        metrics=tuple(args.metrics) if args.metrics else None,
        border=args.border,
        device=args.device,
        threads=args.threads,
        frames=None if footage else args.frames,
        niqe_every=args.niqe_every,
        footage=footage,
    )
    if args.opinion is not None:
        check_methods(len(request.models) + len(request.chosen_baselines))
    request.check()
    return request


def _footage(args: argparse.Namespace) -> Footage | None:
    """Return the choices for clips; None where none of their options is given."""
    if not args.codec and not args.no_reference:
        return None
    clips = [
        path for given in args.hr for path in (video_files(given) if given.is_dir() else [given])
    ]
    return Footage(
        clips=tuple(dict.fromkeys(clips)),
        codings=parse_codings(args.codec or ()) if args.codec else (),
        starts_s=args.start or (0.0,),
        frames=args.frames or CLIP_FRAMES,
        upscaler={} if args.strength is None else {"strength": args.strength},
    )


def _check_options(args: argparse.Namespace) -> None:
    if args.metrics == []:
        raise OptionError(f"--metrics: none is named; expected {one_of(METRICS)}")
    if args.lr is not None and args.hr is None:
        raise OptionError("--lr is given without --hr.", hint="--hr names the originals.")
    if args.hr is not None and args.data is not None:
        raise OptionError("--hr and --data are both given; expected one of them.")
    if args.shuffle and args.sheet is None:
        raise OptionError("--shuffle is given without --sheet.", hint="--sheet names the picture.")
    if args.codec or args.no_reference:
        _check_clips(args)
    elif args.shuffle or args.start or args.strength is not None:
        name = "--shuffle" if args.shuffle else "--start" if args.start else "--strength"
        raise OptionError(
            f"{name} is for clips: expected --codec or --no-reference.",
            hint="such as --codec h264:18,23,28.",
        )
    elif len(args.hr or ()) > 1:
        raise OptionError(
            f"--hr is given {len(args.hr)} times: expected once without --codec.",
            hint="name a folder.",
        )


def _check_clips(args: argparse.Namespace) -> None:
    if args.codec and args.no_reference:
        raise OptionError(
            "--codec and --no-reference are both given; expected one of them.",
            hint="what is shrunk and coded has an original.",
        )
    name = "--codec" if args.codec else "--no-reference"
    if args.hr is None:
        raise OptionError(f"{name} is given without --hr.", hint="--hr names videos.")
    if args.lr is not None:
        raise OptionError(f"--lr beside {name}: expected --hr alone.", hint="leave --lr out.")


def _check_paths(args: argparse.Namespace) -> None:
    given = [("--hr", path) for path in args.hr or ()]
    given += [("--lr", args.lr)] if args.lr is not None else []
    for name, path in given:
        if not path.exists():
            raise NoInputError(f"{name} {path}: no such file or folder", hint="check the name.")
    if args.lr is None:
        return
    high = args.hr[0]
    if high.is_dir() != args.lr.is_dir():
        raise OptionError(f"--hr {high}, --lr {args.lr}: expected two folders or two files")
    if len({is_image(path) for path in (high, args.lr) if not path.is_dir()}) > 1:
        raise OptionError(f"--hr {high}, --lr {args.lr}: expected two pictures or two videos")


def _check_targets(args: argparse.Namespace) -> None:
    """Refuse before the work what would fail after it. Raises OutputError."""
    if args.sheet is not None and args.sheet.suffix.lower() != ".png":
        raise OutputError(f"--sheet {args.sheet}: expected a name that ends in .png")
    taken = [path.resolve() for path in (*(args.hr or ()), args.lr) if path is not None]
    if args.sheet is not None and args.sheet.resolve().parent in taken:
        raise OutputError(f"--sheet {args.sheet}: would be one of the pictures that are measured")
    targets = [("--sheet", args.sheet)]
    if args.shuffle and args.sheet is not None:
        targets.append(("the key of --sheet", key_path(args.sheet)))
    if args.opinion is not None:
        targets += [("--opinion", args.opinion), ("its key", opinion_key(args.opinion))]
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
    check_opinion(args)
    if args.opinion_results is not None:
        report_opinions(args)
        return
    _check_targets(args)
    request = request_of(args)
    if request.footage is not None:
        _measure_clips(args, request, request.footage)
        return
    from vidsr.quality.evaluation import evaluate
    from vidsr.quality.gallery import Gallery
    from vidsr.quality.results import as_json, markdown

    gallery = Gallery(args.sheet_rows) if args.sheet or args.opinion else None
    rows, settings = evaluate(request, gallery)
    if args.json != "-":
        print(markdown(rows))
    if args.json:
        _write_json(args.json, as_json(rows, settings))
    if gallery is not None and args.sheet:
        _write_sheet(args.sheet, gallery.sheet())
    if gallery is not None and args.opinion:
        write_page(args.opinion, gallery.crops(), args.opinion_seed)


def _measure_clips(args: argparse.Namespace, request: Request, footage: Footage) -> None:
    from vidsr.quality.clip_evaluation import evaluate_clips
    from vidsr.quality.gains import gains_json, gains_markdown
    from vidsr.quality.results import as_json, markdown

    shown = args.sheet or args.opinion
    result = evaluate_clips(request, footage, args.sheet_rows if shown else None)
    gained = bool(result.gains)
    if args.json != "-":
        print(markdown(result.rows))
        print(f"\n{gains_markdown(result.gains)}" if gained else "", end="\n" if gained else "")
    if args.json:
        more = {"gains": gains_json(result.gains)} if gained else {}
        _write_json(args.json, as_json(result.rows, result.settings | more))
    if result.sheet is not None and args.sheet:
        _write_clip_sheet(args.sheet, result.sheet, shuffle=args.shuffle)
    if result.sheet is not None and args.opinion:
        write_page(args.opinion, result.sheet.crops(), args.opinion_seed)


def _write_clip_sheet(path: Path, sheet: ClipSheet, *, shuffle: bool) -> None:
    if shuffle:
        pages, key = sheet.shuffled(random.Random())
        write_text(key_path(path), json.dumps(key, indent=2) + "\n")
    else:
        pages = sheet.pages()
    for number, page in enumerate(pages, 1):
        _write_sheet(page_path(path, number), page)


def _write_sheet(path: Path, sheet: Tensor) -> None:
    from vidsr.video.still_images import write_png

    try:
        write_png(path, sheet)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error


def _write_json(name: str, text: str) -> None:
    if name == "-":
        print(text)
    else:
        write_text(Path(name), text + "\n")


def page_path(sheet: Path, number: int) -> Path:
    """Return the name of a page of a sheet: ``sheet.png``, ``sheet-2.png`` and so on."""
    return sheet if number == 1 else sheet.with_stem(f"{sheet.stem}-{number}")


def key_path(sheet: Path) -> Path:
    """Return the name of the key of a shuffled sheet: ``sheet.key.json`` of ``sheet.png``."""
    return sheet.with_suffix(".key.json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(NAME, _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
